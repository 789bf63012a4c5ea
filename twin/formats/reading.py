"""One door to every readable file: `open_source` looks at the content and picks the reader."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path

from twin.errors import UnreadableFileError, UnsafeArchiveError
from twin.formats.archive import ArchiveLimits, unpacked
from twin.formats.csv_file import CsvSource
from twin.formats.gdal import GdalFile, GdalSource
from twin.formats.geojson import GeoJSONSource, Shape
from twin.formats.geoparquet import GeoParquetSource
from twin.formats.port import FeatureSource
from twin.formats.shapefile import open_shapefile
from twin.formats.sniffing import READABLE, FileFormat, sniff_format
from twin.formats.source import FileSource, ReadOptions
from twin.formats.topojson import TopoJSONSource

Opener = Callable[[Path, ReadOptions], FileSource]
_READABLE_SUFFIXES = {
    ".shp": 0, ".gpkg": 1, ".sqlite": 1, ".parquet": 2, ".geoparquet": 2, ".fgb": 3, ".geojson": 4, ".geojsonl": 4, ".ndjson": 4,
    ".topojson": 5, ".json": 6, ".csv": 7, ".tsv": 7,
}  # fmt: skip


def open_source(
    path: Path | str,
    *,
    crs: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    lon: str | None = None,
    lat: str | None = None,
    id_property: str | None = None,
    zone: tzinfo = UTC,
    limits: ArchiveLimits | None = None,
) -> FeatureSource:
    """The features of one file, or of one layer of it. Reads as much as the description needs, no more.

    Args:
        path: The file; a zip is unpacked into a temporary folder that goes when the source is closed.
        crs: CRS of the coordinates; overrides what the file declares.
        encoding: Text encoding (Shapefile, CSV, JSON); overrides detection.
        layer: Layer inside a GeoPackage or TopoJSON, or member of a zip (name or stem). Needed where there are several.
        lon: Column with x of a CSV, or with WKT.
        lat: Column with y of a CSV.
        id_property: Column whose value is the feature id; rows without one are rejected.
        zone: Time zone of times that name none.
        limits: What a zip may hold.

    Raises:
        UnreadableFileError: if the file is empty, damaged, in no readable format, or holds several layers and none is named.
        UnsafeArchiveError, TooLargeError: if a zip breaks the limits.
        UnknownPropertyError: if there is no column `id_property`.
    """
    options = ReadOptions(crs=crs, encoding=encoding, layer=layer, lon=lon, lat=lat, id_property=id_property, zone=zone)
    file = Path(path)
    if sniff_format(file) is FileFormat.ZIP:
        return _open_zip(file, options, limits)
    return _open_plain(file, options)


def is_osm(path: Path | str) -> bool:
    """Whether the file is an OpenStreetMap extract, which holds many layers: `twin.basemap.osm.open_osm` reads it."""
    return sniff_format(Path(path)) is FileFormat.OSM


def _open_plain(path: Path, options: ReadOptions) -> FileSource:
    found = sniff_format(path)
    if found not in _OPENERS:
        inside = found is FileFormat.ZIP
        raise UnreadableFileError(
            "An archive inside an archive is not opened." if inside else "An OpenStreetMap extract holds many layers.",
            value=path.name,
            limit=READABLE,
            remedy="Send the inner archive."
            if inside
            else "Import it as a base map: one layer is made of each kind of feature.",
        )
    return _OPENERS[found](path, options)


def _open_zip(path: Path, options: ReadOptions, limits: ArchiveLimits | None) -> FileSource:
    with ExitStack() as stack:
        folder = stack.enter_context(unpacked(path, limits))
        member = _choose_member(path, folder, options.layer)
        inner = (
            options
            if member.suffix.lower() == ".gpkg" and options.layer != member.stem
            else replace(options, layer=None)
        )
        source = _open_plain(member, inner)
        source.cleanup.push(stack.pop_all())
    return source


def _choose_member(path: Path, folder: Path, wanted: str | None) -> Path:
    """The file in the archive to read: the one of that name, else the only one of the best format present."""
    ranked = [
        (rank, p) for p in sorted(folder.rglob("*")) if (rank := _READABLE_SUFFIXES.get(p.suffix.lower())) is not None
    ]
    if not ranked:
        raise UnsafeArchiveError(
            "The archive holds no file that can be read.",
            value=", ".join(p.name for p in sorted(folder.rglob("*"))[:20]) or path.name,
            limit=READABLE,
            remedy="Pack the data files themselves.",
        )
    named = [(rank, p) for rank, p in ranked if wanted in (p.name, p.stem)]
    candidates = named or ranked
    best = min(rank for rank, _ in candidates)
    members = [p for rank, p in candidates if rank == best]
    if len(members) > 1 or (wanted and not named and members[0].suffix.lower() != ".gpkg"):
        raise UnreadableFileError(
            f"The archive '{path.name}' holds {len(members)} data files."
            if not wanted
            else f"The archive has no '{wanted}'.",
            value=wanted or path.name,
            limit="one of: " + ", ".join(p.name for _, p in ranked[:40]),
            remedy="Say which one, or pack one layer in each archive.",
        )
    return members[0]


def _geojson(shape: Shape) -> Opener:
    return lambda path, options: GeoJSONSource(path, options, shape)


def _gdal(file: GdalFile) -> Opener:
    return lambda path, options: GdalSource(path, options, file)


_OPENERS: dict[FileFormat, Opener] = {
    FileFormat.GEOPARQUET: GeoParquetSource,
    FileFormat.GEOPACKAGE: _gdal(GdalFile("GeoPackage")),
    FileFormat.SPATIALITE: _gdal(GdalFile("SpatiaLite", trusts_type=False)),
    FileFormat.FLATGEOBUF: _gdal(GdalFile("FlatGeobuf", checks_count=True)),
    FileFormat.SHAPEFILE: open_shapefile,
    FileFormat.GEOJSON: _geojson(Shape.COLLECTION),
    FileFormat.GEOJSON_DOCUMENT: _geojson(Shape.SINGLE),
    FileFormat.GEOJSON_LINES: _geojson(Shape.LINES),
    FileFormat.GEOJSON_SEQUENCE: _geojson(Shape.SEQUENCE),
    FileFormat.TOPOJSON: TopoJSONSource,
    FileFormat.CSV: CsvSource,
}
