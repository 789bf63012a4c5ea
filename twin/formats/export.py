"""One door to every export format."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from twin.errors import BadCall
from twin.feature import FeatureBatch
from twin.schema import Schema


class ExportFormat(StrEnum):
    """Formats that can be written, by the short name that callers use (`f=`, `--format`)."""

    GEOJSON = "geojson"
    GEOJSON_LINES = "ndjson"
    CSV = "csv"
    FLATGEOBUF = "fgb"
    GEOPARQUET = "parquet"
    GEOPACKAGE = "gpkg"
    SHAPEFILE = "shp"

    @property
    def suffix(self) -> str:
        """Ending of a file of this format."""
        return _SUFFIXES[self]


_SUFFIXES = {
    ExportFormat.GEOJSON: ".geojson",
    ExportFormat.GEOJSON_LINES: ".ndjson",
    ExportFormat.CSV: ".csv",
    ExportFormat.FLATGEOBUF: ".fgb",
    ExportFormat.GEOPARQUET: ".parquet",
    ExportFormat.GEOPACKAGE: ".gpkg",
    ExportFormat.SHAPEFILE: ".zip",
}
_ALSO = {
    ".json": ExportFormat.GEOJSON,
    ".geojsonl": ExportFormat.GEOJSON_LINES,
    ".geojsonseq": ExportFormat.GEOJSON_LINES,
    ".geoparquet": ExportFormat.GEOPARQUET,
}


def format_of(path: Path | str) -> ExportFormat:
    """The format that a file's ending asks for (.zip is a shapefile).

    Raises:
        BadCall: if the ending is of none.
    """
    suffix = Path(path).suffix.lower()
    endings = {ending: name for name, ending in _SUFFIXES.items()} | _ALSO
    if suffix not in endings:
        raise BadCall(
            "This ending does not tell a format that can be written.",
            value=suffix or Path(path).name,
            limit=", ".join(sorted(endings)),
            remedy="Use one of these endings, or name the format.",
        )
    return endings[suffix]


def write_features(
    batches: Iterable[FeatureBatch],
    path: Path | str,
    export_format: ExportFormat,
    *,
    schema: Schema,
    crs: str = "EPSG:4490",
    layer: str = "features",
) -> int:
    """Write features to a file and give their number. The file appears whole or not at all.

    Args:
        batches: Rows; geometries already in `crs`, x (lon, easting) before y: GIS files have that order whatever the CRS declares.
        path: Where to; an existing file is replaced.
        export_format: Which format.
        schema: Geometry type and properties of the layer, in the order wanted.
        crs: CRS to write into the file, as `twin.crs.parse_crs` takes it.
        layer: Name of the layer inside the file.

    Raises:
        UnknownCRSError: if `crs` is none, or the format cannot carry it.
        GeometryTypeError: if the format cannot hold a layer of mixed geometries.
    """
    # Imported late: the writers bring pandas, pyarrow and GDAL, which no server needs to start.
    from twin.formats.writers.by_format import WRITERS
    from twin.formats.writers.content import Content

    target = Path(path)
    with tempfile.TemporaryDirectory(prefix=".onemap-export-", dir=target.parent) as folder:
        whole = Path(folder) / f"whole{export_format.suffix}"
        count = WRITERS[export_format](Content(batches, schema, crs, _safe_name(layer)), whole)
        whole.replace(target)
    return count


def _safe_name(layer: str) -> str:
    """A layer name that may stand in a file name."""
    return re.sub(r"[^\w-]+", "_", layer) or "features"


def encode_features(
    batches: Iterable[FeatureBatch],
    export_format: ExportFormat,
    *,
    schema: Schema,
    crs: str = "EPSG:4490",
    layer: str = "features",
) -> bytes:
    """The same as bytes, for an answer that is small enough to be held whole."""
    with tempfile.TemporaryDirectory(prefix="onemap-export-") as folder:
        path = Path(folder) / f"whole{export_format.suffix}"
        write_features(batches, path, export_format, schema=schema, crs=crs, layer=layer)
        return path.read_bytes()
