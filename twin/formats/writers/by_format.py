"""Which writer writes which format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twin.formats.export import ExportFormat
from twin.formats.writers.content import Content
from twin.formats.writers.gdal import write_flatgeobuf, write_geopackage, write_shapefile_zip
from twin.formats.writers.geojson import write_collection, write_lines
from twin.formats.writers.geoparquet import write_geoparquet
from twin.formats.writers.table import write_csv

WRITERS: dict[ExportFormat, Callable[[Content, Path], int]] = {
    ExportFormat.GEOJSON: write_collection,
    ExportFormat.GEOJSON_LINES: write_lines,
    ExportFormat.CSV: write_csv,
    ExportFormat.FLATGEOBUF: write_flatgeobuf,
    ExportFormat.GEOPARQUET: write_geoparquet,
    ExportFormat.GEOPACKAGE: write_geopackage,
    ExportFormat.SHAPEFILE: write_shapefile_zip,
}
