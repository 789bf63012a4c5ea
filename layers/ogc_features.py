"""The items of a collection on another OGC API Features server, fetched page by page into a file.

Source: OGC 17-069r4, 7.15 (items, links with rel=next).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from layers.fetch_limits import FetchLimits
from twin.errors import BadManifestError, Finding, SourceUnreachableError, TooLargeError

log = logging.getLogger(__name__)
PAGE_ROWS = 1000


def fetch_features(url: str, target: Path, hosts: frozenset[str], limits: FetchLimits) -> int:
    """Write every item below `url` (a collection or its items) to `target`, one GeoJSON feature a line, and count them.

    Each address, next links included, must be on an allowed host; redirects are not followed.

    Raises:
        BadManifestError: if a host is not allowed.
        SourceUnreachableError: if the server does not answer, or not with GeoJSON.
        TooLargeError: if there is more than the limits allow.
    """
    address: str | None = items_address(url)
    seen: set[str] = set()
    rows = size = 0
    # Proxies of the environment are for the outside world; allowed hosts are inside.
    with target.open("wb") as file, httpx.Client(timeout=limits.timeout_s, trust_env=False) as client:
        while address is not None and address not in seen:
            check_host(address, hosts)
            if len(seen) >= limits.max_pages:
                raise _too_large(url, f"{limits.max_pages} pages")
            seen.add(address)
            body = _read_page(client, address, limits.max_bytes - size, url)
            size += len(body)
            page = _parse_page(body, address)
            rows += _append(file, page["features"])
            address = _next_address(page, address)
    log.info("fetched %s features from %s in %s pages", rows, url, len(seen))
    return rows


def items_address(url: str) -> str:
    """Where the items of a collection are; an address that already names them keeps its query."""
    parts = urlsplit(url)
    if parts.path.rstrip("/").endswith("/items"):
        return url if parts.query else f"{url}?limit={PAGE_ROWS}&f=json"
    return parts._replace(path=parts.path.rstrip("/") + "/items", query=f"limit={PAGE_ROWS}&f=json").geturl()


def check_host(url: str, hosts: frozenset[str]) -> None:
    """Raises BadManifestError unless the operator allows the host of `url`, as "host" or "host:port"."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        host, port = "", 0
    if parts.scheme in ("http", "https") and parts.username is None and {host, f"{host}:{port}"} & hosts:
        return
    remedy = "Ask the operator to add the host to ONEMAP_SOURCE_HOSTS."
    problem = f"This server may not read from '{host}'."
    limit = f"allowed: {', '.join(sorted(hosts)) or 'no host'}"
    raise BadManifestError(
        problem, value=url, limit=limit, remedy=remedy, findings=(Finding("/source/url", url, problem, remedy),)
    )


def _read_page(client: httpx.Client, address: str, allowance: int, url: str) -> bytes:
    body = bytearray()
    try:
        with client.stream("GET", address, headers={"Accept": "application/geo+json, application/json"}) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _unreachable(address, f"it answered {answer.status_code}")
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > allowance:
                    raise _too_large(url, "the size limit")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unreachable(address, type(error).__name__) from error
    return bytes(body)


def _parse_page(body: bytes, address: str) -> dict[str, Any]:
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unreachable(address, "it did not answer with JSON") from error
    if not isinstance(page, dict) or not isinstance(page.get("features"), list):
        raise _unreachable(address, "it did not answer with a GeoJSON FeatureCollection")
    return page


def _append(file: BinaryIO, features: list[Any]) -> int:
    file.writelines(orjson.dumps(feature, option=orjson.OPT_APPEND_NEWLINE) for feature in features)
    return len(features)


def _next_address(page: dict[str, Any], address: str) -> str | None:
    links = page.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            return str(urljoin(address, link["href"]))
    return None


def _unreachable(address: str, reason: str) -> SourceUnreachableError:
    return SourceUnreachableError(
        f"The other server could not be read: {reason}.",
        value=address,
        limit="GeoJSON with status 200, no redirects",
        remedy="Check the address in a browser, then refresh the layer.",
    )


def _too_large(url: str, limit: str) -> TooLargeError:
    return TooLargeError(
        "The other server has more than may be fetched.", value=url, limit=limit, remedy="Take a smaller collection."
    )
