"""Surfaces of features, from whatever model they came, to a tileset with feature ids."""
