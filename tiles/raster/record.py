"""One image of a raster: what the book remembers of a COG, and how that is written as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from twin.bounds import Bounds
from twin.errors import BadLookError
from twin.store.values import instant_text, parse_instant
from twin.text import LocalText
from twin.vertical import UNKNOWN

LEVELS = ("public", "internal", "restricted")


@dataclass(frozen=True, slots=True)
class Band:
    """One band, with what its pixels looked like when it came.

    Attributes:
        name: As the file says, or `b1`, `b2`, …
        dtype: GDAL's name of the pixel type.
        colour: GDAL's colour interpretation: red, gray, alpha, palette, …
        low, high: The 2nd and 98th percentile of a sample, the usual range of a drawing; None where nothing is known.
    """

    name: str
    dtype: str
    colour: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class RasterRecord:
    """One image.

    Attributes:
        raster_id: The raster it belongs to.
        name: What tells it apart within the raster; with `raster_id` it names the file.
        path: The COG.
        title: Of the raster.
        day: The day it shows; None where nobody said.
        registered_at: When it came, UTC.
        owner: Who answers for it.
        level: Who may see it: one of `LEVELS`.
        sha256: Of the COG.
        crs: Horizontal system, as `twin.crs.parse_crs` takes it.
        bounds: What it covers, CGCS2000 lon/lat in degrees.
        size: Columns, rows.
        pixel_m: Side of a pixel on the ground in metres, about.
        bands: In order.
        nodata: Value of unknown pixels; NaN possible; None where there is none.
        vertical_datum: What heights count from, in the spelling of `twin.vertical`.
        provenance: Where it came from: file, size, checksum, CRS as found, programs.
        meaning: What its values are, where somebody said so: `quantity` in both languages, `unit`, `colormap`, `undrawn` (the
            value, as text, that maps leave out), `classes` with `value` and `title`. Values that mean something are no heights, even if they rest on heights of some datum.
    """

    raster_id: str
    name: str
    path: Path
    title: LocalText
    day: date | None
    registered_at: datetime
    owner: str
    level: str
    sha256: str
    crs: str
    bounds: Bounds
    size: tuple[int, int]
    pixel_m: float
    bands: tuple[Band, ...]
    nodata: float | None
    vertical_datum: str = UNKNOWN
    provenance: Mapping[str, Any] = field(default_factory=dict)
    meaning: Mapping[str, Any] = field(default_factory=dict)

    @property
    def colour_bands(self) -> tuple[int, ...]:
        """Numbers, from 1, of the bands that are drawn: all but alpha."""
        return tuple(number for number, band in enumerate(self.bands, 1) if band.colour != "alpha")

    def to_document(self) -> dict[str, Any]:
        """As it is kept: without the place of the file, which moves with the folder."""
        return {
            "title": self.title.to_dict(),
            "day": None if self.day is None else self.day.isoformat(),
            "registered_at": instant_text(self.registered_at),
            "owner": self.owner,
            "level": self.level,
            "sha256": self.sha256,
            "crs": self.crs,
            "bounds": list(self.bounds.as_tuple()),
            "size": list(self.size),
            "pixel_m": self.pixel_m,
            "bands": [
                {"name": b.name, "dtype": b.dtype, "colour": b.colour, "low": b.low, "high": b.high} for b in self.bands
            ],
            # JSON has no NaN.
            "nodata": "nan" if self.nodata is not None and self.nodata != self.nodata else self.nodata,
            "vertical_datum": self.vertical_datum,
            "provenance": dict(self.provenance),
            **({"meaning": dict(self.meaning)} if self.meaning else {}),
        }

    def at(self, path: Path) -> RasterRecord:
        """The same image whose file lies at `path`."""
        return replace(self, path=path)


def read_record(raster_id: str, name: str, path: Path, document: Mapping[str, Any]) -> RasterRecord:
    """The image that `to_document` wrote."""
    nodata = document["nodata"]
    return RasterRecord(
        raster_id=raster_id,
        name=name,
        path=path,
        title=LocalText.parse(document["title"]),
        day=None if document["day"] is None else date.fromisoformat(document["day"]),
        registered_at=parse_instant(document["registered_at"]),
        owner=document["owner"],
        level=document["level"],
        sha256=document["sha256"],
        crs=document["crs"],
        bounds=Bounds(*document["bounds"]),
        size=(document["size"][0], document["size"][1]),
        pixel_m=document["pixel_m"],
        bands=tuple(Band(**band) for band in document["bands"]),
        nodata=None if nodata is None else float(nodata),
        vertical_datum=document["vertical_datum"],
        provenance=document["provenance"],
        meaning=document.get("meaning", {}),
    )


def require_bands(record: RasterRecord, bands: Sequence[int]) -> None:
    """Raises BadLookError if an image has not all these bands."""
    missing = [band for band in bands if not 1 <= band <= len(record.bands)]
    if missing:
        raise BadLookError(
            f"影像“{record.name}”没有这个波段。The image '{record.name}' has no such band.",
            value=missing[0],
            limit=f"1 to {len(record.bands)}",
            remedy=f"GET /rasters/{record.raster_id} lists the bands of each image.",
        )
