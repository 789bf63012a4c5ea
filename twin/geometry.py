"""Whether geometries may enter a layer, found for many at once.

Nothing is changed silently: what cannot be taken is named with its reason, what can be mended is mended only on request
and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from twin.bounds import Bounds
from twin.schema import GeometryType

# GeoJSON names in the order of GEOS type numbers.
GEOMETRY_NAMES = (
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)
_MULTI_OF = {"Point": shapely.multipoints, "LineString": shapely.multilinestrings, "Polygon": shapely.multipolygons}


@dataclass(frozen=True, slots=True)
class GeometryFault:
    """Why the geometry of one row cannot be taken. `code` is one of: not-finite, outside-world, wrong-type, invalid."""

    row: int
    code: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class CheckedGeometries:
    """The outcome of a check.

    Attributes:
        geometries: Object (n,): as given, or mended, or None where a fault or no geometry stands.
        faults: One for each refused row, in order.
        repaired: Rows whose invalid geometry was mended.
    """

    geometries: npt.NDArray[np.object_]
    faults: tuple[GeometryFault, ...] = ()
    repaired: tuple[int, ...] = field(default=())


def check_geometries(
    geometries: npt.NDArray[np.object_], allowed: GeometryType, *, repair: bool = False
) -> CheckedGeometries:
    """Judge lon/lat geometries before they enter a layer.

    Args:
        geometries: Object (n,), CGCS2000 lon/lat degrees, None for an unknown place (always taken).
        allowed: Type of the layer; a single form is taken where the multi form is expected and the other way round
            when it has exactly one part.
        repair: Mend invalid rings with GEOS `make_valid`, keeping the parts of the allowed dimension, instead of refusing them.

    Returns:
        The geometries to store with all faults and repairs.
    """
    result = np.array(geometries, dtype=object, copy=True)
    faults: list[GeometryFault] = []
    empty = shapely.is_empty(result)
    result[empty] = None
    present = shapely.is_geometry(result)

    box = shapely.bounds(result)
    broken = present & ~_finite(result, box)
    _refuse(
        result, faults, broken, "not-finite", "A coordinate is NaN or infinite.", "Remove or correct the coordinate."
    )
    box[broken] = 0.0
    with np.errstate(invalid="ignore"):
        inside = (box[:, 0] >= -180) & (box[:, 2] <= 180) & (box[:, 1] >= -90) & (box[:, 3] <= 90)
    outside = present & ~broken & ~inside
    for row in np.flatnonzero(outside):
        _fault(
            result,
            faults,
            int(row),
            "outside-world",
            f"Coordinates {', '.join(f'{v:.6g}' for v in box[row])} are not degrees of longitude and latitude.",
            "Say which CRS the data is in, longitude or easting first.",
        )
    _match_types(result, faults, allowed)
    repaired = _judge_validity(result, faults, allowed, repair=repair)
    faults.sort(key=lambda fault: fault.row)
    return CheckedGeometries(result, tuple(faults), tuple(repaired))


def window_shape(bounds: Bounds) -> shapely.Geometry:
    """A box as a geometry: a polygon, or the line or point to which a box without width or height shrinks."""
    corners = shapely.linestrings([[bounds.west, bounds.south], [bounds.east, bounds.north]])
    return shapely.envelope(corners)


def geometry_name(geometry: shapely.Geometry) -> str:
    """GeoJSON name of the geometry's type."""
    return GEOMETRY_NAMES[shapely.get_type_id(geometry)]


def _finite(geometries: npt.NDArray[np.object_], box: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """False where any coordinate is NaN or infinite. GEOS skips NaN when it makes boxes, so every coordinate is read."""
    finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(box).all(axis=1))
    coordinates, index = shapely.get_coordinates(geometries, return_index=True)
    bad = ~np.isfinite(coordinates).all(axis=1)
    if bad.any():
        finite[index[bad]] = False
    return finite


def _refuse(
    result: npt.NDArray[np.object_],
    faults: list[GeometryFault],
    rows: npt.NDArray[np.bool_],
    code: str,
    problem: str,
    remedy: str,
) -> None:
    for row in np.flatnonzero(rows):
        _fault(result, faults, int(row), code, problem, remedy)


def _fault(
    result: npt.NDArray[np.object_], faults: list[GeometryFault], row: int, code: str, problem: str, remedy: str
) -> None:
    result[row] = None
    faults.append(GeometryFault(row, code, problem, remedy))


def _match_types(result: npt.NDArray[np.object_], faults: list[GeometryFault], allowed: GeometryType) -> None:
    """Refuse foreign types; a multi geometry with one part fits a single-type layer as that part."""
    if allowed is GeometryType.GEOMETRY:
        return
    types = shapely.get_type_id(result)
    for type_id in np.unique(types[types >= 0]):
        name = GEOMETRY_NAMES[type_id]
        if allowed.accepts(name):
            continue
        rows = np.flatnonzero(types == type_id)
        single = name == f"Multi{allowed.value}"
        for row in rows:
            if single and shapely.get_num_geometries(result[row]) == 1:
                result[row] = shapely.get_geometry(result[row], 0)
                continue
            _fault(
                result,
                faults,
                int(row),
                "wrong-type",
                f"The geometry is a {name}, the layer holds {allowed.value}.",
                "Split it into parts, or register a layer of another geometry type.",
            )


def _judge_validity(
    result: npt.NDArray[np.object_], faults: list[GeometryFault], allowed: GeometryType, *, repair: bool
) -> list[int]:
    invalid = np.flatnonzero(shapely.is_geometry(result) & ~shapely.is_valid(result))
    repaired: list[int] = []
    for row in map(int, invalid):
        if repair:
            mended = repair_geometry(result[row], allowed)
            if mended is not None:
                result[row] = mended
                repaired.append(row)
                continue
        _fault(
            result,
            faults,
            row,
            "invalid",
            f"The geometry is not valid: {shapely.is_valid_reason(result[row])}.",
            "Mend the ring in the source, or import with repair switched on.",
        )
    return repaired


def repair_geometry(geometry: shapely.Geometry, allowed: GeometryType) -> shapely.Geometry | None:
    """A valid geometry of the same dimension that fits the layer, or None where nothing of it remains.

    Rings that cross themselves are split; spikes that lose their area are dropped.
    """
    dimension = shapely.get_dimensions(geometry)
    mended = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    parts = [p for p in shapely.get_parts(mended) if shapely.get_dimensions(p) == dimension and not p.is_empty]
    flat = shapely.get_parts(parts)
    if len(flat) == 0:
        return None
    if len(flat) == 1:
        return flat[0]
    name = geometry_name(flat[0])
    if not allowed.accepts(f"Multi{name}"):
        return None
    multi: shapely.Geometry = _MULTI_OF[name](flat)
    return multi
