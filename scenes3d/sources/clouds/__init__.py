"""LAS, LAZ and COPC files, read in chunks."""
