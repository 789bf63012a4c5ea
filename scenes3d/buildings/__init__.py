"""Buildings: footprints with heights in, walls and flat roofs (LOD1) out, cut into tiles."""
