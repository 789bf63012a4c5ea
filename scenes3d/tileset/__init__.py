"""3D Tiles 1.1: the tree of tiles, its JSON, and whether everything lies inside what it says."""
