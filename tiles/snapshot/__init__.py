"""Columnar copies of layers, from which tiles are cut."""
