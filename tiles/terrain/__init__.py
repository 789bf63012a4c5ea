"""Terrain: heights of elevation rasters as raster tiles. Heights keep their vertical datum and are never converted."""
