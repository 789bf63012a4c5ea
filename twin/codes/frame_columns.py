"""Columns of codes for a GeoDataFrame.

::

    frame["sheet"] = code_column(frame, "sheet", scale="G")
    cells["code"] = unit_grid_column(cells, cells["community_code"])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from twin.codes import beidou, sheets
from twin.codes.unit_grid_numbering import number_cells
from twin.crs import parse_crs, to_cgcs2000
from twin.errors import BadCodeError, MissingCRSError

if TYPE_CHECKING:
    import geopandas
    import pandas as pd


def code_column(
    frame: geopandas.GeoDataFrame, system: str = "beidou", *, scale: str | int = "G", level: int = 8
) -> pd.Series:
    """The code of each row's place, as a column with the frame's index.

    A row's place is its point, or a point on its line or area. Rows without a place have "".

    Args:
        frame: In any CRS that leads to CGCS2000.
        system: "sheet" or "beidou".

    Raises:
        MissingCRSError: if the frame has no CRS.
        BadCodeError: if there is no such system, scale or level.
        BallparkTransformError: if only a guess leads from the frame's CRS to CGCS2000.
    """
    import pandas as pd

    if system not in ("sheet", "beidou"):
        raise BadCodeError(
            "There is no such column of codes.", value=system, limit="sheet, beidou", remedy="Use one of these."
        )
    points = shapely.point_on_surface(_places(frame))
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    if system == "sheet":
        codes = sheets.encode(lon, lat, scale, outside="blank")
    else:
        codes = beidou.encode(lon, lat, level, outside="blank")
    return pd.Series(codes.tolist(), index=frame.index, name=system, dtype="str")


def unit_grid_column(cells: geopandas.GeoDataFrame, communities: Iterable[str]) -> pd.Series:
    """Identifiers of unit grid cells, numbered anew in each community, as a column with the frame's index.

    Args:
        cells: Polygons, in any CRS that leads to CGCS2000.
        communities: The twelve digits of the community of each row.

    Raises:
        MissingCRSError: if the frame has no CRS.
        BadCodeError, BadGeometryError, ValueError: as `number_cells`.
        BallparkTransformError: if only a guess leads from the frame's CRS to CGCS2000.
    """
    import pandas as pd

    codes = number_cells(_places(cells), list(communities))
    return pd.Series(codes.tolist(), index=cells.index, name="code", dtype="str")


def _places(frame: geopandas.GeoDataFrame) -> npt.NDArray[np.object_]:
    """The geometries of a frame in CGCS2000 lon/lat."""
    if frame.crs is None:
        raise MissingCRSError("The frame has no CRS.", remedy="Say which it is: frame.set_crs('EPSG:4490').")
    return to_cgcs2000(np.asarray(frame.geometry.to_numpy(), dtype=object), parse_crs(frame.crs.to_string()))
