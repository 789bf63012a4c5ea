"""Entity tags: what makes two clients that edit the same feature notice each other.

A feature's tag is `"<version>-<birth of the layer>"`: the layer version that wrote the state, and a stamp that differs
when a layer was dropped and made again. Source: RFC 9110, 8.8.3 and 13.1.
"""

from __future__ import annotations

import re
from zlib import crc32

from starlette.requests import Request

from twin.errors import VersionConflictError
from twin.feature import Feature
from twin.store.port import LayerRecord

_TAG = re.compile(r'(W/)?"([^"]*)"')


def feature_etag(record: LayerRecord, feature: Feature, variant: str = "") -> str:
    """The strong tag of a feature's state; `variant` sets representations apart that differ in bytes."""
    suffix = f".{crc32(variant.encode()):x}" if variant else ""
    return f'"{feature.version}-{_birth(record)}{suffix}"'


def is_fresh(request: Request, etag: str) -> bool:
    """Whether the client already has what `etag` names (weak comparison of If-None-Match)."""
    header = request.headers.get("if-none-match")
    if header is None:
        return False
    bare = etag.removeprefix("W/")
    return header.strip() == "*" or any(f'"{tag}"' == bare for _, tag in _TAG.findall(header))


def expected_version(request: Request, record: LayerRecord, current: Feature) -> int | None:
    """The version that If-Match demands, to be checked again by the store inside its transaction; None without If-Match.

    Raises:
        VersionConflictError: if none of the tags is the current one.
    """
    header = request.headers.get("if-match")
    if header is None:
        return None
    state = f"{current.version}-{_birth(record)}"
    tags = [tag.partition(".")[0] for weak, tag in _TAG.findall(header) if not weak]
    if header.strip() == "*" or state in tags:
        return current.version
    raise VersionConflictError(
        f"The feature '{current.id}' has changed since you read it.",
        value=header,
        limit=f'"{state}"',
        remedy="Read the feature again, put your change on top, and send its new ETag in If-Match.",
    )


def link_expected_version(request: Request, current: int) -> int | None:
    """The version of a link's state that If-Match demands, to be checked again in the transaction; None without If-Match.

    Raises:
        VersionConflictError: if none of the tags is the current one.
    """
    header = request.headers.get("if-match")
    if header is None:
        return None
    if header.strip() == "*" or str(current) in [tag for weak, tag in _TAG.findall(header) if not weak]:
        return current
    raise VersionConflictError(
        "The link has changed since you read it.",
        value=header,
        limit=f'"{current}"',
        remedy="Read it again and send its new ETag in If-Match.",
    )


def _birth(record: LayerRecord) -> str:
    return f"{int(record.created_at.timestamp() * 1000):x}"
