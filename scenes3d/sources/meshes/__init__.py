"""Meshes in OBJ, PLY and GLB: surfaces without a word of what their numbers count from."""
