"""Three layers that carry codes, so small that every test knows which code holds which place, and a boundary that moves with the year."""

from __future__ import annotations

from datetime import UTC, datetime

import shapely

from twin.feature import Feature, FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store

MOVED = datetime(2025, 1, 1, tzinfo=UTC)
COUNTY = shapely.box(119.9, 36.2, 120.1, 36.4)
# The border between the two towns ran along 120.00° E until 2025, and along 120.02° E since.
WEST_BEFORE, EAST_BEFORE = shapely.box(119.9, 36.2, 120.0, 36.3), shapely.box(120.0, 36.2, 120.1, 36.3)
WEST, EAST = shapely.box(119.9, 36.2, 120.02, 36.3), shapely.box(120.02, 36.2, 120.1, 36.3)
CELLS = {
    "370281001001001": shapely.box(119.95, 36.25, 119.96, 36.26),
    "370281001001002": shapely.box(119.96, 36.25, 119.97, 36.26),
    "370281001002001": shapely.box(119.97, 36.25, 119.98, 36.26),
}
LAMP = "37028101037000001"

_DISTRICTS = (
    Feature("county", COUNTY, {"code": "370281", "name": "胶州市"}),
    Feature(
        "w0", WEST_BEFORE, {"code": "370281001", "name": "旧西"}, valid_to=MOVED.replace(year=2024, month=12, day=31)
    ),
    Feature(
        "e0", EAST_BEFORE, {"code": "370281002", "name": "旧东"}, valid_to=MOVED.replace(year=2024, month=12, day=31)
    ),
    Feature("w1", WEST, {"code": "370281001", "name": "阜安街道"}, valid_from=MOVED),
    Feature("e1", EAST, {"code": "370281999", "name": "新东镇"}, valid_from=MOVED),
    Feature("zone", COUNTY, {"code": "370281400", "name": "开发区"}),
    Feature("odd", COUNTY, {"code": "not a code", "name": "怪"}),
    Feature("none", COUNTY, {"code": None, "name": "无"}),
)


def with_codes(store: Store) -> Store:
    """The store with districts, grid-cells and facilities."""
    _write(store, "districts", GeometryType.MULTIPOLYGON, ("code", "name"), list(_DISTRICTS))
    cells = [Feature(code, shape, {"code": code, "name": f"第{code[-3:]}网格"}) for code, shape in CELLS.items()]
    _write(store, "grid-cells", GeometryType.POLYGON, ("code", "name"), cells)
    lamp = Feature(LAMP, shapely.Point(119.955, 36.255), {"code": LAMP, "name": "路灯"})
    _write(store, "facilities", GeometryType.POINT, ("code", "name"), [lamp])
    return store


def _write(store: Store, layer: str, kind: GeometryType, names: tuple[str, ...], features: list[Feature]) -> None:
    schema = Schema(kind, tuple(Property(name, PropertyType.STRING) for name in names))
    spec = LayerSpec(layer, schema, {"id": layer, "title": {"zh": layer, "en": layer}, "department": "basemap"})
    with store.write(layer, Author("test"), create=spec) as writer:
        writer.upsert(FeatureBatch.of(schema, features))
