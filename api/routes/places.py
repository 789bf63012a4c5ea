"""Places: search over names and addresses, and what lies at a point."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2s
from typing import Any

import shapely
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.etags import is_fresh
from api.layer_parts import actor_of, city_of, registry_of
from api.links import base_url, self_links, with_parameters
from api.negotiation import GEOJSON, HTML, ITEM
from api.operation import ThinRoute
from api.place_operations import AT, SEARCH
from api.place_parts import city_area_of, place_index_of, town_finder_of
from api.place_query import parse_at, parse_search
from api.responses.documents import json_answer
from api.responses.html import page
from api.responses.places import highlighted_parts, place_feature, surroundings_feature
from twin.places.reverse import Surveyor
from twin.store.port import LayerRecord

router = APIRouter(tags=["places"], route_class=ThinRoute)
_ZOOM = 16
# A search waits for the first index of a layer; where an older one serves, for no longer than nobody notices.
_FIRST_S, _BEHIND_S = 1.0, 0.05


@router.get("/places", summary="Search for places", **SEARCH)
def search(request: Request) -> Response:
    """Places by name, pinyin, initials, English or address, best first; only what the one who asks may see."""
    parts, city, base = parts_of(request), city_of(request), base_url(request)
    records = {record.id: record for record in registry_of(request).layers(actor_of(request))}
    wanted = parse_search(request, list(records.values()), parts.store, city.bounds)
    if wanted.is_blank_page:
        return page("places.html", {"Vary": "Accept"}, base=base, text="", rows=[], stale=False)
    index = place_index_of(request)
    stale = index.refresh(_FIRST_S, behind_s=_BEHIND_S).is_stale
    headers = {"Vary": "Accept", "Cache-Control": "no-cache", "ETag": _tag(wanted.parameters, records, stale=stale)}
    if not stale and is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    area = city_area_of(request)
    places = index.search(replace(wanted.query, area=area))
    towns = town_finder_of(request).towns_at(list(records.values()), [(place.lon, place.lat) for place in places])
    features = [
        place_feature(place, records[place.layer_id], town, city, base=base, language=wanted.language)
        for place, town in zip(places, towns, strict=True)
    ]
    links = self_links(f"{base}/places", wanted.parameters, ITEM, wanted.format)
    if wanted.format is HTML:
        return page("places.html", headers, base=base, text=wanted.query.text, rows=_rows(features), stale=stale)
    document = {
        "type": "FeatureCollection",
        "timeStamp": parts.clock(),
        "stale": stale,
        "boundedBy": _bounded_by(area),
        "numberReturned": len(features),
        "links": links,
        "features": features,
    }
    return json_answer(document, GEOJSON.media_type, headers=headers)


@router.get("/places/at", summary="What lies at a point", **AT)
def at(request: Request) -> Response:
    """Town, community, unit grid cell, nearest road, address and point of interest of a point; distances in metres."""
    parts, city, base = parts_of(request), city_of(request), base_url(request)
    records = registry_of(request).layers(actor_of(request))
    wanted = parse_at(request, records, parts.store)
    area = city_area_of(request)
    held = [record for record in records if record.id in wanted.versions]
    surveyor = Surveyor(
        parts.store,
        held,
        city.bounds,
        city.projected_crs,
        versions=wanted.versions,
        interval=wanted.interval,
        area=area,
    )
    found = surveyor.at(wanted.lon, wanted.lat)
    document = surroundings_feature(found, city, base=base, language=wanted.language)
    document["properties"]["inside_by"] = _bounded_by(area)
    document["links"] = self_links(f"{base}/places/at", wanted.parameters, ITEM, wanted.format)
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    if wanted.format is HTML:
        camera = f"{wanted.lon:.6f},{wanted.lat:.6f},{_ZOOM}"
        shown = with_parameters(f"{base}/view", [("embed", "1"), ("at", camera)])
        return page("place_at.html", headers, base=base, found=document["properties"], place=found, map=shown)
    return json_answer(document, GEOJSON.media_type, headers=headers)


def _bounded_by(area: shapely.Geometry | None) -> str:
    """What "inside the city" goes by: its boundary in the layer of divisions, else the box of its profile."""
    return "box" if area is None else "boundary"


def _rows(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the page shows of each place."""
    return [
        {
            **feature["properties"],
            "lon": feature["geometry"]["coordinates"][0],
            "lat": feature["geometry"]["coordinates"][1],
            "pieces": highlighted_parts(
                feature["properties"]["matched"]["text"], feature["properties"]["matched"]["highlight"]
            ),
        }
        for feature in features
    ]


def _tag(parameters: tuple[tuple[str, str], ...], records: dict[str, LayerRecord], *, stale: bool) -> str:
    """A weak tag: the state of every layer that may answer, and everything that was asked for."""
    state = [(record.id, record.version, record.updated_at.timestamp()) for record in records.values()]
    text = f"{parameters} {state} {stale}"
    return f'W/"{blake2s(text.encode("utf-8", "replace"), digest_size=10).hexdigest()}"'
