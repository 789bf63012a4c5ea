"""Point clouds to 3D Tiles: any number of points, in bounded memory."""
