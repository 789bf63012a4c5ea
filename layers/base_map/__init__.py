"""The base map as a governed product: checked, released under a name, and what others were checked against."""
