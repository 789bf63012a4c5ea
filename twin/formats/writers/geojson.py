"""GeoJSON: one collection, or one feature a line.

Source: RFC 7946. A CRS other than WGS 84 or CGCS2000 in degrees is written as the `crs` member of GeoJSON 2008, which GDAL
and QGIS read; the format without that member has no way to say it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import shapely

from twin.crs import crs_uri, is_lon_lat_by_definition, is_same_place
from twin.errors import UnknownCRSError
from twin.feature import FeatureBatch
from twin.formats.writers.content import Content, column, iter_geometries

_OPTIONS = orjson.OPT_UTC_Z


def write_collection(content: Content, path: Path) -> int:
    """A FeatureCollection with one feature on each line."""
    head: dict[str, Any] = {"type": "FeatureCollection", "name": content.layer}
    if not is_lon_lat_by_definition(content.crs):
        head["crs"] = {"type": "name", "properties": {"name": _urn(content)}}
    count = 0
    with path.open("wb") as file:
        file.write(orjson.dumps(head)[:-1] + b',"features":[')
        for text in _features(content):
            file.write((b",\n" if count else b"\n") + text)
            count += 1
        file.write(b"\n]}\n")
    return count


def write_lines(content: Content, path: Path) -> int:
    """One feature a line.

    Raises:
        UnknownCRSError: if the CRS is not degrees of WGS 84 or CGCS2000: the lines have no place to say it.
    """
    if not is_same_place(content.crs):
        raise UnknownCRSError(
            "One feature a line cannot say its CRS.",
            value=content.crs_text,
            limit="CRS84, EPSG:4326 or EPSG:4490",
            remedy="Ask for degrees, or for GeoPackage or GeoParquet.",
        )
    count = 0
    with path.open("wb") as file:
        for text in _features(content):
            file.write(text + b"\n")
            count += 1
    return count


def _features(content: Content) -> Iterator[bytes]:
    for batch, geometries in iter_geometries(content):
        yield from _batch(batch, geometries, content)


def _batch(batch: FeatureBatch, geometries: npt.NDArray[np.object_], content: Content) -> Iterator[bytes]:
    names = content.schema.names
    texts = shapely.to_geojson(geometries)
    rows = zip(*(column(batch, name) for name in names), strict=True) if names else iter([()] * len(batch))
    for id_, text, values in zip(batch.ids, texts, rows, strict=True):
        feature: dict[str, Any] = {"type": "Feature"}
        if id_ is not None:
            feature["id"] = id_
        feature["geometry"] = None if text is None else orjson.Fragment(text)
        feature["properties"] = dict(zip(names, values, strict=True))
        yield orjson.dumps(feature, option=_OPTIONS)


def _urn(content: Content) -> str:
    """The CRS as a URN, which is how GDAL writes the old member."""
    uri = crs_uri(content.crs)
    if uri.startswith("urn:"):
        return str(content.crs.to_wkt())
    authority, version, code = uri.rsplit("/", 3)[1:]
    return f"urn:ogc:def:crs:{authority}:{'' if version == '0' else version}:{code}"
