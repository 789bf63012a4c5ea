"""Codes as GeoJSON features and as rows of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import orjson
import shapely

from twin.codes.classes import ClassCatalogue
from twin.codes.division_store import RecordedEdition
from twin.codes.port import CodeReading
from twin.codes.systems import CodeSystems
from twin.text import LocalText

Json = dict[str, Any]


def code_address(base: str, code: str) -> str:
    """Address of a code."""
    return f"{base}/codes/{quote(code, safe='')}"


def feature_of(reading: CodeReading, base: str) -> Json:
    """A reading as a GeoJSON feature; its height range and everything else stand in the properties."""
    geometry = None if reading.geometry is None else orjson.Fragment(shapely.to_geojson(reading.geometry))
    properties: Json = {
        "system": reading.system,
        "code": reading.code,
        "title": reading.title.to_dict(),
        "place": "known" if reading.geometry is not None else "unknown",
        **reading.details,
    }
    if reading.height_range_m is not None:
        properties["height_range_m"] = list(reading.height_range_m)
    href = f"{code_address(base, reading.code)}?system={reading.system}"
    return {
        "type": "Feature",
        "id": f"{reading.system}:{reading.code}",
        "geometry": geometry,
        "properties": properties,
        "links": [{"href": href, "rel": "self", "type": "application/geo+json"}],
    }


def collection_of(readings: Sequence[CodeReading], base: str, **more: Any) -> Json:
    """Several readings as a FeatureCollection."""
    features = [feature_of(reading, base) for reading in readings]
    return {"type": "FeatureCollection", "numberReturned": len(features), **more, "features": features}


def with_addresses(document: Json, base: str) -> Json:
    """The codes of a place, each with its address."""
    addressed = {**document}
    for part in ("sheets", "beidou", "beidou_3d"):
        codes = document[part].get("codes")
        if codes is not None:
            entries = [{**entry, "href": code_address(base, entry["code"])} for entry in codes]
            addressed[part] = {**document[part], "codes": entries}
    for part in ("divisions", "community", "unit_grid"):
        if "code" in document[part]:
            addressed[part] = {**document[part], "href": code_address(base, document[part]["code"])}
    return addressed


def systems_document(systems: CodeSystems, classes: ClassCatalogue, base: str) -> Json:
    """What code systems there are, and which editions of component and matter classes."""
    return {
        "systems": [
            {
                "id": system.id,
                "title": system.title.to_dict(),
                "standard": system.standard,
                "form": system.form.to_dict(),
                "example": {"code": system.example, "href": code_address(base, system.example)},
            }
            for system in systems.systems.values()
        ],
        "class_editions": [edition.to_dict() for edition in classes.editions.values()],
    }


def edition_document(recorded: RecordedEdition) -> Json:
    """An edition of the division list."""
    head = recorded.head
    return {
        "edition": head.id,
        "valid_from": head.valid_from.isoformat(),
        "valid_to": None if head.valid_to is None else head.valid_to.isoformat(),
        "source": head.source,
        "begun": recorded.begun,
        "ended": recorded.ended,
        "recorded_at": recorded.recorded_at,
        "author": recorded.author,
    }


# -- pages ---------------------------------------------------------------------------------------------------------------

_PLACE_GROUPS = (
    ("sheets", LocalText("图幅", "Map sheets")),
    ("beidou", LocalText("北斗网格位置码", "BeiDou grid")),
    ("beidou_3d", LocalText("北斗三维网格位置码", "BeiDou grid with height")),
)
_CODE_GROUPS = (
    ("divisions", LocalText("行政区划", "Administrative division")),
    ("community", LocalText("社区", "Community")),
    ("unit_grid", LocalText("单元网格", "Unit grid cell")),
)
_WORDS = {
    "level": LocalText("级别", "Level"),
    "scale": LocalText("比例尺", "Scale"),
    "cell_size": LocalText("格网大小", "Cell size"),
    "kind": LocalText("类型", "Kind"),
    "edition": LocalText("版本", "Edition"),
    "county": LocalText("区县", "County"),
    "town": LocalText("街道（镇）", "Town"),
    "community": LocalText("社区", "Community"),
    "sequence": LocalText("顺序号", "Sequence"),
    "statistical": LocalText("统计单元", "Statistical unit only"),
    "at": LocalText("日期", "On"),
    "chain": LocalText("隶属", "Belongs to"),
    "children": LocalText("下级", "Consists of"),
    "history": LocalText("沿革", "History"),
    "class": LocalText("类别", "Class"),
    "findings": LocalText("检查", "Findings"),
    "neighbours": LocalText("相邻图幅", "Neighbours"),
    "features": LocalText("图层要素", "Feature of a layer"),
    "major": LocalText("大类", "Major"),
    "minor": LocalText("小类", "Minor"),
}


def place_rows(document: Json) -> Iterator[Json]:
    """The codes of a place as rows (heading, words, code, address, remark) for the page."""
    for entry in document["projected"]:
        text = (
            f"X (N) {entry['northing_m']:.3f} m, Y (E) {entry['easting_m']:.3f} m" if entry["status"] == "known" else ""
        )
        yield _row(LocalText("平面坐标", "Plane coordinates"), entry["crs"], text, remark=entry.get("reason"))
    for part, heading in _PLACE_GROUPS:
        for entry in document[part].get("codes", ()):
            words = entry.get("scale") or f"{entry['level']} · {entry.get('cell_size', '')}".rstrip(" ·")
            yield _row(heading, words, entry["code"], entry["href"])
        if document[part]["status"] == "unknown":
            yield _row(heading, "", "", remark=document[part]["reason"])
    for part, heading in _CODE_GROUPS:
        known = document[part]
        if known["status"] == "unknown":
            yield _row(heading, "", "", remark=known["reason"])
            continue
        names = " / ".join(_both(LocalText.parse(d["name"])) for d in known.get("chain", ())) or known.get("name", "")
        yield _row(heading, names, known["code"], known["href"])


def code_rows(reading: CodeReading) -> list[tuple[LocalText, str]]:
    """What a code says, as (heading, words) for the page."""
    rows = [(LocalText("体系", "System"), reading.system), (LocalText("代码", "Code"), reading.code)]
    if reading.geometry is not None:
        west, south, east, north = reading.geometry.bounds
        rows.append((LocalText("范围", "Extent"), f"{west:.8f}, {south:.8f} – {east:.8f}, {north:.8f}"))
    if reading.height_range_m is not None:
        low, high = reading.height_range_m
        rows.append((LocalText("大地高", "Height above the ellipsoid"), f"{low:.3f} – {high:.3f} m"))
    for name, value in reading.details.items():
        if name in _WORDS and value not in (None, [], {}, ""):
            rows.append((_WORDS[name], _words(value)))
    return rows


def _row(heading: LocalText, words: str, code: str, href: str = "", remark: Json | None = None) -> Json:
    return {
        "heading": heading,
        "words": words,
        "code": code,
        "href": href,
        "remark": "" if remark is None else _both(LocalText.parse(remark)),
    }


def _words(value: Any) -> str:
    """A detail as a person reads it."""
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, list):
        return "; ".join(_words(entry) for entry in value)
    if not isinstance(value, dict):
        return str(value)
    if set(value) == {"zh", "en"}:
        return _both(LocalText.parse(value))
    if "problem" in value:
        return f"{value['where']}: {value['problem']}"
    if "name" in value and isinstance(value["name"], dict):
        dates = f" {value['valid_from']} – {value['valid_to'] or '…'}" if "valid_from" in value else ""
        return f"{value.get('code') or value.get('major', '') + value.get('minor', '')} {_both(LocalText.parse(value['name']))}{dates}"
    return ", ".join(f"{key} {_words(entry)}" for key, entry in value.items())


def _both(text: LocalText) -> str:
    return " · ".join(dict.fromkeys(part for part in (text.zh, text.en) if part))
