"""Does a raster land near the city? The guard of vector imports, asked about the raster's outline."""

from __future__ import annotations

import numpy as np
import shapely

from layers.city import City
from layers.position_check import PositionCheck, metres_outside
from twin.crs import CRS, bounds_to_cgcs2000
from twin.errors import SuspiciousDatumError
from twin.store.port import Store

FAR_M = 50_000.0


def require_near_city(
    store: Store, raster_id: str, city: City | None, crs: CRS, box: tuple[float, float, float, float]
) -> None:
    """Pass a raster whose outline is where the city is; `box` is west, south, east, north in `crs`.

    Raises:
        SuspiciousDatumError: if the guard reads its coordinates otherwise, or it lies more than 50 km from the city.
    """
    outline = shapely.box(*box)
    check = PositionCheck(store, raster_id, crs, city)
    check.taker.take(np.array([outline], dtype=object))
    belief = check.judge()
    if belief.suspicious:
        raise SuspiciousDatumError(
            f"{belief.text.zh} · {belief.text.en}",
            value=raster_id,
            limit="a raster where its coordinates say",
            remedy="Check --crs, or import it with --accept-because and a reason.",
        )
    if city is None:
        return
    metres = metres_outside(city, shapely.box(*bounds_to_cgcs2000(box, crs).as_tuple()))
    if metres > FAR_M:
        raise SuspiciousDatumError(
            f"影像距{city.name.zh}约 {metres / 1000:.0f} 公里。The raster lies some {metres / 1000:.0f} km from {city.name.en}.",
            value=raster_id,
            limit=f"{FAR_M / 1000:.0f} km from the city",
            remedy="Check --crs, or import it with --accept-because and a reason.",
        )
