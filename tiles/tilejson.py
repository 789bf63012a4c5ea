"""TileJSON 3.0.0 of one or several layers.

Source: mapbox/tilejson-spec 3.0.0. TileJSON knows WebMercatorQuad only; other grids are described by `tiles.tilesets`.
"""

from __future__ import annotations

from typing import Any

from tiles.density import CELLS_PER_SIDE, COUNT
from tiles.generalise.blocks import block_property
from tiles.generalise.budget import BUDGET
from tiles.generalise.wishes import cluster_properties
from tiles.mvt.encode import PUBLIC_ID
from tiles.source import TileLayer
from twin.bounds import Bounds
from twin.schema import Property
from twin.text import LocalText

# A tile unit is 3.7 cm at the equator there; clients enlarge these tiles beyond.
DEEPEST_USEFUL_ZOOM = 18
_MERCATOR_LAT_DEG = 85.0511287798066


def tilejson(layers: tuple[TileLayer, ...], base_url: str, query: str = "") -> dict[str, Any]:
    """The document.

    Below `onemap:density_below` the tiles hold a grid of squares with `_count` in place of the features; with several
    layers each has its own level, in its entry of `vector_layers`. Below `onemap:clusters_below` points are clustered: a cluster
    has `_count` and counts by status, and points in alarm are drawn as themselves, too. `onemap:first_zooms`
    of a layer says from which level lines of each class are drawn; below its `onemap:blocks_below` small polygons are merged into blocks
    with `_cover`, and lonely ones left out. Polygons and lines smaller than a tile unit (a 4096th
    of the tile) are not drawn, nor are the smallest features where a layer has more in a tile than `onemap:budget` says; each tile says how many in the header `Onemap-Left-Out`.

    Args:
        layers: One or more layers.
        base_url: Address of the server, without a slash at the end.
        query: What stands behind the question mark of each tile's address: the moment that the tiles tell of.
    """
    ids = ",".join(layer.id for layer in layers)
    document: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": " + ".join(both_languages(layer.title) for layer in layers),
        "description": "; ".join(filter(None, (both_languages(layer.description) for layer in layers))),
        "attribution": "; ".join(dict.fromkeys(layer.attribution for layer in layers if layer.attribution)),
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [f"{base_url}/tiles/{ids}/{{z}}/{{x}}/{{y}}.mvt{'?' if query else ''}{query}"],
        "minzoom": 0,
        "maxzoom": DEEPEST_USEFUL_ZOOM,
        "vector_layers": [_vector_layer(layer) for layer in layers],
        "onemap:density_below": max(layer.density_below for layer in layers),
        "onemap:density_cells_per_side": CELLS_PER_SIDE,
        "onemap:clusters_below": max(_clusters_below(layer) for layer in layers),
        "onemap:budget": {"features": BUDGET.features, "bytes": BUDGET.data_bytes},
        "onemap:version": ".".join(str(layer.version) for layer in layers),
        "onemap:edition": ".".join(layer.edition for layer in layers),
    }
    bounds = joined_bounds(layers)
    if bounds is not None:
        south, north = (max(-_MERCATOR_LAT_DEG, min(_MERCATOR_LAT_DEG, lat)) for lat in (bounds.south, bounds.north))
        document["bounds"] = [bounds.west, south, bounds.east, north]
        document["center"] = [(bounds.west + bounds.east) / 2.0, (south + north) / 2.0, _fitting_zoom(bounds)]
    return {key: value for key, value in document.items() if value != ""}


def both_languages(text: LocalText) -> str:
    """Chinese and English side by side, once where they are the same."""
    return " · ".join(dict.fromkeys(part for part in (text.zh, text.en) if part))


def joined_bounds(layers: tuple[TileLayer, ...]) -> Bounds | None:
    """The box of all layers together; None while none holds anything."""
    joined: Bounds | None = None
    for layer in layers:
        if layer.bounds is not None:
            joined = layer.bounds.union(joined)
    return joined


def field_text(prop: Property) -> str:
    """Title and unit of a property, its name where it has no title."""
    title = both_languages(prop.title) or prop.name
    return f"{title} ({prop.unit})" if prop.unit else title


def _vector_layer(layer: TileLayer) -> dict[str, Any]:
    fields = {prop.name: field_text(prop) for prop in layer.schema}
    fields[PUBLIC_ID] = "要素标识 · Feature id, where it differs from the number in `id`"
    if layer.density_below > 0:
        fields[COUNT] = "要素数量 · Number of features in a density cell"
    if layer.blocks is not None:
        fields[block_property().name] = field_text(block_property())
    if layer.clusters is not None:
        fields |= {prop.name: field_text(prop) for prop in cluster_properties(layer.schema, layer.clusters)}
    first_zooms = {} if layer.classes is None else {"onemap:first_zooms": dict(layer.classes.zooms)}
    return first_zooms | {
        "id": layer.id,
        "description": both_languages(layer.description) or both_languages(layer.title),
        "minzoom": 0,
        "maxzoom": DEEPEST_USEFUL_ZOOM,
        "fields": fields,
        "onemap:density_below": layer.density_below,
        "onemap:clusters_below": _clusters_below(layer),
        "onemap:blocks_below": 0 if layer.blocks is None else layer.blocks.below,
    }


def _clusters_below(layer: TileLayer) -> int:
    return layer.clusters.below if layer.clusters is not None else 0


def _fitting_zoom(bounds: Bounds) -> int:
    """Level at which the box is about one tile wide."""
    side = max(bounds.east - bounds.west, bounds.north - bounds.south, 360.0 / (1 << DEEPEST_USEFUL_ZOOM))
    return next(z for z in range(DEEPEST_USEFUL_ZOOM, -1, -1) if 360.0 / (1 << z) >= side or z == 0)
