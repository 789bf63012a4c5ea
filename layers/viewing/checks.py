"""The last look at a view before it leaves: only known classes and functions, and not one outside address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twin.errors import BadManifestError

TYPES = frozenset({"MapView", "MVTLayer", "SceneLayer", "LightingEffect", "AmbientLight", "DirectionalLight"})
FUNCTIONS = frozenset({"fetchTile", "color", "outline", "densityOnly", "number", "ring", "height", "icon"})
CONSTANTS = frozenset({"@@#iconAtlas", "@@#iconMapping"})


def check_spec(spec: Any) -> None:
    """Passes a view that the page may run.

    Raises:
        BadManifestError: if it names a class, function or constant that the page does not have, holds an expression, or
            an address outside of this server.
    """
    for where, key, value in _walk(spec, "", ""):
        if key == "@@type":
            _require(value in TYPES, where, value, "a class of the page: " + ", ".join(sorted(TYPES)))
        elif key == "@@function":
            _require(value in FUNCTIONS, where, value, "a function of the page: " + ", ".join(sorted(FUNCTIONS)))
        elif key.startswith("@@"):
            _require(False, where, key, "'@@type' and '@@function' are the only keys of this kind")
        elif isinstance(value, str):
            _check_text(where, key, value)


def _check_text(where: str, key: str, value: str) -> None:
    if value.startswith("@@"):
        _require(value in CONSTANTS, where, value, "a constant of the page: " + ", ".join(sorted(CONSTANTS)))
    outside = "://" in value or value.startswith("//") or value[:5].lower() == "data:"
    _require(not outside, where, value, "no address outside of this server")
    if key == "data":
        _require(value.startswith("/"), where, value, "a path on this server")


def _walk(node: Any, where: str, key: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _walk(child, f"{where}/{name}", name)
            if name.startswith("@@") and not isinstance(child, str):
                yield f"{where}/{name}", name, None
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _walk(child, f"{where}/{number}", "")
    else:
        yield where, key, node


def _require(holds: bool, where: str, value: object, limit: str) -> None:
    if not holds:
        raise BadManifestError(
            f"The view may not hold this value at {where}.",
            value=value,
            limit=limit,
            remedy="Correct the style of the layer it comes from.",
        )
