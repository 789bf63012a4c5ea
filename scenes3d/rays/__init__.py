"""Rays against triangles: one port, three engines."""
