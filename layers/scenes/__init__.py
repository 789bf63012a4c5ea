"""Scenes: layers as 3D Tiles, with an owner, a datum, sources and a review; built once, then following their layer."""
