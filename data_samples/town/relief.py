"""Heights for the sample town: a plain that rises from the bay, the hills of the south-west, valleys along the rivers.

Made up like everything here: the hills stand where `hills.py` puts them and are as high as they are wide; no height was surveyed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage

from data_samples.town.arithmetic import cosine
from data_samples.town.chance import Chance
from data_samples.town.frame import Geometries, to_metres
from data_samples.town.hills import HILLS

if TYPE_CHECKING:
    from data_samples.town.arithmetic import Floats

PIXEL = 0.0005
"""Degrees: some fifty metres."""
_MARGIN = 0.02
_METRES_PER_DEGREE = 111_000.0
_COARSE = 4
"""Smooth fields are drawn on every fourth pixel."""
_DATUM_HEIGHT_M = 0.0


@dataclass(frozen=True, slots=True)
class Waters:
    """Water in lon/lat, EPSG:4490.

    Attributes:
        sea: What lies at height 0.
        lakes: Bodies that are level, each at its own height.
        rivers: Middle lines and surfaces, which lie in valleys.
    """

    sea: Geometries
    lakes: Geometries
    rivers: Geometries


def write_relief(path: Path, bounds: tuple[float, float, float, float], waters: Waters, seed: int) -> None:
    """Heights above the sea in metres as a GeoTIFF, float32, EPSG:4490.

    Args:
        bounds: West, south, east, north of the city in degrees; the raster is a little wider.
    """
    west, south, east, north = bounds
    columns, rows = (round((high - low + 2 * _MARGIN) / PIXEL) for low, high in ((west, east), (south, north)))
    turn = Affine(PIXEL, 0.0, west - _MARGIN, 0.0, -PIXEL, north + _MARGIN)
    heights = draw_relief((rows, columns), turn, waters, Chance(seed))
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs="EPSG:4490", transform=turn
    ) as file:
        file.write(heights, 1)


def draw_relief(shape: tuple[int, int], turn: Affine, waters: Waters, chance: Chance) -> NDArray[np.float32]:
    """Heights of shape (rows, columns), in metres and tenths."""
    place = _Board(shape, turn)
    inland = place.metres_from(waters.sea)
    rolling = place.field(chance, "relief/rolling", 5200.0)
    rough = place.field(chance, "relief/rough", 1700.0)
    heights = 1.5 + 54.0 * inland / (inland + 17_000.0)
    heights += np.minimum(inland / 4000.0, 1.0) * (2.6 * rolling + 1.1 * rough)
    heights += place.hills() * (1.0 + 0.2 * rough + 0.13 * place.field(chance, "relief/gullies", 750.0))
    valley = _bell(place.metres_from(waters.rivers) / 420.0)
    heights -= valley * np.minimum(4.0, 0.6 * heights)
    heights = ndimage.gaussian_filter(np.maximum(heights, 0.4), 1.0)
    for lake in waters.lakes:
        bed = place.covered(np.array([lake], dtype=object))
        if bed.any():
            heights[bed] = heights[bed].min()
    heights[place.covered(waters.sea)] = _DATUM_HEIGHT_M
    rounded: NDArray[np.float32] = np.round(heights, 1).astype(np.float32)
    return rounded


@dataclass(frozen=True)
class _Board:
    """The pixels that heights are drawn on."""

    shape: tuple[int, int]
    turn: Affine

    def covered(self, shapes: Geometries, *, touched: bool = False) -> NDArray[np.bool_]:
        """Pixels whose middle lies in a shape, or that one touches."""
        if not len(shapes):
            return np.zeros(self.shape, dtype=bool)
        burnt = rasterio.features.rasterize(shapes, self.shape, transform=self.turn, all_touched=touched, dtype="uint8")
        return np.asarray(burnt, dtype=bool)

    def metres_from(self, shapes: Geometries) -> Floats:
        """Distance of each pixel from the nearest shape; far where there is none."""
        there = self.covered(shapes, touched=True)
        if not there.any():
            return np.full(self.shape, 1e6)
        down = PIXEL * _METRES_PER_DEGREE
        across = down * float(cosine(np.radians(self.turn.f + self.turn.e * self.shape[0] / 2)))
        return np.asarray(ndimage.distance_transform_edt(~there, sampling=(down, across)))

    def field(self, chance: Chance, name: str, wavelength_m: float) -> Floats:
        """A smooth field of unit size."""
        rows, columns = (-(-size // _COARSE) + 1 for size in self.shape)
        coarse = chance.noise(name, wavelength_m)(self._metres(rows, columns, _COARSE)).reshape(rows, columns)
        fine = ndimage.zoom(coarse, _COARSE, order=1, grid_mode=True, mode="nearest")
        smooth = ndimage.gaussian_filter(fine, _COARSE / 2)
        return np.asarray(smooth[: self.shape[0], : self.shape[1]])

    def hills(self) -> Floats:
        """Metres that the hills rise: bells, longer than wide by their aspect, that grow together without a crease."""
        xy = self._metres(*self.shape, 1).reshape(*self.shape, 2)
        risen = np.zeros(self.shape)
        for lon, lat, radius, aspect in HILLS:
            middle = to_metres([(lon, lat)])[0]
            wide, long = radius * 0.75 * np.sqrt(aspect), radius * 0.75 / np.sqrt(aspect)
            reach = np.sqrt(_square((xy[..., 0] - middle[0]) / wide) + _square((xy[..., 1] - middle[1]) / long))
            risen += _square((25.0 + 0.075 * radius) * _bell(reach / 1.6))
        return np.asarray(np.sqrt(risen))

    def _metres(self, rows: int, columns: int, step: int) -> Floats:
        """Middles of every so many pixels, (rows * columns, 2), in the metres of `frame`."""
        column, row = np.meshgrid(np.arange(columns) * step + 0.5, np.arange(rows) * step + 0.5)
        lon, lat = self.turn.c + column * self.turn.a, self.turn.f + row * self.turn.e
        return to_metres(np.column_stack([lon.ravel(), lat.ravel()]))


def _square(values: Floats) -> Floats:
    return values * values


def _bell(reach: Floats) -> Floats:
    """1 in the middle, a quarter at a reach of 1, soon next to nothing."""
    return 1.0 / _square(1.0 + _square(reach))


def waters_of(water: Geometries, kinds: NDArray[np.object_], rivers: Geometries) -> Waters:
    """Bodies of water by their kind, and the middle lines of rivers."""
    wet = shapely.is_geometry(water)
    of = {kind: water[wet & (kinds == kind)] for kind in ("sea", "lake", "reservoir", "river")}
    lines = rivers[shapely.is_geometry(rivers)]
    return Waters(of["sea"], np.concatenate([of["lake"], of["reservoir"]]), np.concatenate([of["river"], lines]))
