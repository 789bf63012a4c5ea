"""Buildings: footprints with heights in, walls and roofs out, flat (LOD1) or pitched where that is told (LOD2), cut into tiles."""
