"""The guard over one import: a sample taken while rows go by, and the judgement before anything is committed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from layers.base_map.witnesses import iter_witnesses
from layers.city import City
from layers.layer_sample import sample_layer
from twin.bounds import Bounds
from twin.crs import CGCS2000, CRS, parse_crs, to_cgcs2000
from twin.guard.belief import Belief, Verdict, nothing_to_compare
from twin.guard.judging import judge_position
from twin.guard.pieces import metres_per_degree
from twin.guard.readings import CityFrame, judge_reading
from twin.guard.sample import SampleTaker
from twin.store.port import Store
from twin.text import LocalText


@dataclass
class PositionCheck:
    """What is needed to judge the geometries of one layer.

    Attributes:
        layer_id: The layer they go to: it is no witness for itself.
        crs: What the file's coordinates are said to be.
        city: Where most layers are; None to judge by the base map alone.
    """

    store: Store
    layer_id: str
    crs: CRS
    city: City | None
    taker: SampleTaker = field(default_factory=SampleTaker)

    def judge(self) -> Belief:
        """What is believed of the sample taken so far."""
        delivered = self.taker.geometries()
        if len(delivered) == 0:
            return nothing_to_compare(LocalText("没有坐标", "there are no coordinates to judge"))
        if self.city is not None:
            frame = CityFrame(self.city.bounds, self.city.projected_crs)
            odd = judge_reading(delivered, self.crs, frame, self._fits)
            if odd is not None:
                return odd
        with np.errstate(all="ignore"):
            read = to_cgcs2000(delivered, self.crs)
        on_earth = _on_earth(read)
        if not on_earth.any():
            return nothing_to_compare(LocalText("没有可用的坐标", "there are no coordinates on earth to judge"))
        delivered, read = delivered[on_earth], read[on_earth]
        return judge_position(delivered, self.crs, iter_witnesses(self.store, read, self.layer_id))

    def _fits(self, read: npt.NDArray[np.object_]) -> bool:
        """Whether the base map bears witness for another reading of the sample, lon/lat degrees."""
        read = read[_on_earth(read)]
        if len(read) == 0:
            return False
        witnesses = iter_witnesses(self.store, read, self.layer_id)
        return judge_position(read, parse_crs(CGCS2000), witnesses).verdict is Verdict.FITS


def around_city(city: City) -> Bounds:
    """The city's box, wider by 5 km on every side: what lies beyond is worth a word."""
    box, margin = city.bounds, 0.05
    return Bounds(box.west - margin, box.south - margin, box.east + margin, box.north + margin)


def metres_outside(city: City, geometry: shapely.Geometry | None) -> float:
    """How far a geometry, CGCS2000 lon/lat, lies from what `around_city` gives; 0 where it meets it or there is none.

    By the shortest way between the boxes in a plane at the city's latitude: exact to a percent within 500 km, a hint beyond.
    """
    if geometry is None or geometry.is_empty:
        return 0.0
    box = around_city(city)
    west, south, east, north = geometry.bounds
    apart = max(0.0, west - box.east, box.west - east), max(0.0, south - box.north, box.south - north)
    return float(np.hypot(*(np.array(apart) * metres_per_degree((box.south + box.north) / 2))))


def examine_layer(store: Store, layer_id: str, city: City | None) -> Belief:
    """What is believed of a layer as it stands. Raises UnknownLayerError."""
    return PositionCheck(store, layer_id, parse_crs(CGCS2000), city, sample_layer(store, layer_id)).judge()


def _on_earth(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    box = shapely.bounds(geometries)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(box[:, [0, 2]]) <= 180).all(axis=1) & (np.abs(box[:, [1, 3]]) <= 90).all(axis=1))
