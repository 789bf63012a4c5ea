"""Points of a LAS or LAZ file of the inbox that lie in a box of the frame."""

from __future__ import annotations

import laspy
import numpy as np

from layers.analysis.material import Box, Material
from layers.sources import find_in_inbox
from scenes3d.rays.port import Floats
from twin.crs import CGCS2000, CRS, parse_crs, transform_points, vertical_part
from twin.errors import MissingCRSError, TooLargeError, UnreadableFileError
from twin.vertical import UNKNOWN, parse_vertical_datum

_CHUNK = 1_000_000
POINTS_MAX = 50_000_000


def read_cloud(material: Material, path: str, crs: str | None, vertical_datum: str | None, box: Box) -> Floats:
    """Points, (n, 3): east, north of the frame, height as in the file.

    Raises:
        BadManifestError: if the inbox has no such file.
        MissingCRSError: if neither the header nor the question names a reference system.
        UnreadableFileError: if the file is no LAS or LAZ, or cut short.
        TooLargeError: if it holds more points in the box than are taken.
    """
    file = find_in_inbox(material.desk.inbox, path)
    try:
        with laspy.open(file) as reader:
            wkt = reader.header.parse_crs()
            if crs is None and wkt is None:
                raise MissingCRSError(
                    "The cloud does not say its reference system. 点云未声明坐标系。",
                    value=path,
                    limit="a reference system",
                    remedy="Name it as 'crs', for instance EPSG:4549+5737.",
                )
            system = parse_crs(crs if crs is not None else wkt.to_wkt())
            _require_metres(system, path)
            parts = [_within(material, points, system, box) for points in reader.chunk_iterator(_CHUNK)]
    except (laspy.errors.LaspyException, ValueError, OSError, EOFError, RuntimeError) as error:
        raise UnreadableFileError(
            "The cloud cannot be read. 点云无法读取。", value=path, limit="a whole LAS or LAZ file", remedy=str(error)
        ) from error
    found = np.concatenate(parts) if parts else np.zeros((0, 3))
    if len(found) > POINTS_MAX:
        raise TooLargeError(
            "The area holds too many points. 点过多。",
            value=f"{len(found):,}",
            limit=f"{POINTS_MAX:,}",
            remedy="Draw a smaller area.",
        )
    stated = parse_vertical_datum(vertical_datum) if vertical_datum else vertical_part(system) or UNKNOWN
    material.vertical_datum = stated
    status = file.stat()
    material.used.append({"file": path, "bytes": status.st_size, "points": len(found), "verticalDatum": stated})
    return found


def _require_metres(system: CRS, path: str) -> None:
    """Heights in feet look like heights in metres, and make three and a half times the volume in plan alone."""
    feet = [axis.unit_name for axis in system.axis_info if "degree" not in axis.unit_name and axis.unit_name != "metre"]
    if feet:
        raise UnreadableFileError(
            "The cloud is not in metres. 点云单位不是米。",
            value=f"{path}: {feet[0]}",
            limit="metres",
            remedy="Convert it to EPSG:4549 with heights in metres.",
        )


def _within(material: Material, points: laspy.ScaleAwarePointRecord, system: CRS, box: Box) -> Floats:
    lon, lat = transform_points(points.x, points.y, system, parse_crs(CGCS2000))
    east, north = material.frame.to_local(lon, lat)
    west, south, right, top = box
    with np.errstate(invalid="ignore"):
        inside = (east >= west) & (east <= right) & (north >= south) & (north <= top)
    return np.column_stack([east[inside], north[inside], np.asarray(points.z)[inside]])
