"""Codes of places both ways: map sheets, BeiDou grid cells, administrative divisions, unit grid cells, components and matters."""
