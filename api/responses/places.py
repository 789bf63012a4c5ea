"""Places as GeoJSON, and as rows of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from api.links import item_path
from layers.city import City
from twin.places.kinds import kinds
from twin.places.port import Place
from twin.places.reverse import Neighbour, Surroundings
from twin.places.sources import kind_title, rule_of
from twin.places.towns import Town
from twin.store.port import LayerRecord

Json = dict[str, Any]


def place_feature(
    place: Place, record: LayerRecord, town: Town | None, city: City, *, base: str, language: str
) -> Json:
    """One place as a GeoJSON feature."""
    title = kind_title(record, rule_of(record), place.value, kinds()[place.kind].title)
    return {
        "type": "Feature",
        "id": f"{place.layer_id}/{place.feature_id}",
        "bbox": list(place.bounds.as_tuple()),
        "geometry": {"type": "Point", "coordinates": [place.lon, place.lat]},
        "properties": {
            "title": place.name.pick(language) or place.address,
            "name": {**place.name.to_dict(), "pinyin": place.pinyin},
            "kind": place.kind,
            "kind_title": title.to_dict(),
            "address": place.address,
            "town": None if town is None else {**town.name.to_dict(), "code": town.code},
            "line": _line(place, town, city, language),
            "layer": place.layer_id,
            "feature": place.feature_id,
            "href": base + item_path(place.layer_id, place.feature_id),
            "also": [{"layer": layer, "feature": feature} for layer, feature in place.also],
            "distance_m": place.distance_m,
            "score": place.score,
            "matched": {"how": place.how.value, "text": place.matched, "highlight": place.highlight},
            "formerly": place.formerly,
        },
    }


def surroundings_feature(found: Surroundings, city: City, *, base: str, language: str) -> Json:
    """What lies at a point as a GeoJSON feature of that point."""
    parts = {
        name: _part(getattr(found, name), base, language)
        for name in ("town", "community", "cell", "road", "address", "poi")
    }
    town = found.town.name.pick(language) if found.town else ""
    road = found.road.name.pick(language) if found.road else ""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [found.lon, found.lat]},
        "properties": {
            "inside": found.inside,
            "message": None if found.inside else _outside(city),
            "city": {**city.name.to_dict(), "code": city.code} if found.inside else None,
            "line": " · ".join(part for part in (city.name.pick(language), town, road) if part) if found.inside else "",
            **parts,
        },
    }


def highlighted_parts(text: str, stretches: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """A text in pieces, each with whether it is marked."""
    pieces: list[tuple[str, bool]] = []
    place = 0
    for start, end in stretches:
        pieces += [(text[place:start], False), (text[start:end], True)]
        place = end
    return [piece for piece in [*pieces, (text[place:], False)] if piece[0]]


def _line(place: Place, town: Town | None, city: City, language: str) -> str:
    """City, town and address in one line: 胶州市 · 阜安街道; what the name itself says is not said again."""
    known = [city.name.pick(language), "" if town is None else town.name.pick(language), place.address]
    own = place.name.pick(language)
    return " · ".join(part for part in dict.fromkeys(known) if part and part != own)


def _part(part: Any, base: str, language: str) -> Json | None:
    if part is None:
        return None
    values: Mapping[str, Any] = asdict(part)
    document: Json = {key: value for key, value in values.items() if key not in ("layer_id", "feature_id")}
    if isinstance(part, Neighbour) and not (part.side.zh or part.side.en):
        document["side"] = None
    named = part.name if isinstance(part.name, str) else part.name.pick(language)
    return {
        "title": named or document.get("address") or document.get("code") or part.feature_id,
        **document,
        "layer": part.layer_id,
        "feature": part.feature_id,
        "href": base + item_path(part.layer_id, part.feature_id),
    }


def _outside(city: City) -> Json:
    return {
        "zh": f"此点不在{city.name.zh}范围内。",
        "en": f"This point lies outside of {city.name.en}.",
        "bounds": list(city.bounds.as_tuple()),
    }
