"""OSGB, trees of paged levels of detail as photogrammetry delivers them: each level as it is, to a tile."""
