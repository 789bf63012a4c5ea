"""What is said about rasters: the list, one raster, its TileJSON and its OGC tilesets.

Source: mapbox/tilejson-spec 3.0.0; OGC 20-057 (API Tiles Part 1), OGC 17-083r4 (TileSet metadata, JSON encoding).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tiles.grids import WEB_MERCATOR_QUAD, Grid
from tiles.matrix_sets import matrix_set_uri
from tiles.raster.images import MEDIA
from tiles.raster.look import is_elevation
from tiles.raster.record import RasterRecord
from tiles.tilejson import both_languages
from tiles.tilesets import link, scheme_link, tilesets_document
from twin.bounds import Bounds
from twin.crs import CRS84
from twin.vertical import UNKNOWN, vertical_datum_title

COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
_DEEPEST = 22
_TILE_SIDE = 256
_MERCATOR_LAT_DEG = 85.0511287798066


def raster_kind(record: RasterRecord) -> str:
    """`elevation`, `imagery` or `values`: what a raster is to somebody who looks for one."""
    if is_elevation(record):
        return "elevation"
    if record.meaning:
        return "values"
    drawn = [record.bands[number - 1] for number in record.colour_bands]
    return "imagery" if len(drawn) >= 3 or drawn[0].dtype == "uint8" else "values"


def raster_entry(images: Sequence[RasterRecord], base_url: str) -> dict[str, Any]:
    """A raster in a few words; its newest image first in `images`."""
    newest = images[0]
    url = f"{base_url}/rasters/{newest.raster_id}"
    return {
        "id": newest.raster_id,
        "title": newest.title.to_dict(),
        "kind": raster_kind(newest),
        "owner": newest.owner,
        "level": newest.level,
        "bounds": _box(joined_box(images)),
        "days": [record.day.isoformat() for record in images if record.day],
        "images": len(images),
        "maxzoom": deepest_level(images, WEB_MERCATOR_QUAD),
        "tiles": f"{url}/{{z}}/{{x}}/{{y}}",
        "links": [
            link("self", url, "application/json", "This raster"),
            link("describedby", f"{url}/tilejson.json", "application/json", "TileJSON"),
            link("http://www.opengis.net/def/rel/ogc/1.0/tilesets-map", f"{url}/tiles", "application/json", "Tilesets"),
        ],
    }


def raster_document(images: Sequence[RasterRecord], base_url: str) -> dict[str, Any]:
    """Everything that is known of a raster and its images, but where the files lie."""
    url = f"{base_url}/rasters/{images[0].raster_id}"
    entry = raster_entry(images, base_url)
    entry["links"] += [
        link("statistics", f"{url}/statistics", "application/json", "Statistics"),
        link("legend", f"{url}/legend", "application/json", "Legend"),
        link("values", f"{url}/values?lon={{lon}}&lat={{lat}}", "application/json", "Values") | {"templated": True},
    ]
    return entry | {"images": [_image_document(record, url) for record in images]}


def _image_document(record: RasterRecord, url: str) -> dict[str, Any]:
    file = link("enclosure", f"{url}/images/{record.name}.tif", COG_TYPE, "The file, as COG")
    return image_document(record) | {"links": [file]}


def image_document(record: RasterRecord) -> dict[str, Any]:
    """One image."""
    told = record.to_document()
    del told["title"], told["owner"], told["level"]
    told |= {"name": record.name, "bounds": _box(record.bounds)}
    if record.vertical_datum != UNKNOWN:
        named = vertical_datum_title(record.vertical_datum)
        told["verticalDatum"] = {"id": record.vertical_datum, **named.to_dict()}
    del told["vertical_datum"]
    return told


def raster_tilejson(images: Sequence[RasterRecord], base_url: str, suffix: str, query: str) -> dict[str, Any]:
    """TileJSON of some images of a raster.

    Args:
        suffix: What stands behind the row: `.png`, or nothing for the kind that suits each tile.
        query: The look and the moment, as they stand in the address of each tile.
    """
    newest, box = images[0], joined_box(images)
    east = box.east + 360.0 if box.crosses_antimeridian else box.east
    south, north = (max(-_MERCATOR_LAT_DEG, min(_MERCATOR_LAT_DEG, lat)) for lat in (box.south, box.north))
    maxzoom = deepest_level(images, WEB_MERCATOR_QUAD)
    side = max(east - box.west, north - south)
    return {
        "tilejson": "3.0.0",
        "name": both_languages(newest.title),
        "version": "1.0.0",
        "scheme": "xyz",
        "tiles": [f"{base_url}/rasters/{newest.raster_id}/{{z}}/{{x}}/{{y}}{suffix}{'?' if query else ''}{query}"],
        "minzoom": 0,
        "maxzoom": maxzoom,
        "bounds": [box.west, south, box.east, north],
        "center": [
            (box.west + east) / 2.0,
            (south + north) / 2.0,
            max(0, min(maxzoom, math.floor(math.log2(360.0 / side)))) if side > 0 else maxzoom,
        ],
        # TileJSON has no word for layers of pixels, and asks for this list.
        "vector_layers": [],
    }


def raster_tilesets(record: RasterRecord, base_url: str) -> dict[str, Any]:
    """The list of tilesets of a raster, one for each grid."""
    url = f"{base_url}/rasters/{record.raster_id}/tiles"
    return tilesets_document(url, base_url, both_languages(record.title), "map")


def raster_tileset(images: Sequence[RasterRecord], grid: Grid, base_url: str) -> dict[str, Any]:
    """Metadata of one tileset: box, limits at each level, address template of each kind of file."""
    newest, box = images[0], joined_box(images)
    url = f"{base_url}/rasters/{newest.raster_id}/tiles/{grid.id}"
    template = f"{url}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    return {
        "title": both_languages(newest.title),
        "dataType": "map",
        "crs": grid.crs_uri,
        "tileMatrixSetURI": matrix_set_uri(grid, base_url),
        "boundingBox": {"crs": CRS84, "lowerLeft": [box.west, box.south], "upperRight": [box.east, box.north]},
        "tileMatrixSetLimits": [_limits(box, grid, z) for z in range(deepest_level(images, grid) + 1)],
        "links": [
            link("self", url, "application/json", "This document"),
            scheme_link(grid, base_url),
            *(
                link("item", f"{template}?f={kind}", media, f"Tiles, {kind}") | {"templated": True}
                for kind, media in MEDIA.items()
            ),
        ],
    }


def joined_box(images: Sequence[RasterRecord]) -> Bounds:
    """The box of all images together."""
    box = images[0].bounds
    for record in images[1:]:
        box = box.union(record.bounds)
    return box


def deepest_level(images: Sequence[RasterRecord], grid: Grid) -> int:
    """The level at which the finest image is drawn pixel for pixel; clients enlarge beyond."""
    finest = 360.0
    for record in images:
        west, east = record.bounds.west, record.bounds.east
        finest = min(finest, ((east - west) % 360.0 or 360.0) / record.size[0])
    level = math.ceil(math.log2(360.0 / grid.columns / _TILE_SIDE / finest) - 0.1)
    return max(0, min(level, grid.max_zoom, _DEEPEST))


def _limits(box: Bounds, grid: Grid, z: int) -> dict[str, Any]:
    whole = box.crosses_antimeridian or box.east > 180.0
    north_west, south_east = grid.tile_at(box.west, box.north, z), grid.tile_at(box.east, box.south, z)
    return {
        "tileMatrix": str(z),
        "minTileRow": north_west.y,
        "maxTileRow": south_east.y,
        "minTileCol": 0 if whole else north_west.x,
        "maxTileCol": grid.matrix_size(z)[0] - 1 if whole else south_east.x,
    }


def _box(box: Bounds) -> list[float]:
    return list(box.as_tuple())
