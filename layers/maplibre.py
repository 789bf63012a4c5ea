"""Styles for MapLibre clients: the same look as on the page, for one layer or for the whole map.

Source: MapLibre Style Spec, version 8. No sprites; glyphs only where the operator serves them (`glyphs` below): a text layer
without glyphs is not valid, so labels are left out then and MapLibre draws the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from layers.style import Style, Theme, WidthBy
from layers.viewing.deck_layers import DEEPEST_TILE_ZOOM
from layers.viewing.paint import alarm_color, color_stops, color_table, default_color, density_color, outline_color
from layers.viewing.record import LayerRecord

Json = Any

LAND: dict[Theme, str] = {"light": "#e9ebea", "dark": "#0f1215"}

# The page's own width and radius curves (api/viewer/static/scales.js), at whole zooms.
_WIDTHS = ((8, 0.28), (10, 0.4), (12, 0.6), (14, 1.0), (15, 1.5), (16, 2.4), (17, 4.0), (18, 7.0), (20, 16.0))
_RADII = ((9, 0.4), (11, 0.5), (13, 0.72), (15, 1.0), (17, 1.3), (20, 1.7))

_IS_DENSITY = ["all", ["has", "_count"], ["==", ["geometry-type"], "Polygon"]]
_IS_CLUSTER = ["all", ["has", "_count"], ["==", ["geometry-type"], "Point"]]
_IS_FEATURE = ["!", ["has", "_count"]]


def maplibre_style(
    records: Iterable[LayerRecord], base_url: str, name: str, theme: Theme = "light", glyphs: str = ""
) -> dict[str, Json]:
    """A style document of `records`, lowest first.

    Args:
        base_url: Address of the server, without a slash at the end.
        name: What a client shows.
        glyphs: Template of glyph ranges on this server, with `{fontstack}` and `{range}`; empty where there are none.
    """
    ordered = list(records)
    document: dict[str, Json] = {
        "version": 8,
        "name": name,
        "sources": {record.id: _source(record, base_url) for record in ordered},
        "layers": [
            {"id": "background", "type": "background", "paint": {"background-color": LAND[theme]}},
            *(layer for record in ordered for layer in _layers(record, theme)),
            *(_cluster_label(record, theme) for record in ordered if glyphs and record.clusters),
            *(_label(record, theme) for record in ordered if glyphs and record.style.label is not None),
        ],
        "metadata": {"onemap:theme": theme},
    }
    if glyphs:
        document["glyphs"] = glyphs
    return document


def _source(record: LayerRecord, base_url: str) -> dict[str, Json]:
    source: dict[str, Json] = {
        "type": "vector",
        "tiles": [f"{base_url}/tiles/{record.id}/{{z}}/{{x}}/{{y}}.mvt?v={record.edition}"],
        "minzoom": 0,
        "maxzoom": DEEPEST_TILE_ZOOM,
    }
    if record.attribution:
        source["attribution"] = record.attribution
    return source


def _layers(record: LayerRecord, theme: Theme) -> list[dict[str, Json]]:
    kinds = {"fill": _fill, "line": _line, "circle": _circle, "label": lambda *_: []}
    drawn: list[dict[str, Json]] = kinds[record.style.kind](record, theme)
    if record.clusters:
        drawn[:0] = _clusters(record, theme)
    elif not record.is_basemap and record.style.kind != "label":
        drawn.insert(0, _density(record, theme))
    return drawn


def _layer(record: LayerRecord, suffix: str, kind: str, paint: dict[str, Json], layout: Json = None) -> dict[str, Json]:
    style = record.style
    layer: dict[str, Json] = {
        "id": f"{record.id}{suffix}",
        "type": kind,
        "source": record.id,
        "source-layer": record.id,
        "filter": _IS_FEATURE,
        "paint": paint,
        "layout": {"visibility": "visible" if record.visible else "none", **(layout or {})},
    }
    if style.min_zoom is not None and record.is_basemap:
        layer["minzoom"] = style.min_zoom
    if style.max_zoom is not None:
        layer["maxzoom"] = style.max_zoom
    return layer


def _density(record: LayerRecord, theme: Theme) -> dict[str, Json]:
    """Squares with `_count`, stronger where there is more."""
    opacity = ["min", 0.84, ["+", 0.15, ["*", 0.24, ["log10", ["+", 1, ["to-number", ["get", "_count"]]]]]]]
    red, green, blue = density_color(record.style, theme)
    paint = {"fill-color": f"#{red:02x}{green:02x}{blue:02x}", "fill-opacity": opacity}
    return _layer(record, "-density", "fill", paint) | {"filter": _IS_DENSITY}


def _clusters(record: LayerRecord, theme: Theme) -> list[dict[str, Json]]:
    """Circles that grow with the number of points, ringed in the alarm's colour where one of them is in alarm.

    How many there are is written inside where the operator serves glyphs (`_cluster_label`).
    """
    red, green, blue = density_color(record.style, theme)
    in_alarm = [">", ["to-number", ["get", "_alarms"], 0], 0]
    calm = outline_color(record.style, theme) or LAND[theme]
    paint = {
        "circle-color": f"#{red:02x}{green:02x}{blue:02x}",
        "circle-opacity": 0.88,
        "circle-radius": _cluster_radius(["to-number", ["get", "_count"]]),
        "circle-stroke-color": ["case", in_alarm, alarm_color(theme), calm],
        "circle-stroke-width": ["case", in_alarm, 3, 1.2],
    }
    return [_layer(record, "-clusters", "circle", paint) | {"filter": _IS_CLUSTER}]


def _cluster_label(record: LayerRecord, theme: Theme) -> dict[str, Json]:
    layout = {
        "text-field": ["to-string", ["get", "_count"]],
        "text-size": 11,
        "text-font": ["Noto Sans CJK SC Regular"],
        "text-allow-overlap": True,
    }
    paint = {"text-color": "#ffffff" if theme == "light" else "#10161d"}
    return _layer(record, "-cluster-counts", "symbol", paint, layout) | {"filter": _IS_CLUSTER}


def _cluster_radius(count: Json) -> Json:
    """Pixels from the number of points; the page's own curve (api/viewer/static/scales.js)."""
    return ["min", 22, ["+", 7, ["*", 4.5, ["log10", count]]]]


def _fill(record: LayerRecord, theme: Theme) -> list[dict[str, Json]]:
    style = record.style
    drawn = [_layer(record, "", "fill", {"fill-color": _color(style, theme), "fill-opacity": style.opacity})]
    outline = outline_color(style, theme)
    if outline is not None and style.outline_px > 0:
        drawn.append(_layer(record, "-outline", "line", {"line-color": outline, "line-width": style.outline_px}))
    return drawn


def _line(record: LayerRecord, theme: Theme) -> list[dict[str, Json]]:
    style = record.style
    round_ends = {"line-cap": "round", "line-join": "round"}
    paint = {"line-color": _color(style, theme), "line-opacity": style.opacity, "line-width": _width(style, 0)}
    outline = outline_color(style, theme)
    if outline is None or style.outline_px == 0:
        return [_layer(record, "", "line", paint, round_ends)]
    casing = {"line-color": outline, "line-width": _width(style, 2 * style.outline_px)}
    return [_layer(record, "-casing", "line", casing, round_ends), _layer(record, "", "line", paint, round_ends)]


def _circle(record: LayerRecord, theme: Theme) -> list[dict[str, Json]]:
    style = record.style
    radius = _by_table(style.width_by, style.radius_px) if style.width_by else style.radius_px
    paint: dict[str, Json] = {
        "circle-color": _color(style, theme),
        "circle-opacity": style.opacity,
        "circle-radius": _with_zoom(_RADII, radius),
    }
    outline = outline_color(style, theme)
    if outline is not None:
        paint |= {"circle-stroke-color": outline, "circle-stroke-width": style.outline_px}
    return [_layer(record, "", "circle", paint)]


def _label(record: LayerRecord, theme: Theme) -> dict[str, Json]:
    label = record.style.label
    assert label is not None
    dark = theme == "dark"
    along = record.style.kind == "line"
    layout: dict[str, Json] = {
        "text-field": ["to-string", ["get", label.property]],
        "text-size": label.size_px,
        "text-font": ["Noto Sans CJK SC Regular"],
        "symbol-placement": "line" if along else "point",
    }
    if label.priority_property is not None:
        layout["symbol-sort-key"] = ["to-number", ["get", label.priority_property], 99]
    paint = {
        "text-color": (dark and label.color_dark) or label.color,
        "text-halo-color": (dark and label.halo_dark) or label.halo,
        "text-halo-width": 1.4,
    }
    layer = _layer(record, "-label", "symbol", paint, layout)
    if label.min_zoom is not None:
        layer["minzoom"] = label.min_zoom
    return layer


def _color(style: Style, theme: Theme) -> Json:
    """The main colour as a MapLibre expression; a feature without the property gets the default."""
    by = style.color_by
    fallback = default_color(style, theme)
    if by is None:
        return fallback
    if by.stops is not None:
        stops = [part for stop in color_stops(by, theme) for part in stop]
        ramp: Json = ["interpolate", ["linear"], ["to-number", ["get", by.property]], *stops]
        return ["case", ["has", by.property], ramp if len(stops) > 1 else fallback, fallback]
    table = color_table(by, theme)
    if not table:
        return fallback
    return ["match", ["to-string", ["get", by.property]], *_flat(table.items()), fallback]


def _width(style: Style, extra: float) -> Json:
    plain = _by_table(style.width_by, style.width_px) if style.width_by else style.width_px
    return _with_zoom(_WIDTHS, ["+", plain, extra] if extra else plain)


def _by_table(width_by: WidthBy, plain: float) -> Json:
    fallback = plain if width_by.default is None else width_by.default
    if not width_by.values:
        return fallback
    return ["match", ["to-string", ["get", width_by.property]], *_flat(width_by.values.items()), fallback]


def _with_zoom(stops: Sequence[tuple[int, float]], size: Json) -> Json:
    """`size` times a factor that grows with the zoom; zoom stands outermost, as the specification asks."""
    steps = [part for zoom, factor in stops for part in (zoom, ["*", factor, size])]
    return ["interpolate", ["exponential", 1.6], ["zoom"], *steps]


def _flat(pairs: Iterable[tuple[Json, Json]]) -> list[Json]:
    return [part for pair in pairs for part in pair]
