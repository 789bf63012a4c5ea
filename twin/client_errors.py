"""Answers of the server that are errors, as the errors of `twin.errors`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from twin import errors
from twin.errors import BadCall, BadData, Conflict, Finding, Forbidden, NotFound, OneMapError, Unavailable

_FAMILIES: Mapping[int, type[OneMapError]] = {
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: errors.VersionConflictError,
    413: errors.TooLargeError,
    422: BadData,
    503: Unavailable,
}


def raise_for_problem(answer: httpx.Response) -> None:
    """Return for a good answer.

    Raises:
        OneMapError: the class that bears the answer's code, or else the family of its status, with value, limit, remedy and
            findings as the server gave them.
    """
    if answer.is_success:
        return
    document = _document(answer)
    code = str(document.get("code", ""))
    family = next((kind for kind in _all_errors(OneMapError) if kind.code == code), None)
    kind = family or _FAMILIES.get(answer.status_code, BadCall if answer.is_client_error else Unavailable)
    raise kind(
        str(document.get("detail") or document.get("title") or f"The server answered {answer.status_code}."),
        value=document.get("value"),
        limit=str(document.get("limit", "")),
        remedy=str(document.get("remedy", "")),
        findings=tuple(_findings(document.get("findings"))),
    )


def unreachable(url: str, error: Exception) -> Unavailable:
    """The error for a server that does not answer at all."""
    return Unavailable(
        f"No One Map answers at {url} ({type(error).__name__}).",
        value=url,
        remedy='Start one with ./onemap demo, or give the right address: twin.connect("http://host:8000").',
    )


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _findings(entries: object) -> Iterator[Finding]:
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict):
            yield Finding(*(str(entry.get(name, "")) for name in ("where", "value", "problem", "remedy")))


def _all_errors(kind: type[OneMapError]) -> Iterator[type[OneMapError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _all_errors(below)
