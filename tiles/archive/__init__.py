"""Tile archives: whole pyramids in one PMTiles file, built from any tile source, read in place."""
