"""A result as a raster: cells of the answer's own lattice as a Cloud Optimized GeoTIFF, value for value, and in the book of rasters.

The file's reference system is the answer's frame, an orthographic projection of CGCS2000 round its place (EPSG method 9840), so that
no cell is moved or mixed with another: what is read back is what the answer was summed up from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio import Affine
from rasterio.enums import ColorInterp

from layers.policy import Action, Actor, Policy
from scenes3d.analysis.ground import Ground
from scenes3d.rays.port import Bools
from tiles.raster.book import RasterBook
from tiles.raster.cog import RasterWish, import_raster, write_cog
from tiles.raster.opening import decide_raster_crs, gdal_crs
from twin.crs import CRS, parse_crs
from twin.local_frame import LocalFrame
from twin.text import LocalText

NOT_ASKED = 255
"""The code of cells that the question is not about, in a raster of classes."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the values of a raster are.

    Attributes:
        quantity: What was measured or judged.
        unit: Of numbers; empty for classes.
        colormap: Of numbers, by its name in rio-tiler.
        undrawn: A value, as text, that is known and that maps leave out: dry ground.
        classes: Of codes: value, title, colour as #rrggbb.
    """

    quantity: LocalText
    unit: str = ""
    colormap: str = ""
    undrawn: str = ""
    classes: tuple[tuple[int, LocalText, str], ...] = ()

    def to_document(self) -> dict[str, Any]:
        classes = [{"value": value, "title": title.to_dict()} for value, title, _ in self.classes]
        return {
            "quantity": self.quantity.to_dict(),
            "unit": self.unit,
            **{name: value for name, value in (("colormap", self.colormap), ("undrawn", self.undrawn)) if value},
            **({"classes": classes} if classes else {}),
        }


@dataclass(frozen=True, slots=True)
class Raster:
    """Values at the nodes of a lattice, each for the square round it.

    Attributes:
        values: (rows, columns), row 0 the southernmost: float32, NaN where nobody knows; or uint8 codes, `NOT_ASKED` beyond the question.
        west, south: Metres of the frame, of node (0, 0).
        cell_m: Side of a cell.
    """

    values: npt.NDArray[Any]
    west: float
    south: float
    cell_m: float
    meaning: Meaning

    @property
    def is_classes(self) -> bool:
        return bool(self.meaning.classes)


def numbers(ground: Ground, values: npt.NDArray[Any], asked: Bools, meaning: Meaning) -> Raster:
    """A raster of numbers on a lattice; beyond the question nothing is known."""
    shown = np.where(asked, values, np.nan).astype(np.float32)
    return Raster(shown, ground.west, ground.south, ground.cell_m, meaning)


def classes(ground: Ground, codes: npt.NDArray[np.uint8], asked: Bools, meaning: Meaning) -> Raster:
    """A raster of verdicts on a lattice."""
    shown = np.where(asked, codes, NOT_ASKED).astype(np.uint8)
    return Raster(shown, ground.west, ground.south, ground.cell_m, meaning)


def frame_crs(frame: LocalFrame) -> CRS:
    """The reference system of a frame: orthographic on the ellipsoid, CGCS2000. PROJ agrees with `LocalFrame` to a micrometre."""
    names = {
        "Latitude of natural origin": (frame.lat, "degree", 8801),
        "Longitude of natural origin": (frame.lon, "degree", 8802),
        "False easting": (0.0, "metre", 8806),
        "False northing": (0.0, "metre", 8807),
    }
    conversion = {
        "type": "Conversion",
        "name": "round the place of the analysis",
        "method": {"name": "Orthographic", "id": {"authority": "EPSG", "code": 9840}},
        "parameters": [
            {"name": name, "value": value, "unit": unit, "id": {"authority": "EPSG", "code": code}}
            for name, (value, unit, code) in names.items()
        ],
    }
    axes = [
        {"name": name, "abbreviation": name[0], "direction": way, "unit": "metre"}
        for name, way in (("Easting", "east"), ("Northing", "north"))
    ]
    document = {
        "type": "ProjectedCRS",
        "name": "CGCS2000 / orthographic round a place",
        "base_crs": parse_crs("EPSG:4490").to_json_dict(),
        "conversion": conversion,
        "coordinate_system": {"subtype": "Cartesian", "axis": axes},
    }
    return CRS.from_json_dict(document)


def cog_bytes(raster: Raster, frame: LocalFrame, tags: Mapping[str, str]) -> bytes:
    """The raster as a Cloud Optimized GeoTIFF, checked by rio-cogeo; the same answer gives the same bytes.

    Args:
        tags: Words that go along in the file: process, vertical datum, sources.
    """
    with _written(raster, frame, tags) as path, rasterio.open(path) as dataset:
        target = path.with_name("cog.tif")
        write_cog(dataset, target, decide_raster_crs(dataset, None, path.name), dataset.nodata)
        return target.read_bytes()


def require_raster_free(book: RasterBook, policy: Policy, actor: Actor, raster_id: str) -> None:
    """Ask, before any work, whether the raster may be made. Raises PolicyError, DuplicateRasterError, BadManifestError."""
    policy.authorise(actor, Action.REGISTER_LAYER, raster_id)
    book.place_of(raster_id, raster_id)
    book.require_free(raster_id, raster_id)


def store_raster(
    book: RasterBook,
    raster: Raster,
    frame: LocalFrame,
    tags: Mapping[str, str],
    *,
    raster_id: str,
    title: LocalText,
    owner: str,
    vertical_datum: str,
) -> str:
    """Write the raster into the book; gives its id.

    Raises:
        DuplicateRasterError, BadManifestError, TooLargeError: as `import_raster`; then nothing is kept.
    """
    wish = RasterWish(
        raster_id=raster_id,
        image=raster_id,
        title=title,
        owner=owner,
        vertical_datum=vertical_datum,
        meaning=raster.meaning.to_document(),
        provenance=dict(tags),
    )
    with _written(raster, frame, tags) as path:
        return import_raster(book, path, wish).raster_id


@contextmanager
def _written(raster: Raster, frame: LocalFrame, tags: Mapping[str, str]) -> Iterator[Path]:
    """A plain GeoTIFF, in a folder that goes with it."""
    rows, columns = raster.values.shape
    half = raster.cell_m / 2
    top = raster.south + (rows - 1) * raster.cell_m + half
    profile = {
        "driver": "GTiff",
        "height": rows,
        "width": columns,
        "count": 1,
        "dtype": raster.values.dtype.name,
        "crs": gdal_crs(frame_crs(frame)),
        "transform": Affine(raster.cell_m, 0, raster.west - half, 0, -raster.cell_m, top),
        "nodata": NOT_ASKED if raster.is_classes else float("nan"),
    }
    with tempfile.TemporaryDirectory(prefix="onemap-raster-") as folder:
        path = Path(folder) / "result.tif"
        with rasterio.open(path, "w", **profile) as out:
            out.write(raster.values[::-1], 1)
            out.set_band_description(1, raster.meaning.quantity.en)
            out.update_tags(**tags)
            if raster.is_classes:
                out.colorinterp = [ColorInterp.palette]
                out.write_colormap(1, _palette(raster.meaning))
        yield path


def _palette(meaning: Meaning) -> dict[int, tuple[int, int, int, int]]:
    colours = {value: (*bytes.fromhex(colour.removeprefix("#")), 255) for value, _, colour in meaning.classes}
    return {value: colours.get(value, (0, 0, 0, 0)) for value in range(256)}
