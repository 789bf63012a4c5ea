"""Pages for people, from the templates in `api/templates`. Everything is escaped; nothing comes from another host."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

TEMPLATES = Path(__file__).parents[1] / "templates"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def render(template: str, **values: Any) -> bytes:
    """The page as UTF-8."""
    return _environment().get_template(template).render(values).encode("utf-8", "replace")


def page(template: str, headers: dict[str, str] | None = None, **values: Any) -> Response:
    """The page as an answer."""
    return Response(render(template, **values), headers={**SECURITY, **(headers or {})}, media_type="text/html")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
