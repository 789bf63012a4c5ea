"""3D Tiles 1.0 and 1.1 that others made: unpacked to GLB, tiled explicitly, anchored to the globe, checked."""
