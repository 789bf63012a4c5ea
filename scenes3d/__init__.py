"""3D engine: footprints, clouds, meshes and terrain in, 3D Tiles and analysis out. Does not know tiles."""
