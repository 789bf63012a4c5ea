"""A small base map with one known fault: nine blocks in a city, streets between them, two houses of which one is in the road."""

from __future__ import annotations

from typing import Any

from small_town import LAT, LON, square

Json = dict[str, Any]
STEP = 0.001


def base_map_manifests() -> list[Json]:
    """Manifests with inline features: districts, roads, buildings (base map); lamps of another department."""
    edge = [LON + i * STEP for i in range(4)], [LAT + i * STEP for i in range(4)]
    city = _polygon("1", _ring(edge[0][0], edge[1][0], edge[0][3], edge[1][3]), kind="city", name="胶州市")
    towns = [
        _polygon(str(2 + i), _ring(edge[0][i], edge[1][0], edge[0][i + 1], edge[1][3]), kind="town", name=f"镇{i}")
        for i in range(3)
    ]
    roads = [
        _line(f"R{i}", [[edge[0][0], edge[1][i]], [edge[0][3], edge[1][i]]], name=f"路{i}", bridge=False)
        for i in (1, 2)
    ]
    houses = [
        _polygon("H1", square(LON + 0.5 * STEP, LAT + 0.5 * STEP, 0.0002), name="楼一", height_m=9.0),
        _polygon("H2", square(LON + 1.5 * STEP, LAT + STEP, 0.0002), name="楼二", height_m=12.0),
    ]
    lamps = [
        {"type": "Feature", "id": "L1", "geometry": {"type": "Point", "coordinates": [LON, LAT]}, "properties": {}}
    ]
    return [
        _manifest("districts", "行政区划", "Districts", "basemap", "Polygon", ("name", "kind"), [city, *towns]),
        _manifest("roads", "道路", "Roads", "basemap", "LineString", ("name", "bridge"), roads) | {"accuracy_m": 0.5},
        _manifest("buildings", "建筑", "Buildings", "basemap", "Polygon", ("name", "height_m"), houses)
        | {"crs": "EPSG:4490", "vertical_datum": "EPSG:5737", "vertical_accuracy_m": 0.2},
        _manifest("lamps", "路灯", "Lamps", "municipal-works", "Point", (), lamps),
    ]


def _manifest(
    layer_id: str, zh: str, en: str, department: str, kind: str, names: tuple[str, ...], features: list[Json]
) -> Json:
    types = {"bridge": "boolean", "height_m": "number"}
    return {
        "id": layer_id,
        "title": {"zh": zh, "en": en},
        "department": department,
        "owner": "Survey",
        "licence": "CC0-1.0",
        "crs": "EPSG:4490",
        "geometry_type": kind,
        "schema": [{"name": name, "type": types.get(name, "string")} for name in names],
        "source": {"type": "inline", "features": {"type": "FeatureCollection", "features": features}},
    }


def _ring(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _polygon(id_: str, coordinates: Any, **properties: Any) -> Json:
    geometry = {"type": "Polygon", "coordinates": coordinates}
    return {"type": "Feature", "id": id_, "geometry": geometry, "properties": properties}


def _line(id_: str, coordinates: Any, **properties: Any) -> Json:
    geometry = {"type": "LineString", "coordinates": coordinates}
    return {"type": "Feature", "id": id_, "geometry": geometry, "properties": properties}
