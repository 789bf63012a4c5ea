"""CSV for spreadsheets: UTF-8 with a byte order mark, because Excel takes Chinese text for something else without it.

Points have two columns (lon, lat; or x, y in metres), everything else one with WKT. A text that a spreadsheet would run as a
formula (it begins with = + - @, tab or return, and is no number) gets an apostrophe in front, the spreadsheets' own mark for
"this is text"; `twin.formats.csv_file` takes it off again.

Source: RFC 4180; OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from twin.crs import CRS
from twin.formats.writers.content import Content, column, iter_geometries
from twin.schema import GeometryType

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def write_csv(content: Content, path: Path) -> int:
    """The rows of `content` as one CSV file."""
    points = content.schema.geometry_type is GeometryType.POINT
    names = _coordinate_names(content, content.crs) if points else (content.free_name("wkt", "geometry_wkt"),)
    coordinates = _point_columns if points else _wkt_column
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([guarded(name) for name in (content.id_name, *content.schema.names, *names)])
        for batch, geometries in iter_geometries(content):
            ids = [cell(id_) for id_ in batch.ids]
            columns = [[cell(value) for value in column(batch, name)] for name in content.schema.names]
            writer.writerows(zip(ids, *columns, *coordinates(geometries), strict=True))
            count += len(batch)
    return count


def cell(value: Any) -> Any:
    """A value as a cell: empty for unknown, ISO 8601 for times, true and false in lower case, dangerous text guarded."""
    match value:
        case str():
            return guarded(value)
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    return value


def guarded(text: str) -> str:
    """A text that no spreadsheet runs as a formula.

    >>> [guarded(t) for t in ("=1+1", "-5", "@x", "plain", "'=x")]
    ["'=1+1", '-5', "'@x", 'plain', "''=x"]
    """
    return "'" + text if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def _coordinate_names(content: Content, crs: CRS) -> tuple[str, str]:
    pair = ("lon", "lat") if crs.is_geographic else ("x", "y")
    taken = {name.casefold() for name in content.schema.names}
    if not taken & set(pair):
        return pair
    return ("经度", "纬度") if crs.is_geographic else ("easting", "northing")


def _point_columns(geometries: npt.NDArray[np.object_]) -> Iterator[list[Any]]:
    read: Callable[[npt.NDArray[np.object_]], npt.NDArray[np.float64]]
    for read in (shapely.get_x, shapely.get_y):
        yield [None if value != value else value for value in read(geometries).tolist()]  # noqa: PLR0124 NaN alone differs from itself


def _wkt_column(geometries: npt.NDArray[np.object_]) -> Iterator[list[Any]]:
    yield list(shapely.to_wkt(geometries, rounding_precision=-1))
