"""What the metadata resources say: landing page, conformance, collections, queryables. Plain documents, no HTTP.

Source: OGC 17-069r4 (7.2 to 7.14), 18-058r1 (6), 19-079r2 (6).
"""

from __future__ import annotations

from typing import Any

from api.crs_edge import OFFERED, STORAGE_CRS
from api.links import Link, link
from api.negotiation import CSV, FLATGEOBUF, GEOJSON, GEOPACKAGE, HTML, PARQUET
from layers.lineage import LINEAGE, lineage_statement
from twin.crs import CRS84
from twin.schema import GeometryType, Property
from twin.store.port import LayerRecord
from twin.text import LocalText

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
OPENAPI_JSON = "application/vnd.oai.openapi+json;version=3.0"
TILEJSON = "application/json"

_SPEC = "http://www.opengis.net/spec/"
FEATURE_CLASSES = tuple(
    _SPEC + name
    for name in (
        "ogcapi-common-1/1.0/conf/core",
        "ogcapi-common-1/1.0/conf/landing-page",
        "ogcapi-common-1/1.0/conf/html",
        "ogcapi-common-1/1.0/conf/json",
        "ogcapi-common-1/1.0/conf/oas30",
        "ogcapi-common-2/1.0/conf/collections",
        "ogcapi-features-1/1.0/conf/core",
        "ogcapi-features-1/1.0/conf/geojson",
        "ogcapi-features-1/1.0/conf/html",
        "ogcapi-features-1/1.0/conf/oas30",
        "ogcapi-features-2/1.0/conf/crs",
        "ogcapi-features-3/1.0/conf/queryables",
        "ogcapi-features-3/1.0/conf/queryables-query-parameters",
        "ogcapi-features-3/1.0/conf/filter",
        "ogcapi-features-3/1.0/conf/features-filter",
        "ogcapi-features-4/1.0/conf/create-replace-delete",
        "ogcapi-features-4/1.0/conf/update",
        "ogcapi-features-4/1.0/conf/features",
        "cql2/1.0/conf/cql2-text",
        "cql2/1.0/conf/cql2-json",
        "cql2/1.0/conf/basic-cql2",
        "cql2/1.0/conf/advanced-comparison-operators",
        "cql2/1.0/conf/case-insensitive-comparison",
        "cql2/1.0/conf/accent-insensitive-comparison",
        "cql2/1.0/conf/basic-spatial-functions",
        "cql2/1.0/conf/basic-spatial-functions-plus",
        "cql2/1.0/conf/spatial-functions",
        "cql2/1.0/conf/temporal-functions",
        "cql2/1.0/conf/property-property",
        "cql2/1.0/conf/arithmetic",
    )
)


def both(text: LocalText) -> str:
    """Both languages in one line, for documents that have one title: `路灯 Street lights`."""
    return text.zh if text.zh == text.en else " ".join(part for part in (text.zh, text.en) if part)


def layer_title(record: LayerRecord) -> LocalText:
    """The layer's title; its id where the manifest gives none."""
    title = LocalText.parse(record.document.get("title"))
    return title if title.zh or title.en else LocalText(record.id, record.id)


def collection_document(record: LayerRecord, base: str) -> dict[str, Any]:
    """A collection: what it holds, where, in which reference systems, and the way to everything about it."""
    document: dict[str, Any] = {
        "id": record.id,
        "title": both(layer_title(record)),
        "description": both(LocalText.parse(record.document.get("description"))),
        "itemType": "feature",
        "crs": list(OFFERED),
        "storageCrs": STORAGE_CRS,
        "links": collection_links(record, base),
    }
    document |= {
        key: value for key in ("attribution", "department", "vertical_datum") if (value := record.document.get(key))
    }
    if statement := both(lineage_statement(record.document.get(LINEAGE, ()))):
        document["lineage"] = statement
    if record.bounds is not None:
        document["extent"] = {"spatial": {"bbox": [list(record.bounds.as_tuple())], "crs": CRS84}}
    return document


def collection_links(record: LayerRecord, base: str) -> list[Link]:
    """Links from a collection to its items, descriptions and tiles (`self` and `alternate` are the caller's)."""
    here = f"{base}/collections/{record.id}"
    items = [
        link(f"{here}/items?f={offer.name}", "items", offer.media_type, f"{both(layer_title(record))}: {offer.title}")
        for offer in (GEOJSON, HTML, CSV, FLATGEOBUF, PARQUET, GEOPACKAGE)
    ]
    # Test suites and clients follow the plain address of the GeoJSON items.
    items[0]["href"] = f"{here}/items"
    return [
        *items,
        link(f"{here}/changes", "version-history", "application/json", "变更记录 Changes"),
        link(f"{here}/queryables", REL + "queryables", "application/schema+json", "可查询属性 Queryables"),
        link(f"{here}/sortables", REL + "sortables", "application/schema+json", "可排序属性 Sortables"),
        link(f"{here}/schema", REL + "schema", "application/schema+json", "数据结构 Schema"),
        link(f"{here}/tiles", REL + "tilesets-vector", "application/json", "矢量瓦片 Vector tiles"),
        link(f"{here}/tilejson.json", "describedby", TILEJSON, "TileJSON"),
        link(f"{base}/styles/{record.id}", REL + "styles", "application/json", "样式 MapLibre style"),
        link(f"{base}/view?layers={record.id}", "preview", "text/html", "看地图 View"),
    ]


def landing_links(base: str) -> list[Link]:
    """Links from the landing page (`self` and `alternate` are the caller's)."""
    return [
        link(f"{base}/api", "service-desc", OPENAPI_JSON, "OpenAPI 3.0"),
        link(f"{base}/docs", "service-doc", "text/html", "接口说明 API documentation"),
        link(f"{base}/conformance", "conformance", "application/json", "符合性 Conformance"),
        link(f"{base}/conformance", REL + "conformance", "application/json", "符合性 Conformance"),
        link(f"{base}/collections", "data", "application/json", "图层 Collections"),
        link(f"{base}/collections", REL + "data", "application/json", "图层 Collections"),
        link(f"{base}/tileMatrixSets", REL + "tiling-schemes", "application/json", "瓦片方案 Tile matrix sets"),
        link(f"{base}/tiles", REL + "tilesets-vector", "application/json", "矢量瓦片 Vector tiles"),
        link(f"{base}/styles/onemap", REL + "styles", "application/json", "一张图样式 Style of the fused map"),
        link(f"{base}/layers", "describedby", "application/json", "图层目录 Catalogue of layers"),
        link(f"{base}/processes", REL + "processes", "application/json", "空间分析 Processes"),
        link(f"{base}/jobs", REL + "job-list", "application/json", "分析任务 Jobs"),
        link(f"{base}/basemap/releases", "related", "application/json", "基准底图版本 Releases of the base map"),
        link(f"{base}/geovolumes", "related", "application/json", "三维数据接口 OGC API - 3D GeoVolumes"),
        link(f"{base}/view", "preview", "text/html", "看地图 The map"),
    ]


def schema_document(record: LayerRecord, here: str, *, role: str) -> dict[str, Any]:
    """The properties of a layer as JSON Schema.

    Args:
        role: "queryables" (what filters may name), "sortables" (what sortby may name) or "schema" (what features hold).
    """
    properties: dict[str, Any] = {entry.name: property_schema(entry) for entry in record.schema}
    if role != "sortables":
        properties = {"geometry": geometry_schema(record.schema.geometry_type), **properties}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": here,
        "type": "object",
        "title": both(layer_title(record)),
        "description": both(LocalText.parse(record.document.get("description"))),
        "properties": properties,
        "additionalProperties": False,
    }
    if role == "schema":
        required = [entry.name for entry in record.schema if entry.required]
        document |= {"required": required} if required else {}
    return document


def property_schema(entry: Property) -> dict[str, Any]:
    """One property with its titles in both languages, its unit and its codes."""
    document: dict[str, Any] = {**entry.type.json_schema, "title": both(entry.title) or entry.name}
    if entry.title.zh or entry.title.en:
        document["x-onemap-title"] = entry.title.to_dict()
    if entry.unit:
        document["x-ogc-unit"] = entry.unit
    if text := both(entry.description):
        document["description"] = text
    if entry.codes:
        document["enum"] = [code.value for code in entry.codes]
        document["x-onemap-codes"] = {str(code.value): code.title.to_dict() for code in entry.codes}
    return document


def geometry_schema(kind: GeometryType) -> dict[str, Any]:
    """The geometry of a layer. Source: OGC 23-058r2, formats `geometry-…`."""
    name = "any" if kind is GeometryType.GEOMETRY else kind.value.lower()
    return {"title": "几何 Geometry", "format": f"geometry-{name}", "x-ogc-role": "primary-geometry"}
