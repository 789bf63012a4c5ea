"""Where layers are kept: one port, two adapters (GeoPackage file, PostGIS)."""
