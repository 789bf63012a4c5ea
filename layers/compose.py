"""The one description of a view: catalogue records in, a pydeck `Deck` out, and its checked JSON.

The page and a notebook draw the same JSON. pydeck's own pages are not used: they link outside hosts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pydeck

from layers.viewing.checks import check_spec
from layers.viewing.deck_layers import deck_layers, drawn_scene, is_raised
from layers.viewing.options import Camera, ViewMoment, ViewOptions
from layers.viewing.record import LayerRecord

_FAR = 3.0
"""How much farther than to the end of a level ground one sees in 3D: hills rise beyond it."""

__all__ = ["Camera", "LayerRecord", "ViewMoment", "ViewOptions", "compose_deck", "deck_spec"]


def compose_deck(records: Iterable[LayerRecord], options: ViewOptions | None = None) -> pydeck.Deck:
    """A deck of all `records`, lowest first; layers nobody chose are in it, switched off.

    In 3D, raised polygons come after everything flat and before circles, so that streets do not run over houses and
    devices are seen in front of them.
    """
    options = options or ViewOptions()
    camera = options.camera
    ordered = sorted(records, key=lambda record: _drawing_order(record, options))
    return pydeck.Deck(
        layers=[layer for record in ordered for layer in deck_layers(record, options)],
        views=[_view(options)],
        initial_view_state=pydeck.ViewState(
            longitude=camera.lon,
            latitude=camera.lat,
            zoom=camera.zoom,
            pitch=camera.pitch_deg,
            bearing=camera.bearing_deg,
            max_zoom=20.5,
            min_zoom=2,
            max_pitch=70,
        ),
        map_provider=None,
        map_style=None,
        tooltip=False,
        effects=[_light(options)],
    )


def deck_spec(deck: pydeck.Deck) -> dict[str, Any]:
    """The deck as JSON values, checked.

    Raises:
        BadManifestError: if it holds anything the page must not run or an address outside of this server.
    """
    spec: dict[str, Any] = json.loads(deck.to_json())
    check_spec(spec)
    return spec


def _view(options: ViewOptions) -> pydeck.View:
    props: dict[str, Any] = {"controller": {"inertia": 220, "touchRotate": True}, "repeat": False}
    if options.three_d:
        props["farZMultiplier"] = _FAR
    return pydeck.View("MapView", id="map", **props)


def _drawing_order(record: LayerRecord, options: ViewOptions) -> tuple[int, int, str]:
    stands = is_raised(record, options) or drawn_scene(record, options) is not None
    place = 1 if stands else 2 if options.three_d and record.style.kind == "circle" else 0
    return (place, record.order, record.id)


def _light(options: ViewOptions) -> dict[str, Any]:
    """Soft light from the north-west, as on a relief map."""
    dark = options.theme == "dark"
    return {
        "@@type": "LightingEffect",
        "ambient": {"@@type": "AmbientLight", "color": [255, 255, 255], "intensity": 0.85 if dark else 1.0},
        "sun": {
            "@@type": "DirectionalLight",
            "color": [255, 250, 240],
            "intensity": 1.0 if dark else 0.95,
            "direction": [1.2, -1.6, -2.2],
        },
    }
