"""Scenes: 3D Tiles with an owner, a datum, sources and a review; built from a layer and following it, or as they were delivered."""
