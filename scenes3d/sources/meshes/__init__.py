"""Meshes in OBJ and PLY: surfaces without a word of what their numbers count from."""
