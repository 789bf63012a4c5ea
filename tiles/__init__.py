"""Tile engine: features in, tile bytes out. Does not know scenes3d or departments."""
