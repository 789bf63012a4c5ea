"""The OpenAPI document: what FastAPI knows of the routes, brought to version 3.0.3, which is what OGC's test suites read.

FastAPI writes 3.1 (JSON Schema 2020-12); here its schemas are put in the older words.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request

from api.deps import parts_of
from api.documents import OPENAPI_JSON
from api.links import base_url
from api.negotiation import HTML, Format
from api.operation import ITEMS_PATH, PROBLEM_SCHEMA, problems
from api.routes.health import software_version
from api.settings import Settings

OPENAPI = Format("json", OPENAPI_JSON, "OpenAPI 3.0", also=("application/json", "application/vnd.oai.openapi+json"))
OPENAPI_FORMATS = (OPENAPI, HTML)

TAG_TITLES = {
    "service": "服务 Service",
    "collections": "图层 Collections",
    "features": "要素 Features",
    "relations": "关联 Relations",
    "tiles": "瓦片 Tiles",
    "styles": "样式 Styles",
    "scenes": "三维场景 Scenes",
    "geovolumes": "三维数据接口 3D GeoVolumes",
    "places": "地名 Places",
    "layers": "图层注册 Layer registry",
    "processes": "空间分析 Analyses",
    "page": "地图页面 The page",
}
METHODS = ("get", "put", "post", "patch", "delete")
# Keywords of JSON Schema 2020-12 that 3.0 does not know and that only narrow what is allowed.
_UNKNOWN_TO_30 = (
    "$schema",
    "$id",
    "contentMediaType",
    "contentEncoding",
    "propertyNames",
    "patternProperties",
    "unevaluatedProperties",
    "dependentRequired",
    "if",
    "then",
    "else",
    "$comment",
)


def openapi_document(request: Request) -> dict[str, Any]:
    """The document with this server's address in it."""
    state = request.app.state
    if getattr(state, "openapi_30", None) is None:
        state.openapi_30 = _build(request)
    return {**state.openapi_30, "servers": [{"url": base_url(request)}]}


def openapi_bytes(request: Request) -> bytes:
    return orjson.dumps(openapi_document(request))


def operations_by_tag(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Operations in the order of the document, grouped for the human page."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                tag = (operation.get("tags") or ["other"])[0].lower()
                groups.setdefault(TAG_TITLES.get(tag, tag), []).append(
                    {"method": method.upper(), "path": path, **operation}
                )
    return groups


def _build(request: Request) -> dict[str, Any]:
    settings = parts_of(request).settings
    document = get_openapi(
        title=f"{settings.title_zh} {settings.title_en}",
        version=software_version(),
        openapi_version="3.1.0",
        description="参考底图、部门图层与统一视图。 A reference base map, department layers and one fused view.",
        routes=request.app.routes,
    )
    document["openapi"] = "3.0.3"
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                _finish_operation(item[method])
                _declare_path_parameters(path, item[method])
    _tell_limits(document["paths"][ITEMS_PATH]["get"], settings)
    converted: dict[str, Any] = to_30(document)
    return converted


def _tell_limits(operation: dict[str, Any], settings: Settings) -> None:
    """The operator's page sizes in the description of `limit`; the declared values are shared and stay as they are."""
    page_size = {"type": "integer", "minimum": 1, "maximum": settings.limit_max, "default": settings.limit_default}
    operation["parameters"] = [
        {**parameter, "schema": page_size} if parameter["name"] == "limit" else parameter
        for parameter in operation["parameters"]
    ]


def _finish_operation(operation: dict[str, Any]) -> None:
    """Every operation tells its errors in our shape, and says nothing twice."""
    answers = operation["responses"]
    validation = answers.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if str(validation.get("$ref", "")).endswith("HTTPValidationError"):
        del answers["422"]
        statuses = (400, 422) if "requestBody" in operation else (400,)
        answers |= {status: text for status, text in problems(*statuses).items() if status not in answers}
    answers |= {status: text for status, text in problems().items() if status not in answers}
    if "{" in operation.get("operationId", ""):
        operation["operationId"] = operation["operationId"].replace("{", "").replace("}", "")
    empty = answers.get("200", {}).get("description") == "Successful Response"
    if empty and any(status.startswith("2") and status != "200" for status in answers):
        del answers["200"]  # FastAPI adds an empty 200 to routes that describe another good answer by hand


def _declare_path_parameters(path: str, operation: dict[str, Any]) -> None:
    """Parameters that stand in the path and that no signature names."""
    declared = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
    missing = [name for name in re.findall(r"\{(\w+)\}", path) if name not in declared]
    if missing:
        operation["parameters"] = [
            *operation.get("parameters", []),
            *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in missing),
        ]


def to_30(node: Any) -> Any:
    """A document of OpenAPI 3.1 in the words of 3.0. Pure; names of properties are not keywords and stay."""
    if isinstance(node, list):
        return [to_30(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _members(key, value) for key, value in _schema_to_30(node).items()}


def _members(key: str, value: Any) -> Any:
    if key in ("properties", "examples", "example", "default", "enum") and isinstance(value, dict):
        return {name: to_30(item) for name, item in value.items()} if key == "properties" else value
    return to_30(value)


def _schema_to_30(node: dict[str, Any]) -> dict[str, Any]:
    """One object of the document with its own keywords translated."""
    made = dict(node)
    _nullable(made)
    if "const" in made:
        made["enum"] = [made.pop("const")]
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(bound), int | float) and not isinstance(made[bound], bool):
            made[limit], made[bound] = made[bound], True
    if "prefixItems" in made:
        kinds = made.pop("prefixItems")
        made["items"] = kinds[0] if all(kind == kinds[0] for kind in kinds) else {}
    if isinstance(made.get("examples"), list):
        examples = made.pop("examples")
        if examples:
            made.setdefault("example", examples[0])
    if made.get("contentMediaType") == "application/octet-stream":
        made["format"] = "binary"
    if made.get("type") == "array":
        made.setdefault("items", {})
    for keyword in _UNKNOWN_TO_30:
        made.pop(keyword, None)
    return made


def _nullable(made: dict[str, Any]) -> None:
    """`null` as a type becomes `nullable`."""
    kinds = made.get("type")
    if isinstance(kinds, list):
        rest = [kind for kind in kinds if kind != "null"]
        if len(rest) < len(kinds):
            made["nullable"] = True
        made.pop("type")
        if len(rest) == 1:
            made["type"] = rest[0]
        elif rest:
            made["anyOf"] = [{"type": kind} for kind in rest]
    for union in ("anyOf", "oneOf"):
        branches = made.get(union)
        if not isinstance(branches, list):
            continue
        rest = [branch for branch in branches if branch != {"type": "null"}]
        if len(rest) == len(branches):
            continue
        made["nullable"] = True
        if len(rest) == 1 and "$ref" not in rest[0]:
            made.pop(union)
            made |= {key: value for key, value in rest[0].items() if key not in made}
        elif len(rest) == 1:
            made.pop(union)
            made["allOf"] = rest
        else:
            made[union] = rest
