"""Addresses: what this server is called by the one who asks, and links in OGC's shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from starlette.datastructures import Headers
from starlette.requests import Request

from api.deps import parts_of
from api.negotiation import Format

Link = dict[str, str]

_HOST = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$")
_FORWARDED = re.compile(r'(?i)\b(host|proto)="?([^";,\s]+)"?')


def base_url(request: Request) -> str:
    """Address of the landing page without a slash at its end.

    ONEMAP_PUBLIC_URL where it is set; otherwise the proxy's headers where they are trusted; otherwise the Host header.
    """
    settings = parts_of(request).settings
    if settings.public_url:
        return settings.public_url
    scope = request.scope
    scheme, host = scope.get("scheme", "http"), request.headers.get("host", "")
    if settings.trust_forwarded:
        scheme, host = _forwarded(request.headers, scheme, host)
    if not _HOST.match(host):
        server = scope.get("server") or ("127.0.0.1", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{scheme}://{host}{scope.get('root_path', '').rstrip('/')}"


def _forwarded(headers: Headers, scheme: str, host: str) -> tuple[str, str]:
    """Scheme and host as the nearest proxy saw them. Source: RFC 7239."""
    first = headers.get("forwarded", "").split(",")[0]
    told = {key.lower(): value for key, value in _FORWARDED.findall(first)}
    proto = told.get("proto") or headers.get("x-forwarded-proto", "").split(",")[0].strip()
    name = told.get("host") or headers.get("x-forwarded-host", "").split(",")[0].strip()
    return (proto.lower() if proto.lower() in ("http", "https") else scheme), (name or host)


def link(href: str, rel: str, media_type: str, title: str = "") -> Link:
    """A link object; `title` is left out when empty."""
    made = {"href": href, "rel": rel, "type": media_type}
    return made | {"title": title} if title else made


def with_parameters(href: str, parameters: Iterable[tuple[str, str]]) -> str:
    """`href` with a query string, if there is anything to put in it."""
    query = urlencode(list(parameters), safe=":/,", quote_via=quote)
    return f"{href}?{query}" if query else href


def self_links(
    href: str, parameters: Sequence[tuple[str, str]], offers: Sequence[Format], current: Format
) -> list[Link]:
    """`self` and one `alternate` for each other representation of the same resource."""
    kept = [(key, value) for key, value in parameters if key != "f"]
    return [
        link(
            with_parameters(href, [*kept, ("f", offer.name)]),
            "self" if offer is current else "alternate",
            offer.media_type,
            offer.title,
        )
        for offer in offers
    ]


def item_path(collection_id: str, feature_id: str) -> str:
    """Path of a feature; its id may hold any character."""
    return f"/collections/{collection_id}/items/{quote(feature_id, safe='')}"
