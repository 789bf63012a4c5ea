"""In which coordinate system a file is: what the caller, the file and the manifest say, and what its numbers look like."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import cast

import numpy as np
import shapely

from twin.crs import CGCS2000, is_same_place, offset_datum_of, parse_crs
from twin.errors import MissingCRSError
from twin.formats.port import FeatureSource, RowBatch

CRS84 = "OGC:CRS84"


@dataclass(frozen=True, slots=True)
class SourceCRS:
    """The CRS of a file's coordinates.

    Attributes:
        text: As `twin.crs.parse_crs` takes it.
        known_by: "declared" (by the caller or the manifest), "file" or "assumed".
        notes: Sentences a person should read.
    """

    text: str
    known_by: str
    notes: tuple[str, ...] = ()


def decide_crs(source: FeatureSource, *, declared: str | None, manifest_crs: str | None) -> SourceCRS:
    """The CRS of an opened file: the caller's word, else the file's, else the manifest's, else degrees are taken as degrees.

    Where the manifest says GCJ-02 or BD-09, a file that only says "degrees" does not contradict it.
    GeoJSON and TopoJSON in degrees are CRS84 (RFC 7946); everything else in degrees is taken as CGCS2000 and the report says so.

    Raises:
        MissingCRSError: if nobody says and the coordinates are not degrees.
        UnknownCRSError: if what somebody says is not a CRS.
    """
    info = source.info
    if declared is not None:
        return SourceCRS(declared, "declared")
    # GeoJSON without a word on its CRS is CRS84 by RFC 7946; metres in it show that somebody forgot to say it.
    forgotten = "JSON" in info.format and info.file_crs == CRS84 and not _looks_like_degrees(source)
    if (
        manifest_crs is not None
        and offset_datum_of(parse_crs(manifest_crs)) is not None
        and _says_degrees(info.file_crs)
    ):
        return SourceCRS(
            manifest_crs, "declared", (f"The layer is delivered in {manifest_crs}; the file was taken so.",)
        )
    if info.crs is not None and info.file_crs is not None and not forgotten:
        return SourceCRS(info.crs, "file", _disagreement(info.crs, manifest_crs))
    if manifest_crs is not None:
        return SourceCRS(manifest_crs, "declared")
    if forgotten or not _looks_like_degrees(source):
        raise MissingCRSError(
            f"This {info.format} file does not say its coordinate system, and its coordinates are not degrees.",
            value=info.layer,
            limit="a CRS in the file, in the manifest or in the call",
            remedy='Declare it: --crs EPSG:4549 on the command line, ?crs=EPSG:4549 in the address, "crs" in the manifest.',
        )
    crs = info.crs or (CRS84 if "JSON" in info.format else CGCS2000)
    return SourceCRS(
        crs, "assumed", (f"The file does not say its CRS; its coordinates are degrees and were taken as {crs}.",)
    )


def _says_degrees(file_crs: str | None) -> bool:
    """Whether a file says no more than "degrees": what software writes for data in GCJ-02 and BD-09, too."""
    return file_crs is None or is_same_place(parse_crs(file_crs))


def _disagreement(file_crs: str, manifest_crs: str | None) -> tuple[str, ...]:
    if manifest_crs is None:
        return ()
    said, found = parse_crs(manifest_crs), parse_crs(file_crs)
    if said == found or (is_same_place(said) and is_same_place(found)):
        return ()
    return (f"The manifest says {manifest_crs}, the file says {found.name}; the file was believed.",)


def _looks_like_degrees(source: FeatureSource) -> bool:
    """Whether any of the first rows could be lon/lat (or lat/lon) degrees; also true when there is nothing to see."""
    with closing(cast("Generator[RowBatch]", source.batches(rows=1000))) as batches:
        first = next(batches, None)
    if first is None:
        return True
    wkb = np.array([w for w in first.wkb if w is not None], dtype=object)
    box = shapely.bounds(shapely.from_wkb(wkb, on_invalid="ignore"))
    box = box[np.isfinite(box).all(axis=1)]
    return len(box) == 0 or bool((np.abs(box) <= 180).all(axis=1).any())
