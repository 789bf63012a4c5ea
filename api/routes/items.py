"""Features of a collection: a page, a whole selection in a bulk format, one feature.

Source: OGC 17-069r4, 7.15 and 7.16; 18-058r1, 6; 19-079r2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.crs_edge import edge_crs
from api.deps import Parts, parts_of
from api.documents import both, layer_title
from api.etags import feature_etag, is_fresh
from api.item_operations import GET_ITEM, GET_ITEMS
from api.item_query import ItemsRequest, items_etag, parse_items_request
from api.layer_parts import actor_of, layer_of, registry_of
from api.links import Link, base_url, item_path, link, self_links, with_parameters
from api.moments import MOMENT_PARAMETERS, NOTHING_YET, as_of_headers, parse_moment
from api.negotiation import GEOJSON, HTML, ITEM, ITEMS, negotiate
from api.operation import ITEM_PATH, ITEMS_PATH, ThinRoute
from api.paging import encode_token, position_of_last
from api.parameters import read_parameters
from api.responses.compression import compressed
from api.responses.exports import export_answer
from api.responses.geojson import encode_collection, encode_feature
from api.responses.html import page
from api.responses.item_pages import feature_rows, table_rows
from api.view_address import bounds_of, view_address
from twin.crs import CRS84
from twin.feature import FeatureBatch
from twin.moment import resolve_as_of
from twin.store.port import LayerRecord

router = APIRouter(tags=["features"], route_class=ThinRoute)


@router.get(ITEMS_PATH, summary="Features of a collection", **GET_ITEMS)
def items(request: Request) -> Response:
    """A page of features, or with a bulk format the whole selection."""
    parts = parts_of(request)
    record = layer_of(request)
    wanted = parse_items_request(request, record, parts.settings)
    headers = {
        "ETag": items_etag(wanted),
        "Cache-Control": "no-cache",
        "Content-Crs": wanted.crs.header,
        "Vary": "Accept",
        **as_of_headers(wanted.query.as_of),
    }
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if wanted.format not in (GEOJSON, HTML):
        return export_answer(parts, wanted, headers)
    batch, more = read_page(parts, wanted)
    matched = matched_count(wanted, batch, more=more)
    links = _page_links(base_url(request), wanted, batch, more=more)
    if wanted.format is HTML:
        shown = view_address(base_url(request), record, _all_layers(request), bounds_of(batch.geometries))
        values = table_rows(wanted, batch, matched, links)
        return page("items.html", headers, base=base_url(request), map=shown, **values)
    body = encode_collection(
        batch,
        wanted.crs,
        shown=wanted.shown,
        links=links,
        matched=matched,
        now=parts.clock(),
        note=NOTHING_YET if wanted.query.as_of == 0 else "",
    )
    return compressed(request, Response(body, headers=headers, media_type=GEOJSON.media_type), parts.settings)


@router.get(ITEM_PATH, summary="One feature", **GET_ITEM)
def item(request: Request) -> Response:
    """One feature, with the tag that a change must name in If-Match; with `as_of` or `datetime` as it was then."""
    parameters = read_parameters(request, ("f", "crs", *MOMENT_PARAMETERS))
    chosen = negotiate(parameters, request.headers.get("accept"), ITEM)
    crs = edge_crs(parameters.get("crs", CRS84))
    store = parts_of(request).store
    record = layer_of(request)
    moment = parse_moment(parameters, store)
    as_of = None if moment.as_of is None else resolve_as_of(store, record.id, moment.as_of)
    feature = store.get(record.id, request.path_params["featureId"], as_of=as_of, interval=moment.interval)
    variant = "" if crs.uri == CRS84 and chosen is GEOJSON else crs.uri + chosen.name
    variant += str(moment.interval or "")
    headers = {
        "ETag": feature_etag(record, feature, variant),
        "Cache-Control": "no-cache",
        "Content-Crs": crs.header,
        "Vary": "Accept",
        **as_of_headers(as_of),
    }
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    base = base_url(request)
    here = base + item_path(record.id, str(feature.id))
    links = self_links(here, [(k, v) for k, v in parameters.items() if k != "f"], ITEM, chosen)
    links.append(link(f"{base}/collections/{record.id}", "collection", "application/json", both(layer_title(record))))
    links.append(link(f"{here}/relations", "related", "application/json", "关联 Relations"))
    here_versions = f"{here}/versions"
    links.append(link(here_versions, "version-history", "application/json", "历次版本 Versions"))
    if chosen is HTML:
        place = bounds_of(np.array([feature.geometry], dtype=object))
        shown = view_address(base, record, _all_layers(request), place, str(feature.id))
        return page("item.html", headers, base=base, links=links, map=shown, **feature_rows(record, feature))
    return Response(encode_feature(feature, record.schema, crs, links), headers=headers, media_type=GEOJSON.media_type)


def _all_layers(request: Request) -> list[LayerRecord]:
    return registry_of(request).layers(actor_of(request))


def read_page(parts: Parts, wanted: ItemsRequest) -> tuple[FeatureBatch, bool]:
    """One page, and whether more features follow it: one row too many is read to know."""
    limit = wanted.query.limit or 0
    batch = parts.store.select(wanted.record.id, replace(wanted.query, limit=limit + 1))
    return (batch.slice(0, limit), True) if len(batch) > limit else (batch, False)


def matched_count(wanted: ItemsRequest, batch: FeatureBatch, *, more: bool) -> int | None:
    """Size of the selection where it is known without counting: unknown is not zero."""
    if wanted.whole_layer:
        return wanted.record.feature_count
    return len(batch) if wanted.query.after is None and not more else None


def _page_links(base: str, wanted: ItemsRequest, batch: FeatureBatch, *, more: bool) -> list[Link]:
    here = f"{base}/collections/{wanted.record.id}/items"
    links = self_links(here, wanted.parameters, ITEMS, wanted.format)
    title = both(layer_title(wanted.record))
    links.append(link(f"{base}/collections/{wanted.record.id}", "collection", "application/json", title))
    if more and len(batch):
        token = encode_token(position_of_last(batch, wanted.query.sort), wanted.selection)
        kept = [item for item in wanted.settled if item[0] != "token"]
        links.append(
            link(with_parameters(here, [*kept, ("token", token)]), "next", wanted.format.media_type, "下一页 Next")
        )
    return links
