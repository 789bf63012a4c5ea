"""The guard: does a new layer lie where it says? Pure functions over arrays: geometries in, a belief out."""
