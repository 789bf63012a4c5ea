"""Published scenes as OGC API - 3D GeoVolumes describes them: 3D containers with a box in space and links to what they hold.

Sources: OGC 22-029, draft of 2026-08 (clause 7.2 collections, clause 8 3D Tiles); where the draft is silent, the shape of a container
of the pilot it came from, OGC 20-030: `collectionType`, `content`, `children`, `?bbox=`, `?format=`. The draft names the media type of
a tileset in two ways (`application/json+3dtiles` in 7.2, `application/3dtiles+json` in 8 and 13), so the link is given in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.documents import REL, both
from api.errors import BadParameterError
from api.links import Link, link
from layers.scenes.desk import Scene
from layers.scenes.record import BUILDINGS
from scenes3d.tileset.region import Region
from twin.bounds import Bounds
from twin.text import LocalText
from twin.vertical import vertical_datum_title

_SPEC = "http://www.opengis.net/spec/"
_SPEC_3D = "https://www.opengis.net/spec/ogcapi-geovolumes-1/1.0/conf/"
CLASSES = (
    *(f"{_SPEC}ogcapi-common-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "oas30")),
    f"{_SPEC}ogcapi-common-2/1.0/conf/collections",
    f"{_SPEC_3D}core",
    f"{_SPEC_3D}3d-tiles",
)
"""Of this API below /geovolumes alone. Nothing of I3S or of tiles by matrix sets is offered, nor declared."""

TYPE_OF_PILOT = "application/json+3dtiles"
TYPE_OF_DRAFT = "application/3dtiles+json"
CRS84H = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
MODEL = "reality_model"
"""Id of the container of all scenes; no layer can be called so, and every scene bears the name of its layer."""

_REL_3D = REL + "3d-geovolumes"
_FORMATS = {"3dtiles": True, "3d-tiles": True, TYPE_OF_PILOT: True, TYPE_OF_DRAFT: True, "i3s": False, "cdb": False}
_MODEL_TITLE = LocalText("实景三维模型", "Reality model")
_MODEL_TEXT = LocalText("所有已发布的三维场景。", "All published scenes in one tileset.")


@dataclass(frozen=True, slots=True)
class Volume:
    """A published scene and what holds it."""

    scene: Scene
    region: Region


@dataclass(frozen=True, slots=True)
class VolumeQuery:
    """What containers are asked for.

    Attributes:
        bounds: Only those that meet this box; None for all.
        heights: Lowest and highest of a box of six numbers.
        wanted: Whether the format asked for is one that scenes have.
    """

    bounds: Bounds | None = None
    heights: tuple[float, float] | None = None
    wanted: bool = True

    def takes(self, region: Region) -> bool:
        west, south, low, east, north, high = region.to_box()
        if self.bounds is not None and not self.bounds.intersects(Bounds(west, south, east, north)):
            return False
        return self.heights is None or (self.heights[0] <= high and low <= self.heights[1])


def has_format(name: str) -> bool:
    """Whether scenes come in a format of 3D GeoVolumes.

    Raises:
        BadParameterError: if it is none of them.
    """
    if (known := _FORMATS.get(name.lower())) is None:
        raise BadParameterError(
            "3D GeoVolumes know no such format.", value=name, limit=", ".join(_FORMATS), remedy="Write format=3dtiles."
        )
    return known


def landing_document(base: str, title: LocalText) -> dict[str, Any]:
    """The way in. Source: OGC 19-072, 7.2."""
    here = f"{base}/geovolumes"
    return {
        "title": f"{both(title)} - 3D GeoVolumes",
        "description": "已发布的三维场景，OGC API - 3D GeoVolumes（22-029 草案）。 Published scenes by the draft OGC 22-029.",
        "links": [
            link(here, "self", "application/json", "JSON"),
            link(f"{base}/api", "service-desc", "application/vnd.oai.openapi+json;version=3.0", "OpenAPI 3.0"),
            link(f"{base}/docs", "service-doc", "text/html", "接口说明 API documentation"),
            link(f"{here}/conformance", "conformance", "application/json", "符合性 Conformance"),
            link(f"{here}/conformance", REL + "conformance", "application/json", "符合性 Conformance"),
            link(f"{here}/collections", "data", "application/json", "三维容器 3D containers"),
            link(f"{here}/collections", REL + "data", "application/json", "三维容器 3D containers"),
        ],
    }


def collections_document(base: str, volumes: Sequence[Volume], asked: VolumeQuery) -> dict[str, Any]:
    """The containers that were asked for: the whole model first, then each scene."""
    found = [volume for volume in volumes if asked.wanted and asked.takes(volume.region)]
    listed = [model_document(base, found, asked)] if found else []
    here = f"{base}/geovolumes/collections"
    return {
        "links": [link(here, "self", "application/json", "JSON")],
        "collections": [*listed, *(scene_document(base, volume, asked) for volume in found)],
    }


def model_document(base: str, volumes: Sequence[Volume], asked: VolumeQuery) -> dict[str, Any]:
    """The container of these scenes, of which it holds those that were asked for as `children`."""
    found = [volume for volume in volumes if asked.wanted and asked.takes(volume.region)]
    children = [
        {key: document[key] for key in ("id", "title", "collectionType", "extent")}
        | {"links": [entry for entry in document["links"] if entry["rel"] in ("self", _REL_3D)]}
        for document in (scene_document(base, volume, asked) for volume in found)
    ]
    tileset = f"{base}/scenes/tileset.json"
    return _container(
        base,
        MODEL,
        both(_MODEL_TITLE),
        both(_MODEL_TEXT),
        Region.union([volume.region for volume in volumes]) if volumes else None,
        tileset,
    ) | {"content": [_original(_MODEL_TITLE, tileset)] if found else [], "children": children}


def scene_document(base: str, volume: Volume, asked: VolumeQuery) -> dict[str, Any]:
    """The container of a scene: its box, its datum, its tileset and, of a layer of buildings, the footprints."""
    scene, record = volume.scene, volume.scene.record
    title, datum = LocalText.parse(record["title"]), vertical_datum_title(record["vertical_datum"])
    tileset, items = f"{base}/scenes/{scene.id}/tileset.json", f"{base}/collections/{scene.layer.id}/items"
    words = LocalText(f"{record['lod']}，{datum.zh}", f"{record['lod']}, {datum.en}")
    document = _container(base, scene.id, both(title) or scene.id, both(words), volume.region, tileset)
    content = [_original(title, tileset)]
    if record["kind"] == BUILDINGS:
        content.append(link(items, "alternate", "application/geo+json", "建筑轮廓 Footprints"))
    if record.get("date"):
        document["extent"]["temporal"] = {"interval": [[f"{record['date']}T00:00:00Z", None]]}
    document["links"] += [
        link(f"{base}/scenes/{scene.id}", "describedby", "application/json", "元数据 Record"),
        link(f"{base}/geovolumes/collections/{MODEL}", "up", "application/json", both(_MODEL_TITLE)),
    ]
    given = asked.wanted and asked.takes(volume.region)
    return document | {"verticalDatum": record["vertical_datum"], "content": content if given else [], "children": []}


def _container(base: str, name: str, title: str, words: str, region: Region | None, tileset: str) -> dict[str, Any]:
    # The draft requires a box with heights. A model without scenes has none to give, and says so by leaving it out.
    extent = {} if region is None else {"spatial": {"bbox": [region.to_box()], "crs": CRS84H}}
    links = [
        link(f"{base}/geovolumes/collections/{name}", "self", "application/json", "JSON"),
        link(tileset, _REL_3D, TYPE_OF_PILOT, "3D Tiles 1.1"),
        link(tileset, _REL_3D, TYPE_OF_DRAFT, "3D Tiles 1.1"),
    ]
    container = {"id": name, "title": title, "description": words, "collectionType": "3d-container"}
    return container | {"extent": extent, "links": links}


def _original(title: LocalText, tileset: str) -> Link:
    return link(tileset, "original", TYPE_OF_PILOT, f"{both(title)}: 3D Tiles")
