"""One catalogue layer → the deck.gl layers that draw it, as pydeck objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pydeck
from pydeck.types import String

from layers.style import Style
from layers.viewing.options import ViewOptions
from layers.viewing.paint import alarm_color, color_function, outline_color, rgba, safe_pairs, width_function
from layers.viewing.record import LayerRecord, SceneRecord

DEEPEST_TILE_ZOOM = 16
"""Deeper than this, tiles of zoom 16 are enlarged: a unit of their grid is some 15 cm there."""

AFAR_ZOOM = 13
"""Up to here the tiles of a layer stand in for its scene: they show built-up ground, a scene only what is high enough to be seen."""

_FLAT = {"depthCompare": "always", "depthWriteEnabled": False}
_CLEAR = [0, 0, 0, 0]
_MIXED_FILL = 0.3
_CUT = [-0.00007, -0.00007, 0.99993, 0.99993]
"""Where a tile is cut, in its own units: each pixel belongs to one tile, or seams would show through translucent fills. A 28th of a pixel beside
the edge, because edges of whole levels lie on the middles of pixels, where rounding gives them to both tiles or to none."""


def deck_layers(record: LayerRecord, options: ViewOptions) -> tuple[pydeck.Layer, ...]:
    """The drawing of one layer, lowest first: a casing where lines have an outline, then the layer itself."""
    scene = drawn_scene(record, options)
    if scene is not None:
        return (_from_afar(record, options), _scene(record, scene, options))
    if record.style.kind == "line" and record.style.outline is not None:
        return (_casing(record, options), _main(record, options))
    return (_main(record, options),)


def is_raised(record: LayerRecord, options: ViewOptions) -> bool:
    """Whether the layer stands up from the ground in this view."""
    return options.three_d and record.style.extrude is not None


def drawn_scene(record: LayerRecord, options: ViewOptions) -> SceneRecord | None:
    """The scene that stands for the layer in this view; None in 2D."""
    if record.scene is None or not options.three_d:
        return None
    return record.scene if record.scene.is_delivered or record.style.extrude is not None else None


def _main(record: LayerRecord, options: ViewOptions) -> pydeck.Layer:
    style = record.style
    props = _common(record, options) | {
        "pickable": style.kind != "label",
        "auto_highlight": _is_object(record),
        "highlight_color": [255, 176, 32, 110],
    }
    kinds = {"fill": _fill, "line": _line, "circle": _circle, "label": _label}
    return pydeck.Layer("MVTLayer", id=record.id, **(props | kinds[style.kind](record, options)))


def _from_afar(record: LayerRecord, options: ViewOptions) -> pydeck.Layer:
    """The layer's tiles flat on the ground, where a scene would show its towers alone: footprints, or outlines of what was delivered."""
    layer = _main(record, replace(options, three_d=False))
    layer.id = f"{record.id}/afar"
    layer.visible_max_zoom = AFAR_ZOOM
    return layer


def _scene(record: LayerRecord, scene: SceneRecord, options: ViewOptions) -> pydeck.Layer:
    """The scene of a layer as 3D Tiles; buildings raised from the layer are in the colours of its style.

    What stands behind the # reaches no server: another version or theme is another address to the page, which asks anew and
    takes from the browser every tile that is the same.
    """
    query = f"?{options.moment.query}" if options.moment.query else ""
    address = f"{options.tiles_base}/scenes/{record.id}/tileset.json{query}#v{scene.version}-{options.theme}"
    return pydeck.Layer(
        "SceneLayer",
        id=f"{record.id}/scene",  # deck.gl hands the state of a layer to the next of its id: one of another class breaks on it
        data=String(address),
        visible=record.visible if options.layers is None else record.id in options.layers,
        opacity=options.opacity.get(record.id, 1.0),
        pickable=True,
        auto_highlight=True,
        highlight_color=[255, 176, 32, 110],
        get_fill_color=color_function(record.style, options.theme, 1.0),
        scene={"kind": scene.kind, "datum": scene.vertical_datum, "from": scene.terrain},
        parameters={"depthCompare": "less-equal", "depthWriteEnabled": True},
    )


def _is_object(record: LayerRecord) -> bool:
    """Whether features are things that light up under the cursor: not ground, water and streets of the base map."""
    style = record.style
    return style.kind != "label" and (not record.is_basemap or style.kind == "circle" or style.extrude is not None)


def _common(record: LayerRecord, options: ViewOptions) -> dict[str, Any]:
    style = record.style
    trigger = f"{options.theme}:{'3d' if options.three_d else '2d'}:{record.version}"
    names = ("getFillColor", "getLineColor", "getLineWidth", "getPointRadius", "getElevation", "getIcon")
    props: dict[str, Any] = {
        "data": String(_tiles(record, options)),
        "fetch": _fetch(record, options),
        "visible": record.visible if options.layers is None else record.id in options.layers,
        "opacity": options.opacity.get(record.id, 1.0),
        "max_zoom": DEEPEST_TILE_ZOOM,
        "max_requests": 0,
        "max_cache_size": 80,
        "refinement_strategy": String("best-available"),
        "line_width_units": String("pixels"),
        "point_radius_units": String("pixels"),
        "line_joint_rounded": True,
        "line_cap_rounded": True,
        "parameters": _FLAT,
        "update_triggers": dict.fromkeys(names, trigger),
    }
    if style.kind in ("fill", "line"):
        props["clip_bounds"] = _CUT
    if style.min_zoom is not None and record.is_basemap:
        props["min_zoom"] = style.min_zoom
    if style.max_zoom is not None:
        props["visible_max_zoom"] = style.max_zoom
    return props


def _tiles(record: LayerRecord, options: ViewOptions) -> str:
    """Template of the tile addresses; another date is another address, so that deck.gl asks again."""
    query = options.moment.query
    return f"{options.tiles_base}/tiles/{record.id}/{{z}}/{{x}}/{{y}}.mvt" + (f"?{query}" if query else "")


def _fetch(record: LayerRecord, options: ViewOptions) -> dict[str, Any]:
    """How the page gets this layer's tiles; base map layers of one tile travel in one request."""
    style = record.style
    fetch: dict[str, Any] = {
        "@@function": "fetchTile",
        "layer": record.id,
        "version": record.edition,
        "group": "basemap" if record.is_basemap else record.id,
    }
    if options.moment.query:
        fetch["moment"] = options.moment.query
    if style.kind == "line" and style.width_by is not None:
        fallback = style.width_px if style.width_by.default is None else style.width_by.default
        fetch["width"] = {
            "property": style.width_by.property,
            "values": safe_pairs(style.width_by.values),
            "default": fallback,
            "border": record.borders,
        }
    if is_raised(record, options):
        fetch["raised"] = True
    if style.label is not None:
        fetch["label"] = {"property": style.label.property}
        if style.label.priority_property is not None:
            fetch["label"]["priority"] = style.label.priority_property
    return fetch


def _line_width(style: Style) -> Any:
    return style.width_px if style.width_by is None else width_function(style.width_by, style.width_px)


def _fill(record: LayerRecord, options: ViewOptions) -> dict[str, Any]:
    style = record.style
    outline = outline_color(style, options.theme)
    raised = is_raised(record, options)
    props: dict[str, Any] = {
        "filled": True,
        "stroked": outline is not None and style.outline_px > 0 and not raised,
        "get_fill_color": color_function(style, options.theme, 1.0 if raised else style.opacity),
        "get_line_color": {"@@function": "outline", "fallback": rgba(outline) if outline else _CLEAR},
        "get_line_width": style.outline_px,
    }
    if raised and style.extrude is not None:
        props |= {
            "extruded": True,
            "parameters": {"depthCompare": "less-equal", "depthWriteEnabled": True},
            "get_elevation": {
                "@@function": "height",
                "property": style.extrude.property,
                "scale": style.extrude.scale,
            },
            "material": {"ambient": 0.62, "diffuse": 0.5, "shininess": 24, "specularColor": [40, 40, 40]},
        }
    return props


def _line(record: LayerRecord, options: ViewOptions) -> dict[str, Any]:
    style = record.style
    color = color_function(style, options.theme, style.opacity)
    return {
        "filled": True,
        "stroked": True,
        "get_fill_color": {"@@function": "densityOnly", "density": color["density"]},
        "get_line_color": color,
        "get_line_width": _line_width(style),
    }


def _casing(record: LayerRecord, options: ViewOptions) -> pydeck.Layer:
    """The edge of a line: the same line, wider and below. Tiles come from the page's cache, not from a second request."""
    style = record.style
    width = _line_width(style)
    extra = 2 * style.outline_px
    if isinstance(width, dict):
        width = width | {"extra": extra}
    else:
        width += extra
    props = _common(record, options) | {
        "filled": False,
        "pickable": False,
        "get_line_color": {"@@function": "outline", "fallback": rgba(outline_color(style, options.theme) or "#0000")},
        "get_line_width": width,
    }
    return pydeck.Layer("MVTLayer", id=f"{record.id}/casing", **props)


def _circle(record: LayerRecord, options: ViewOptions) -> dict[str, Any]:
    style = record.style
    outline = outline_color(style, options.theme)
    radius = style.radius_px if style.width_by is None else width_function(style.width_by, style.radius_px)
    props: dict[str, Any] = {
        "filled": True,
        "stroked": outline is not None and style.outline_px > 0,
        "get_fill_color": color_function(style, options.theme, style.opacity),
        "get_line_color": {"@@function": "outline", "fallback": rgba(outline) if outline else _CLEAR},
        "get_line_width": style.outline_px,
        "get_point_radius": radius,
        "point_antialiasing": True,
        "point_billboard": True,
    }
    if record.clusters:
        props |= _clustered(record, options, props)
    if record.mixed:
        props |= _seen_through(record, options)
    if style.icon is not None:
        props |= {
            "point_type": String("circle+icon"),
            "icon_atlas": String("@@#iconAtlas"),
            "icon_mapping": String("@@#iconMapping"),
            "icon_size_units": String("pixels"),
            "get_icon": {"@@function": "icon", "name": style.icon},
            "get_icon_size": style.radius_px * 1.5,
            "get_icon_color": [255, 255, 255, 255] if options.theme == "light" else [16, 22, 29, 255],
            "icon_alpha_cutoff": 0.02,
        }
    return props


def _clustered(record: LayerRecord, options: ViewOptions, props: dict[str, Any]) -> dict[str, Any]:
    """Circles of clusters grow with their count and are ringed where a point is in alarm; points keep their size beside them."""
    style = record.style
    radius = props["get_point_radius"]
    if not isinstance(radius, dict):
        radius = {"@@function": "number", "property": "", "values": [], "fallback": radius}
    return {
        "clustered": True,
        "stroked": True,
        "get_fill_color": props["get_fill_color"] | {"clusters": True},
        "get_line_color": props["get_line_color"] | {"alarm": rgba(alarm_color(options.theme))},
        "get_line_width": {"@@function": "ring", "width": style.outline_px},
        "get_point_radius": radius | {"clusters": True},
    }


def _seen_through(record: LayerRecord, options: ViewOptions) -> dict[str, Any]:
    """Points, lines and areas of one layer in its colour, the map below still to be seen: an area must not hide its reason."""
    return {
        "stroked": True,
        "get_fill_color": color_function(record.style, options.theme, _MIXED_FILL * record.style.opacity),
        "get_line_color": color_function(record.style, options.theme, record.style.opacity),
        "get_line_width": max(record.style.outline_px, 2.0),
    }


def _label(record: LayerRecord, options: ViewOptions) -> dict[str, Any]:
    """Text only: the tiles are fetched for their names, nothing else of them is drawn."""
    return {"filled": False, "stroked": False, "point_type": String("circle"), "get_point_radius": 0}
