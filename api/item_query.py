"""What a request for items asks for: query string and headers in, one frozen value out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2s
from typing import Any

import orjson
from starlette.requests import Request

from api.crs_edge import EdgeCRS, edge_crs
from api.deps import parts_of
from api.errors import BadParameterError
from api.moments import parse_moment
from api.negotiation import GEOJSON, HTML, ITEMS, Format, negotiate
from api.paging import decode_token
from api.parameters import (
    equality_filters,
    parse_bbox,
    parse_flag,
    parse_limit,
    parse_names,
    parse_sortby,
    queryable_names,
    read_parameters,
)
from api.settings import Settings
from twin.bounds import Bounds
from twin.cql2 import check_filter, parse_filter
from twin.crs import CRS84
from twin.errors import BadFilterError
from twin.moment import resolve_as_of
from twin.query import FeatureQuery
from twin.schema import Schema
from twin.store.port import LayerRecord

PARAMETERS = frozenset(
    (
        "f",
        "limit",
        "bbox",
        "bbox-crs",
        "crs",
        "as_of",
        "datetime",
        "filter",
        "filter-lang",
        "filter-crs",
        "sortby",
        "properties",
        "skipGeometry",
        "token",
    )
)
# Parameters that choose which features and in which order: a paging token is bound to them.
_SELECTING = ("bbox", "bbox-crs", "as_of", "datetime", "filter", "filter-lang", "filter-crs", "sortby")
PAGED = (GEOJSON, HTML)
FILTER_LANGUAGES = ("cql2-text", "cql2-json")


@dataclass(frozen=True, slots=True)
class ItemsRequest:
    """One request for the items of a collection.

    Attributes:
        record: The collection.
        query: What to read, position and limit included; `properties` also holds the sort keys.
        shown: Properties to show, or None for all.
        crs: System of the answer.
        format: Representation of the answer.
        limited: Whether the client named a limit itself.
        selection: Text that stands for the selection and order, to bind paging tokens to.
        parameters: The query parameters, for links.
        settled: The same with `as_of` as the version that it came to, for links to further pages: a date may move on meanwhile.
    """

    record: LayerRecord
    query: FeatureQuery
    shown: tuple[str, ...] | None
    crs: EdgeCRS
    format: Format
    limited: bool
    selection: str
    parameters: tuple[tuple[str, str], ...]
    settled: tuple[tuple[str, str], ...]

    @property
    def whole_layer(self) -> bool:
        """Whether nothing narrows the selection, so that the number of features is known without counting."""
        query = self.query
        return all(part is None for part in (query.bounds, query.as_of, query.interval, query.filter, query.ids))


def parse_items_request(request: Request, record: LayerRecord, settings: Settings) -> ItemsRequest:
    """The request for items of `record`.

    Raises:
        BadCall: one of its kinds for every parameter that is unknown or cannot be read, and for an `as_of` to come.
        NotAcceptableError: if no representation suits the client.
    """
    schema = record.schema
    parameters = read_parameters(request, PARAMETERS.union(queryable_names(schema, PARAMETERS)))
    chosen = negotiate(parameters, request.headers.get("accept"), ITEMS)
    shown = parse_names(parameters["properties"], schema) if "properties" in parameters else None
    sort = parse_sortby(parameters["sortby"], schema) if "sortby" in parameters else ()
    expression = _filter(parameters, schema, settings)
    store = parts_of(request).store
    moment = parse_moment(parameters, store)
    as_of = None if moment.as_of is None else resolve_as_of(store, record.id, moment.as_of)
    settled = parameters if as_of is None else parameters | {"as_of": f"v{as_of}"}
    selection = _selection(record.id, settled)
    query = FeatureQuery(
        bounds=_bounds(parameters),
        as_of=as_of,
        interval=moment.interval,
        filter=expression if isinstance(expression, Mapping) else None,
        ids=() if expression is False else None,
        properties=shown and _with_sort_keys(shown, tuple(key.property for key in sort)),
        geometry=not parse_flag(parameters.get("skipGeometry"), "skipGeometry"),
        sort=sort,
        limit=_limit(parameters, chosen, settings),
        after=decode_token(parameters["token"], selection) if "token" in parameters else None,
    )
    if shown == ():
        query = replace(query, properties=tuple(key.property for key in sort))
    return ItemsRequest(
        record=record,
        query=query,
        shown=shown,
        crs=edge_crs(parameters.get("crs", CRS84)),
        format=chosen,
        limited="limit" in parameters,
        selection=selection,
        parameters=tuple(parameters.items()),
        settled=tuple(settled.items()),
    )


def _limit(parameters: Mapping[str, str], chosen: Format, settings: Settings) -> int:
    """Rows of the answer: a page for readers, everything up to the operator's bound for bulk formats."""
    if chosen in PAGED:
        return parse_limit(parameters.get("limit"), settings.limit_default, settings.limit_max)
    return parse_limit(parameters.get("limit"), settings.export_rows_max, settings.export_rows_max)


def _with_sort_keys(shown: tuple[str, ...], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(shown + keys))


def _bounds(parameters: Mapping[str, str]) -> Bounds | None:
    if "bbox" not in parameters:
        if "bbox-crs" in parameters:
            edge_crs(parameters["bbox-crs"], "bbox-crs")
        return None
    return parse_bbox(parameters["bbox"], edge_crs(parameters.get("bbox-crs", CRS84), "bbox-crs"))


def _filter(parameters: Mapping[str, str], schema: Schema, settings: Settings) -> Mapping[str, Any] | bool:
    """The filter together with the equality filters of queryables, as one CQL2 expression; true where there is none."""
    parts = [check_filter(part, schema) for part in equality_filters(parameters, schema, PARAMETERS)]
    if "filter" in parameters:
        parts.insert(0, _parsed_filter(parameters, schema, settings))
    elif "filter-lang" in parameters or "filter-crs" in parameters:
        _language(parameters)
        edge_crs(parameters.get("filter-crs", CRS84), "filter-crs")
    if False in parts:
        return False
    parts = [part for part in parts if part is not True]
    if len(parts) > 1:
        return {"op": "and", "args": parts}
    return parts[0] if parts else True


def _parsed_filter(parameters: Mapping[str, str], schema: Schema, settings: Settings) -> Mapping[str, Any] | bool:
    text = parameters["filter"]
    if len(text) > settings.filter_length_max:
        raise BadFilterError(
            f"The filter has {len(text)} characters.",
            value=text[:80],
            limit=f"{settings.filter_length_max} characters",
            remedy="Ask for less at once, or select by bbox.",
        )
    language = _language(parameters)
    crs = edge_crs(parameters.get("filter-crs", CRS84), "filter-crs")
    return parse_filter(text, schema, language=language, crs=crs.crs)


def _language(parameters: Mapping[str, str]) -> str:
    language = parameters.get("filter-lang")
    if language is None:
        return "cql2-json" if parameters.get("filter", "").lstrip().startswith("{") else "cql2-text"
    if language not in FILTER_LANGUAGES:
        raise BadParameterError(
            "This filter language is not spoken here.",
            value=language,
            limit="|".join(FILTER_LANGUAGES),
            remedy="Write the filter in CQL2 and say filter-lang=cql2-text.",
        )
    return language


def _selection(layer_id: str, parameters: Mapping[str, str]) -> str:
    chosen = sorted(item for item in parameters.items() if item[0] in _SELECTING or item[0] not in PARAMETERS)
    return orjson.dumps([layer_id, chosen]).decode()


def items_etag(wanted: ItemsRequest) -> str:
    """A weak tag of an items answer: the state of the layer and everything that was asked for."""
    record = wanted.record
    state = f"{record.version} {record.updated_at.timestamp()} {wanted.format.name} {wanted.query.as_of} {wanted.parameters}"
    return f'W/"{blake2s(state.encode("utf-8", "replace"), digest_size=10).hexdigest()}"'
