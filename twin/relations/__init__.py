"""What belongs to what, by id: typed links between features of any layers, with integrity checks. Start with `open_relations`."""
