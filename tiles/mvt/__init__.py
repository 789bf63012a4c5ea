"""Mapbox Vector Tile 2.1: columns of features in, tile bytes out. Knows no store and no HTTP."""
