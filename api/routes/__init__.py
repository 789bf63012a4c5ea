"""One file per family of paths; each route is a short function."""
