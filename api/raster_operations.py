"""What the routes of rasters take and answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from api.operation import JsonObject, path, problems, query
from tiles.grids import GRIDS
from tiles.raster.expression import LONGEST
from tiles.raster.images import KINDS, MEDIA
from tiles.raster.look import PARAMETERS, RELIEFS, RESAMPLINGS

SIZES = ("256", "512")
MOMENT = ("datetime", "as_of")
LOOK = frozenset(PARAMETERS)

_WHOLE: JsonObject = {"type": "string", "pattern": "^[0-9]{1,9}$"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TEXT = {"type": "string"}

RASTER_ID = path("rasterId", "Id of a raster.", "ortho")
GRID_ID = path("tms", "Tiling scheme.", "WebMercatorQuad") | {"schema": {"type": "string", "enum": list(GRIDS)}}

_LOOK_WORDS: dict[str, tuple[JsonObject, str]] = {
    "bands": ({"type": "string", "pattern": r"^\d{1,3}(,\d{1,3},\d{1,3})?$"}, "One band or three, such as 4,3,2"),
    "expression": (
        {"type": "string", "maxLength": LONGEST},
        "Band arithmetic, such as (b4-b1)/(b4+b1); up to three between ;",
    ),
    "rescale": (_TEXT, "Darkest and lightest value, once or for each channel: 0,3000"),
    "colormap": (
        _TEXT,
        "Colour map of a single channel: land, or by its name in rio-tiler: viridis, terrain, rdylgn, …",
    ),
    "algorithm": ({"type": "string", "enum": list(RELIEFS)}, "Shaded relief or contour lines of heights"),
    "azimuth": ({"type": "number", "minimum": 0, "maximum": 360}, "Light, degrees clockwise from north"),
    "altitude": ({"type": "number", "minimum": 0, "maximum": 90}, "Light, degrees above the horizon"),
    "exaggeration": ({"type": "number", "minimum": 0.01, "maximum": 1000}, "Factor on heights of a shaded relief"),
    "interval": ({"type": "number", "minimum": 1e-6, "maximum": 1e9}, "Between contour lines, in the raster's unit"),
    "nodata": (_TEXT, "Value of unknown pixels, over the raster's own word; nan possible"),
    "resampling": ({"type": "string", "enum": list(RESAMPLINGS)}, "Between pixels; bilinear without it"),
}
LOOK_QUERIES = [query(name, schema, text) for name, (schema, text) in _LOOK_WORDS.items()]
MEASURED = ("bands", "expression", "nodata")
MEASURED_QUERIES = [each for each in LOOK_QUERIES if each["name"] in MEASURED]
MOMENT_QUERIES = [
    query(
        "datetime", _TEXT, "Day that the images show: the newest then, or in an interval those of its days (RFC 3339)"
    ),
    query("as_of", _TEXT, "Only images that had been imported by this instant or date (RFC 3339)"),
]
_TILE_QUERIES = [
    *LOOK_QUERIES,
    *MOMENT_QUERIES,
    query("size", {"type": "string", "enum": list(SIZES)}, "Pixels of a side; 256 without it"),
    query("v", _TEXT, "Edition, as TileJSON tells it; the current one makes the answer cacheable for good"),
]
_FORMAT = query(
    "f",
    {"type": "string", "enum": [*KINDS, "auto"]},
    "Kind of file; without it what suits: JPEG where nothing shows through",
)
JSON_ANSWER = {"200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}}
FRESH = {"304": {"description": "Not changed since the ETag that was sent"}}
_IMAGE = {"200": {"description": "The tile.", "content": dict.fromkeys(MEDIA.values(), _BINARY)}}
_EMPTY = {"204": {"description": "Nothing is known here."}}


def _number(name: str, text: str, example: str) -> JsonObject:
    return path(name, text, example) | {"schema": _WHOLE}


def _row(name: str) -> JsonObject:
    row = path(name, "Row, 0 in the north; with or without an ending: .png, .jpg, .webp.", "6418.png")
    return row | {"schema": {"type": "string", "pattern": r"^[0-9]{1,9}(\.(png|jpg|webp))?$"}}


XYZ = [_number("z", "Level.", "14"), _number("x", "Column, 0 in the west.", "13654"), _row("y")]
OGC = [
    _number("tileMatrix", "Level.", "14"),
    _number("tileRow", "Row, 0 in the north.", "6418"),
    _number("tileCol", "Column, 0 in the west.", "13654"),
]
XYZ_TILE: dict[str, Any] = {
    "parameters": [RASTER_ID, *XYZ, *_TILE_QUERIES],
    "responses": _IMAGE | _EMPTY | FRESH | problems(400, 404, 422),
}
GRID_TILE: dict[str, Any] = XYZ_TILE | {"parameters": [RASTER_ID, GRID_ID, *XYZ, *_TILE_QUERIES]}
OGC_TILE: dict[str, Any] = {
    "parameters": [RASTER_ID, GRID_ID, *OGC, *_TILE_QUERIES, _FORMAT],
    "responses": _IMAGE | FRESH | problems(400, 404, 422),
}
TILEJSON_QUERIES = [*LOOK_QUERIES, *MOMENT_QUERIES, _TILE_QUERIES[-2], _FORMAT]
PLACE = [
    query("lon", {"type": "number", "minimum": -180, "maximum": 180}, "Longitude, CGCS2000.", required=True),
    query("lat", {"type": "number", "minimum": -90, "maximum": 90}, "Latitude, CGCS2000.", required=True),
]
LEGEND_FORMAT = query("f", {"type": "string", "enum": ["json", "png"]}, "The legend, or a bar of its colours")
