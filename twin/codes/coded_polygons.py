"""Codes of many points at once from polygons that carry them: towns, communities, unit grid cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from twin.codes.angles import Strings


@dataclass(frozen=True)
class CodedPolygons:
    """Polygons of one level, CGCS2000 lon/lat, (n,), and the code of each, (n,)."""

    shapes: npt.NDArray[np.object_]
    codes: Strings

    def at(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> Strings:
        """The code of the polygon that each point lies in, (n,); "" where there is none.

        A point on the border of several has the smallest of their codes, so that the same point always has the same.

        >>> towns = CodedPolygons(shapely.box([0, 1], 0, [1, 2], 1), np.array(["A", "B"]))
        >>> towns.at([0.5, 1.0, 5.0], [0.5, 0.5, 0.5]).tolist()
        ['A', 'A', '']
        """
        points = shapely.points(
            np.atleast_1d(np.asarray(lon, dtype=np.float64)), np.atleast_1d(np.asarray(lat, dtype=np.float64))
        )
        # The polygons ask and the points are indexed: shapely prepares whoever asks, and a polygon is worth preparing.
        polygon, point = shapely.STRtree(points).query(self.shapes, predicate="intersects")
        rank = np.argsort(np.argsort(self.codes, kind="stable"), kind="stable")
        order = np.lexsort((rank[polygon], point))
        hit, first = np.unique(point[order], return_index=True)
        found = np.zeros(len(points), dtype=self.codes.dtype)
        found[hit] = self.codes[polygon[order][first]]
        return found
