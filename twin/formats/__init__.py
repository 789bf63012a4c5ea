"""Reading department files and writing exports. Start at `port.py` (what a reader gives) and `reading.py` (`open_source`)."""
