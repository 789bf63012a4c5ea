"""Files of the page: the template, own scripts and styles, and the deck.gl bundle out of the installed pydeck wheel."""

from __future__ import annotations

import gzip
import html
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import pydeck

from twin.errors import NotFound

HERE = Path(__file__).parent
STATIC = HERE / "static"
BUNDLE = Path(pydeck.__file__).parent / "nbextension" / "static" / "index.js"

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_WORTH_GZIP = 1024


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes out.

    Attributes:
        gzipped: The same body compressed; empty where that does not pay.
        etag: Strong tag of the content.
    """

    body: bytes
    gzipped: bytes
    etag: str
    media_type: str


def static_file(name: str) -> Asset:
    """A file of the page's own by its name below `static/`.

    Raises:
        NotFound: if there is none; nothing outside that folder is ever read.
    """
    path = next((path for path in STATIC.rglob("*") if path.relative_to(STATIC).as_posix() == name), None)
    if path is None or path.suffix not in _TYPES or not path.is_file():
        raise NotFound("The page has no such file.", value=name, remedy="Reload the page.")
    return _read(path, path.stat().st_mtime_ns)


def deck_bundle() -> Asset:
    """deck.gl with all its parts, as pydeck ships it.

    Raises:
        NotFound: if the installed pydeck has no bundle.
    """
    if not BUNDLE.is_file():
        raise NotFound(
            "The installed pydeck has no deck.gl bundle.",
            value=pydeck.__version__,
            limit=">=0.9.3,<0.10",
            remedy="Install the locked dependencies again: run ./onemap once.",
        )
    return _read(BUNDLE, BUNDLE.stat().st_mtime_ns)


def page_html(title: str, deck_version: str) -> str:
    """The page with its two blanks filled."""
    text = (HERE / "page.html").read_text(encoding="utf-8")
    return text.replace("{{ title }}", html.escape(title)).replace("{{ deck_version }}", html.escape(deck_version))


@lru_cache(maxsize=128)
def _read(path: Path, _changed_ns: int) -> Asset:
    """The file, compressed once for each state on disk."""
    body = path.read_bytes()
    return Asset(
        body=body,
        gzipped=gzip.compress(body, 6, mtime=0) if len(body) >= _WORTH_GZIP and path.suffix != ".png" else b"",
        etag=f'"{blake2b(body, digest_size=12).hexdigest()}"',
        media_type=_TYPES[path.suffix],
    )
