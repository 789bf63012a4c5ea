"""OGC documents about tiles: lists of tilesets, tileset metadata, lists of tiling schemes.

Source: OGC 20-057 (API Tiles Part 1), OGC 17-083r4 (TileSet metadata, JSON encoding).
"""

from __future__ import annotations

from typing import Any

from tiles.address import Tile
from tiles.grids import GRIDS, Grid
from tiles.matrix_sets import matrix_set_titles, matrix_set_uri
from tiles.source import TileLayer
from tiles.tilejson import DEEPEST_USEFUL_ZOOM, both_languages, field_text, joined_bounds
from twin.crs import CRS84
from twin.schema import GeometryType, Property

MVT = "application/vnd.mapbox-vector-tile"
TILING_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"

_DIMENSIONS = {
    GeometryType.POINT: 0,
    GeometryType.MULTIPOINT: 0,
    GeometryType.LINESTRING: 1,
    GeometryType.MULTILINESTRING: 1,
    GeometryType.POLYGON: 2,
    GeometryType.MULTIPOLYGON: 2,
}


def tilesets_document(tiles_url: str, base_url: str, title: str, data_type: str = "vector") -> dict[str, Any]:
    """The list of tilesets below `tiles_url` (`…/collections/{id}/tiles`, `…/tiles`), one for each grid; of rasters `data_type` is `map`."""
    return {
        "links": [link("self", tiles_url, "application/json", "This list")],
        "tilesets": [
            {
                "title": f"{title} ({grid.id})",
                "dataType": data_type,
                "crs": grid.crs_uri,
                "tileMatrixSetURI": matrix_set_uri(grid, base_url),
                "links": [
                    link("self", f"{tiles_url}/{grid.id}", "application/json", "Tileset metadata"),
                    scheme_link(grid, base_url),
                ],
            }
            for grid in GRIDS.values()
        ],
    }


def tileset_document(
    layers: tuple[TileLayer, ...], grid: Grid, tiles_url: str, base_url: str, title: str
) -> dict[str, Any]:
    """Metadata of one tileset: layers with their properties, box, limits of the data at each level, address template."""
    template = f"{tiles_url}/{grid.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    document: dict[str, Any] = {
        "title": title,
        "attribution": "; ".join(dict.fromkeys(layer.attribution for layer in layers if layer.attribution)),
        "dataType": "vector",
        "crs": grid.crs_uri,
        "tileMatrixSetURI": matrix_set_uri(grid, base_url),
        "layers": [_layer(layer, grid) for layer in layers],
        "links": [
            link("self", f"{tiles_url}/{grid.id}", "application/json", "This document"),
            scheme_link(grid, base_url),
            link("item", template, MVT, "Tiles") | {"templated": True},
        ],
    }
    bounds = joined_bounds(layers)
    if bounds is not None:
        document["boundingBox"] = {
            "crs": CRS84,
            "lowerLeft": [bounds.west, bounds.south],
            "upperRight": [bounds.east, bounds.north],
        }
        document["tileMatrixSetLimits"] = [
            _limits(layers, grid, z) for z in range(min(grid.max_zoom, DEEPEST_USEFUL_ZOOM) + 1)
        ]
    return {key: value for key, value in document.items() if value != ""}


def matrix_sets_document(base_url: str) -> dict[str, Any]:
    """The list of tiling schemes."""
    titles = matrix_set_titles()
    return {
        "links": [link("self", f"{base_url}/tileMatrixSets", "application/json", "This list")],
        "tileMatrixSets": [
            {
                "id": grid.id,
                "title": titles[grid.id],
                "uri": matrix_set_uri(grid, base_url),
                "crs": grid.crs_uri,
                "links": [link("self", f"{base_url}/tileMatrixSets/{grid.id}", "application/json", titles[grid.id])],
            }
            for grid in GRIDS.values()
        ],
    }


def link(rel: str, href: str, media_type: str, title: str) -> dict[str, Any]:
    """A link of a tileset document."""
    return {"rel": rel, "href": href, "type": media_type, "title": title}


def scheme_link(grid: Grid, base_url: str) -> dict[str, Any]:
    """The link to the tile matrix set of a grid."""
    return link(TILING_SCHEME, f"{base_url}/tileMatrixSets/{grid.id}", "application/json", grid.id)


def _layer(layer: TileLayer, grid: Grid) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": layer.id,
        "title": both_languages(layer.title),
        "description": both_languages(layer.description),
        "dataType": "vector",
        "minTileMatrix": "0",
        "maxTileMatrix": str(min(grid.max_zoom, DEEPEST_USEFUL_ZOOM)),
        "propertiesSchema": {"type": "object", "properties": {p.name: _property(p) for p in layer.schema}},
        # In levels of this grid: below it a tile holds squares with `_count` in place of features.
        "onemap:density_below": max(0, layer.density_below - grid.zoom_offset),
    }
    dimension = _DIMENSIONS.get(layer.schema.geometry_type)
    if dimension is not None:
        described["geometryDimension"] = dimension
    return described


def _property(prop: Property) -> dict[str, str]:
    return prop.type.json_schema | {"title": field_text(prop)}


def _limits(layers: tuple[TileLayer, ...], grid: Grid, z: int) -> dict[str, Any]:
    bounds = joined_bounds(layers)
    assert bounds is not None
    north_west: Tile = grid.tile_at(bounds.west, bounds.north, z)
    south_east: Tile = grid.tile_at(bounds.east, bounds.south, z)
    return {
        "tileMatrix": str(z),
        "minTileRow": north_west.y,
        "maxTileRow": south_east.y,
        "minTileCol": north_west.x,
        "maxTileCol": south_east.x,
    }
