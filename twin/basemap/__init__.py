"""The shared reference map: what OSM and survey data become before they are layers."""
