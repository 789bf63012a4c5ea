"""Five layers made of a few shapes around the centre of Jiaozhou, so that every test knows what lies where."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

LON, LAT = 120.0046, 36.2788
STEP = 0.002


def small_town_manifests() -> list[Json]:
    """Manifests with inline features: blocks, streets, names (base map); lamps, zones (departments)."""
    return [_buildings(), _streets(), _places(), _lamps(), _zones()]


def square(lon: float, lat: float, size: float) -> list[list[list[float]]]:
    """A closed ring of `size` degrees around a point."""
    half = size / 2
    corners = ((-half, -half), (half, -half), (half, half), (-half, half), (-half, -half))
    return [[[lon + dx, lat + dy] for dx, dy in corners]]


def _feature(number: int | str, shape: str, coordinates: Any, **properties: Any) -> Json:
    geometry = {"type": shape, "coordinates": coordinates}
    return {"type": "Feature", "id": str(number), "geometry": geometry, "properties": properties}


def _manifest(layer_id: str, title: tuple[str, str], department: str, features: list[Json], **more: Any) -> Json:
    return {
        "id": layer_id,
        "title": {"zh": title[0], "en": title[1]},
        "department": department,
        "owner": "Test bureau",
        "licence": "CC0-1.0",
        "attribution": "Made up",
        "crs": "EPSG:4490",
        "source": {"type": "inline", "features": {"type": "FeatureCollection", "features": features}},
        **more,
    }


def _property(name: str, kind: str, zh: str, en: str, **more: Any) -> Json:
    return {"name": name, "type": kind, "title": {"zh": zh, "en": en}, **more}


def _buildings() -> Json:
    features = [
        _feature(
            i * 10 + j,
            "Polygon",
            square(LON + (i - 4.5) * STEP, LAT + (j - 4.5) * STEP, 0.0012),
            name=f"楼{i}{j}",
            height_m=6.0 + 3 * i,
        )
        for i in range(10)
        for j in range(10)
    ]
    style = {
        "kind": "fill",
        "color": "#c9bfb0",
        "color_dark": "#4a5058",
        "outline": "#8d8373",
        "extrude": {"property": "height_m"},
    }
    schema = [
        _property("name", "string", "名称", "Name"),
        _property("height_m", "number", "高度", "Height", unit="m"),
    ]
    return _manifest(
        "blocks", ("楼栋", "Blocks"), "basemap", features, schema=schema, geometry_type="Polygon", style=style, order=60
    )


def _streets() -> Json:
    features = [
        _feature(
            i,
            "LineString",
            [[LON - 0.011, LAT + (i - 5) * STEP], [LON + 0.011, LAT + (i - 5) * STEP]],
            name=f"测试{i}路",
            kind="primary" if i == 5 else "residential",
        )
        for i in range(11)
    ]
    style = {
        "kind": "line",
        "color": "#ffffff",
        "outline": "#b0a89a",
        "width_by": {"property": "kind", "values": {"primary": 4, "residential": 2}},
        "label": {"property": "name", "min_zoom": 13},
    }
    schema = [_property("name", "string", "名称", "Name"), _property("kind", "string", "类别", "Kind")]
    return _manifest(
        "streets",
        ("街道", "Streets"),
        "basemap",
        features,
        schema=schema,
        geometry_type="LineString",
        style=style,
        order=40,
    )


def _places() -> Json:
    features = [
        _feature(1, "Point", [LON + 0.001, LAT + 0.001], name="阜安街道", name_en="Fu'an", rank=2),
        _feature(2, "Point", [LON + 0.0011, LAT + 0.001], name="遮挡村", name_en="Hidden village", rank=3),
    ]
    schema = [
        _property("name", "string", "名称", "Name"),
        _property("name_en", "string", "英文名", "English name"),
        _property("rank", "integer", "级别", "Rank"),
    ]
    label = {"property": "name", "size_px": 14, "priority_property": "rank", "min_zoom": 6}
    return _manifest(
        "places",
        ("地名", "Place names"),
        "basemap",
        features,
        schema=schema,
        geometry_type="Point",
        style={"kind": "label", "label": label},
        order=95,
    )


def _lamps() -> Json:
    status = ("ok", "fault", None)
    features = [
        _feature(f"lamp/{i}", "Point", [LON + (i - 10) * 0.001, LAT + 0.0052], status=status[i % 3], power_w=60 + i)
        for i in range(21)
    ]
    schema = [
        _property(
            "status",
            "string",
            "状态",
            "Status",
            codes=[
                {"value": "ok", "title": {"zh": "正常", "en": "Working"}},
                {"value": "fault", "title": {"zh": "故障", "en": "Faulty"}},
            ],
        ),
        _property("power_w", "integer", "功率", "Power", unit="W"),
        _property("lit_since", "date", "启用日期", "Lit since"),
    ]
    style = {
        "kind": "circle",
        "radius_px": 9,
        "icon": "lamp",
        "outline": "#ffffff",
        "color_by": {"property": "status", "values": {"ok": "#2e7d32", "fault": "#c62828"}, "default": "#9e9e9e"},
        "min_zoom": 5,
    }
    return _manifest(
        "lamps",
        ("路灯", "Street lamps"),
        "municipal-works",
        features,
        schema=schema,
        geometry_type="Point",
        style=style,
        department_title={"zh": "市政公用", "en": "Municipal works"},
        order=140,
    )


def _zones() -> Json:
    style = {"kind": "fill", "color": "#7a5c99", "opacity": 0.6, "outline": "#4f3870", "min_zoom": 5}
    return _manifest(
        "zones",
        ("网格", "Zones"),
        "grid-governance",
        [_feature(1, "Polygon", square(LON, LAT - 0.006, 0.004), code="Z1")],
        schema=[_property("code", "string", "编码", "Code")],
        geometry_type="Polygon",
        style=style,
        visible=False,
        department_title={"zh": "网格治理", "en": "Grid governance"},
        order=110,
    )
