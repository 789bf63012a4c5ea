"""GeoPackage geometry blobs: ISO WKB behind a small header that carries the box.

Source: OGC 12-128r18, 2.1.3 (geometry encoding), little-endian throughout.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Bytes of the header by envelope code (flag bits 1-3): none, xy, xyz, xym, xyzm.
_HEADER_BYTES = (8, 40, 56, 56, 72)
_FLAGS_WITH_BOX = 0b00000011  # little-endian, envelope xy
_FLAGS_BARE = 0b00000001  # little-endian, no envelope: points
_POINT_TYPES = {1, 1001, 2001, 3001}

_HEADER = np.dtype([("magic", "S2"), ("version", "u1"), ("flags", "u1"), ("srs", "<i4"), ("box", "<f8", (4,))])


def encode_blobs(wkb: Sequence[bytes | None], box: npt.NDArray[np.float64], srs_id: int) -> list[bytes | None]:
    """Blobs for n geometries.

    Args:
        wkb: n little-endian ISO WKB geometries, None for no geometry.
        box: float64 (n, 4): west, south, east, north of each; NaN rows for none or empty.
        srs_id: The geometry's `gpkg_spatial_ref_sys` number.
    """
    heads = np.zeros(len(wkb), dtype=_HEADER)
    heads["magic"] = b"GP"
    heads["flags"] = _FLAGS_WITH_BOX
    heads["srs"] = srs_id
    heads["box"] = box[:, [0, 2, 1, 3]]
    raw = heads.tobytes()
    bare = struct.pack("<2sBBi", b"GP", 0, _FLAGS_BARE, srs_id)
    size = _HEADER.itemsize
    # A flat point is its own box: bytes 1-4 of its WKB are the type 1.
    return [
        None
        if body is None
        else (bare + body if body[1:5] == b"\x01\x00\x00\x00" else raw[size * i : size * (i + 1)] + body)
        for i, body in enumerate(wkb)
    ]


def decode_blob(blob: bytes) -> bytes:
    """The WKB inside a blob."""
    return blob[_HEADER_BYTES[(blob[3] >> 1) & 7] :]


def decode_blobs(blobs: Sequence[bytes | None]) -> list[bytes | None]:
    """The WKB inside each of many blobs."""
    sizes = _HEADER_BYTES
    return [None if b is None else b[sizes[(b[3] >> 1) & 7] :] for b in blobs]


def is_empty_blob(blob: bytes) -> bool:
    """Whether the header of a GeoPackage geometry says that it is empty."""
    return bool(blob[3] & 0b00010000)


def blob_box(blob: bytes) -> tuple[float, float, float, float] | None:
    """West, south, east, north of a blob without decoding its rings, None for an empty one."""
    if is_empty_blob(blob):
        return None
    code = (blob[3] >> 1) & 7
    order = "<" if blob[3] & 1 else ">"
    if code:
        west, east, south, north = struct.unpack_from(f"{order}4d", blob, 8)
        return (west, south, east, north)
    body = blob[8:]
    inner = "<" if body[0] else ">"
    (kind,) = struct.unpack_from(f"{inner}I", body, 1)
    if kind in _POINT_TYPES:
        x, y = struct.unpack_from(f"{inner}2d", body, 5)
        return None if math.isnan(x) else (x, y, x, y)
    return _box_by_geos(body)


def _box_by_geos(wkb: bytes) -> tuple[float, float, float, float] | None:
    import shapely

    geometry = shapely.from_wkb(wkb)
    return None if geometry.is_empty else geometry.bounds
