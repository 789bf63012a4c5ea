"""The few things of a layer that a view needs, read from its catalogue entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from layers.style import Style, default_style
from twin.schema import GeometryType
from twin.text import LocalText

BASEMAP = "basemap"


@dataclass(frozen=True, slots=True)
class SceneRecord:
    """The published scene of a layer as a view sees it.

    Attributes:
        version: Of the layer; another one has other tiles.
        kind: "buildings" raised from the layer, or what was delivered: "points", "model", "tileset", …
        vertical_datum: What its heights count from.
        terrain: Id of the terrain its buildings stand on; empty where there is none.
    """

    version: int
    kind: str = "buildings"
    vertical_datum: str = "unknown"
    terrain: str = ""

    @property
    def is_delivered(self) -> bool:
        """Whether it shows something else than the layer's own features."""
        return self.kind != "buildings"


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One layer as a view sees it.

    Attributes:
        version: The layer's change number.
        edition: What its tile addresses say in `v=`; the tiles of one edition never change.
        order: Drawing order; larger is on top.
        visible: Shown when nobody has chosen layers yet.
        properties: Names of the layer's properties, for what the style leaves open.
        clusters: Whether its points are clustered at low zooms.
        borders: Whether its features are areas, which a style of lines draws by their borders.
        mixed: Whether points, lines and areas may stand side by side in it.
        scene: Its published scene; None where there is none.
    """

    id: str
    title: LocalText
    department: str
    style: Style
    version: int = 0
    order: int = 100
    visible: bool = True
    attribution: str = ""
    properties: tuple[str, ...] = ()
    mixed: bool = False
    borders: bool = False
    edition: str = ""
    clusters: bool = False
    scene: SceneRecord | None = None

    @property
    def is_basemap(self) -> bool:
        return self.department == BASEMAP


def read_record(entry: Mapping[str, Any]) -> LayerRecord:
    """The record of one entry of `GET /layers` (a manifest with version and schema), with the edition of its tiles where known.

    A layer without a style gets the default one of its geometry type.
    """
    geometry_type = GeometryType(entry.get("geometry_type") or "Geometry")
    style = entry.get("style")
    return LayerRecord(
        id=entry["id"],
        title=LocalText.parse(entry.get("title")),
        department=entry.get("department") or "",
        style=Style.model_validate(style) if style else default_style(geometry_type, entry["id"]),
        version=int(entry.get("version") or 0),
        order=int(entry.get("order", 100)),
        borders=geometry_type in (GeometryType.POLYGON, GeometryType.MULTIPOLYGON),
        visible=bool(entry.get("visible", True)),
        attribution=entry.get("attribution") or "",
        edition=str(entry.get("edition") or entry.get("version") or 0),
        clusters=bool((entry.get("tiles") or {}).get("clusters_below")),
        scene=SceneRecord(**entry["scene"]) if entry.get("scene") else None,
        properties=tuple(p["name"] for p in entry.get("schema") or ()),
        mixed=entry.get("geometry_type") in (GeometryType.GEOMETRY, GeometryType.GEOMETRYCOLLECTION),
    )


def read_records(entries: Iterable[Mapping[str, Any]]) -> tuple[LayerRecord, ...]:
    """The records of all entries, lowest layer first."""
    return tuple(sorted((read_record(entry) for entry in entries), key=lambda record: (record.order, record.id)))
