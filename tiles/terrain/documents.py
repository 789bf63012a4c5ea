"""What is told of a terrain: `layer.json` for renderers of quantized meshes, and its entry in the list."""

from __future__ import annotations

from typing import Any

from tiles.grids import WEB_MERCATOR_QUAD
from tiles.terrain.availability import MESH_GRID, SIDE, deepest_level, error_m, mesh_ranges
from tiles.terrain.shelf import Terrain
from twin.vertical import vertical_datum_title

EXTENSIONS = ("octvertexnormals", "metadata")
"""What a tile carries when it is asked for it."""
# Metadata are for those who ask by `?extensions=metadata`. CesiumJS asks for all that is announced, and when tiles say what lies
# below them beside a layer.json that says it already, it throws and draws no ground at all (seen in 1.145).
_ANNOUNCED = ("octvertexnormals",)
IMAGE_SIDE = 256


def layer_json(terrain: Terrain) -> dict[str, Any]:
    """The document that CesiumJS and others ask for first.

    Source: CesiumGS/quantized-mesh and the terrain tilesets of CesiumJS (`CesiumTerrainProvider`), TileJSON 2.1.
    """
    elevation = terrain.surface.elevation
    deepest = deepest_level(MESH_GRID, elevation, SIDE)
    return {
        "tilejson": "2.1.0",
        "name": terrain.title.pick("zh"),
        "description": _about(terrain),
        "version": f"1.0.0+{terrain.edition}",
        "format": "quantized-mesh-1.0",
        "scheme": "tms",
        "projection": "EPSG:4326",
        "attribution": terrain.attribution,
        "tiles": [f"{{z}}/{{x}}/{{y}}.terrain?v={terrain.edition}"],
        "minzoom": 0,
        "maxzoom": deepest,
        "bounds": list(elevation.bounds.as_tuple()),
        "extensions": list(_ANNOUNCED),
        "available": [[ranged.to_dict()] for ranged in mesh_ranges(elevation)],
        "onemap:verticalDatum": _datum(terrain),
        "onemap:outsideHeight": terrain.surface.ground_m,
        "onemap:errors": [round(error_m(z), 3) for z in range(deepest + 1)],
    }


def terrain_entry(terrain: Terrain, base: str) -> dict[str, Any]:
    """An entry of the list, with the addresses of everything it offers."""
    elevation, root = terrain.surface.elevation, f"{base}/terrain/{terrain.id}"
    deepest = deepest_level(WEB_MERCATOR_QUAD, elevation, IMAGE_SIDE)
    images = f"WebMercatorQuad/{{z}}/{{y}}/{{x}}.png?v={terrain.edition}"
    return {
        "id": terrain.id,
        "title": terrain.title.to_dict(),
        "attribution": terrain.attribution,
        "edition": terrain.edition,
        "verticalDatum": _datum(terrain),
        "outsideHeight": terrain.surface.ground_m,
        "pixelMetres": round(elevation.pixel_m, 3),
        "bounds": list(elevation.bounds.as_tuple()),
        "quantizedMesh": f"{root}/layer.json",
        "images": {
            "mapbox": f"{root}/rgb/{images}",
            "terrarium": f"{root}/terrarium/{images}",
            "minzoom": 0,
            "maxzoom": deepest,
            "tileSize": IMAGE_SIDE,
        },
    }


def _datum(terrain: Terrain) -> dict[str, Any]:
    datum = terrain.surface.elevation.vertical_datum
    return {"id": datum, **vertical_datum_title(datum).to_dict()}


def _about(terrain: Terrain) -> str:
    datum = vertical_datum_title(terrain.surface.elevation.vertical_datum)
    return (
        f"{terrain.title.pick('en')}. Heights: {datum.en}, not converted, taken as if above the ellipsoid. "
        f"高程基准：{datum.zh}，未作转换，按椭球高使用。"
    )
