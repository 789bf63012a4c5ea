"""A textured mesh of any size to a quadtree of levels of detail."""
