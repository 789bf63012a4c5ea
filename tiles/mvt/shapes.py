"""Lon/lat geometries cut to a tile, thinned, rounded to its integer units and mended where rounding broke them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely

from tiles.mvt.window import Geometries, Window

# What a vertex may move when lines are thinned, in tile units: an eighth of a pixel on a 512 pixel tile.
_THINNING_UNITS = 0.5
# Vertices further apart than this, seen along the box of a shape, are not worth a look.
_DENSE_UNITS = 8.0
_COLLECTION = 7


@dataclass(frozen=True)
class Shapes:
    """Geometries ready to be written, with what happened to the rest.

    Attributes:
        rows: int64 (m,), ascending: which of the given geometries each shape comes from.
        geometries: Object (m,): valid, on integers, in tile units.
        dimensions: int (m,): 0 points, 1 lines, 2 polygons.
        too_small: Geometries inside the window that vanished when rounded to tile units.
        broken: Geometries left out because a coordinate was not finite.
    """

    rows: npt.NDArray[np.int64]
    geometries: Geometries
    dimensions: npt.NDArray[np.int64]
    too_small: int = 0
    broken: int = 0


def fit_to_window(geometries: Geometries, window: Window) -> Shapes:
    """The shapes of a tile.

    A geometry collection is drawn by its parts of the highest dimension; the others are left out, since a feature of a
    vector tile has one geometry type. Nulls and empties give nothing.

    Args:
        geometries: Object (n,), CGCS2000 lon/lat degrees, None allowed.
        window: The tile.
    """
    rows, broken = drawable_rows(geometries)
    fitted = _fit_placed(window.place(geometries[rows]), window)
    return replace(fitted, rows=rows[fitted.rows], broken=broken)


def drawable_rows(geometries: Geometries) -> tuple[npt.NDArray[np.int64], int]:
    """Places of the geometries that hold something, int64 ascending; and how many are broken by a coordinate that is not finite."""
    present = np.flatnonzero(shapely.is_geometry(geometries) & ~shapely.is_empty(geometries))
    rows = present[_all_finite(geometries[present])]
    return rows, len(present) - len(rows)


def _fit_placed(placed: Geometries, window: Window) -> Shapes:
    """The same for geometries that are in tile units already: object (n,), none missing, every coordinate finite."""
    rows = np.arange(len(placed))
    boxes = shapely.bounds(placed)
    near = (
        (boxes[:, 0] <= window.high)
        & (boxes[:, 2] >= window.low)
        & (boxes[:, 1] <= window.high)
        & (boxes[:, 3] >= window.low)
    )
    rows, placed = rows[near], placed[near]
    dimensions = shapely.get_dimensions(placed).astype(np.int64)
    thinned = _thin(in_one_dimension(placed, dimensions), dimensions)
    shapes = cut_and_round(thinned, window)
    return replace(shapes, rows=rows[shapes.rows])


def cut_and_round(placed: Geometries, window: Window) -> Shapes:
    """Geometries in tile units cut at the buffer and rounded, valid: object (n,), none missing, no collections."""
    rows = np.arange(len(placed))
    dimensions = shapely.get_dimensions(placed).astype(np.int64)
    boxes = shapely.bounds(placed)
    inside = (boxes[:, :2] >= window.low).all(axis=1) & (boxes[:, 2:] <= window.high).all(axis=1)
    placed[~inside] = _clip(placed[~inside], dimensions[~inside], window)
    met = ~shapely.is_empty(placed)
    rows, placed, dimensions = rows[met], placed[met], dimensions[met]

    rounded = _round(placed, dimensions)
    kept = ~shapely.is_empty(rounded)
    return Shapes(
        rows=rows[kept],
        geometries=rounded[kept],
        dimensions=dimensions[kept],
        too_small=int(len(rows) - kept.sum()),
    )


def _all_finite(geometries: Geometries) -> npt.NDArray[np.bool_]:
    """False where any coordinate is NaN or infinite (GEOS skips NaN when it makes boxes)."""
    coordinates, index = shapely.get_coordinates(geometries, return_index=True)
    finite = np.ones(len(geometries), dtype=bool)
    finite[index[~np.isfinite(coordinates).all(axis=1)]] = False
    return finite


def _thin(geometries: Geometries, dimensions: npt.NDArray[np.int64]) -> Geometries:
    """Geometries without the vertices that cannot be seen. Done before the cut, so that neighbours thin alike."""
    boxes = shapely.bounds(geometries)
    girth = 2.0 * ((boxes[:, 2] - boxes[:, 0]) + (boxes[:, 3] - boxes[:, 1]))
    dense = np.flatnonzero((dimensions > 0) & (girth < _DENSE_UNITS * shapely.get_num_coordinates(geometries)))
    thinned = np.asarray(shapely.simplify(geometries[dense], _THINNING_UNITS, preserve_topology=False), dtype=object)
    left = ~shapely.is_empty(thinned)
    result = np.array(geometries, dtype=object)
    result[dense[left]] = thinned[left]
    return result


def in_one_dimension(geometries: Geometries, dimensions: npt.NDArray[np.integer]) -> Geometries:
    """Geometries in which collections have given way to their parts of the highest dimension, as one geometry."""
    single = np.array(geometries, dtype=object)
    collections = np.flatnonzero(shapely.get_type_id(single) == _COLLECTION)
    single[collections] = _parts_of(single[collections], dimensions[collections])
    return single


def _clip(geometries: Geometries, dimensions: npt.NDArray[np.int64], window: Window) -> Geometries:
    """Geometries cut at the buffer, each in its own dimension: a polygon that only touches the edge is gone."""
    sound = np.array(geometries, dtype=object)
    # A ring that crosses itself, be it by a millionth of a unit, may come out of the clip inside out.
    crossed = np.flatnonzero((dimensions == 2) & ~shapely.is_valid(sound))
    sound[crossed] = _mended(sound[crossed])
    cut = shapely.clip_by_rect(sound, window.low, window.low, window.high, window.high)
    return _parts_of(np.asarray(cut, dtype=object), dimensions)


def _round(geometries: Geometries, dimensions: npt.NDArray[np.int64]) -> Geometries:
    """Geometries on integers; empty where nothing is left."""
    rounded = np.asarray(shapely.transform(geometries, np.rint), dtype=object)
    linear = dimensions > 0
    # Lines and polygons that collapse are not valid any more; points always are.
    doubtful = np.flatnonzero(linear & ~(shapely.is_valid(rounded) & ~shapely.is_empty(rounded)))
    rounded[doubtful] = _snap(geometries[doubtful], dimensions[doubtful])
    return rounded


def _snap(geometries: Geometries, dimensions: npt.NDArray[np.int64]) -> Geometries:
    """The slow way to integers that keeps topology (GEOS snap rounding), for the few that plain rounding breaks."""
    areas = dimensions == 2
    sound = np.array(geometries, dtype=object)
    sound[areas] = _parts_of(_mended(geometries[areas]), dimensions[areas])
    snapped = np.asarray(shapely.set_precision(sound, 1.0), dtype=object)
    return _parts_of(snapped, dimensions)


def _mended(geometries: Geometries) -> Geometries:
    """Valid geometries. GEOS' other method, over linework, fills gaps beside slivers."""
    return np.asarray(shapely.make_valid(geometries, method="structure", keep_collapsed=False), dtype=object)


def _parts_of(geometries: Geometries, dimensions: npt.NDArray[np.integer]) -> Geometries:
    """Each geometry reduced to its parts of the given dimension, as one multi geometry where it was mixed."""
    result = np.array(geometries, dtype=object)
    for i in np.flatnonzero(
        (shapely.get_type_id(result) == _COLLECTION) | (shapely.get_dimensions(result) != dimensions)
    ):
        result[i] = _flattened(result[i], int(dimensions[i]))
    return result


def _flattened(geometry: shapely.Geometry, dimension: int) -> shapely.Geometry:
    parts = [geometry]
    while any(shapely.get_type_id(part) == _COLLECTION for part in parts):
        parts = [inner for part in parts for inner in _opened(part)]
    singles = shapely.get_parts(np.array(parts, dtype=object))
    wanted = singles[(shapely.get_dimensions(singles) == dimension) & ~shapely.is_empty(singles)]
    if dimension == 2 and len(wanted) > 1:
        return shapely.union_all(wanted)
    make = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)[dimension]
    return make(wanted)


def _opened(part: shapely.Geometry) -> list[shapely.Geometry]:
    return list(part.geoms) if shapely.get_type_id(part) == _COLLECTION else [part]
