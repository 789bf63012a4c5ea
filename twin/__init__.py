"""The spatial core: what is where, since when, in which CRS. Knows no web framework."""
