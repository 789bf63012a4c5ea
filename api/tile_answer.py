"""The answer to a request for a tile: status, headers and body, from what is to be sent and what the client has already."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus

from starlette.responses import Response

from api.layer_parts import ACTOR_HEADER
from api.moments import as_of_headers
from tiles.address import Tile
from tiles.compression import Coding
from tiles.generalise.budget import BUDGET
from tiles.grids import Grid
from tiles.service import TileService, TileSet
from tiles.stored import StoredTile
from tiles.tilesets import MVT

Headers = list[tuple[bytes, bytes]]

_REVALIDATE = "no-cache"
_IMMUTABLE = "max-age=31536000, immutable"
_LONGEST_STAMP = 80
_BUDGET = (b"onemap-budget", BUDGET.header().encode())
_TYPE = (b"content-type", MVT.encode())
_OF_304 = (b"etag", b"cache-control", b"vary")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out; names of headers are lower case."""

    status: int
    headers: Headers
    body: bytes = b""

    @classmethod
    def of(cls, response: Response) -> Answer:
        """The same in the framework's form."""
        return cls(response.status_code, [*response.raw_headers], bytes(response.body))

    def head(self, more: Headers) -> bytes:
        """Status line and headers, and more of them, as HTTP/1.1 writes them; without the blank line. Source: RFC 9112, 4 and 5."""
        lines = [b"HTTP/1.1 %d %s" % (self.status, HTTPStatus(self.status).phrase.encode())]
        lines += [b"%s: %s" % entry for entry in [*self.headers, *more]]
        return b"".join(line + b"\r\n" for line in lines)

    def response(self) -> Response:
        """This in the framework's form."""
        response = Response(self.body, self.status)
        response.raw_headers = self.headers
        return response


@dataclass(frozen=True, slots=True)
class Wish:
    """A tile for one client.

    Attributes:
        layers: What is in it.
        tile, grid: Which one.
        coding: How it travels.
        edition: What the address says in `v=`.
        if_none_match: What the client has.
        ogc: Whether the path has OGC API Tiles' form, where a tile without features is an empty 200 and not 204.
    """

    layers: TileSet
    tile: Tile
    grid: Grid
    coding: Coding
    edition: str | None
    if_none_match: str | None
    ogc: bool

    def answer(self, service: TileService) -> Answer:
        """The whole answer, made where it must be. Raises as `TileService.tile`."""
        return self.unchanged() or self.whole(service.tile(self.layers, self.tile, self.grid, self.coding))

    def unchanged(self) -> Answer | None:
        """304 for a client that has it; None for another."""
        if self.if_none_match is None:
            return None
        etag = etag_of(self.layers)
        return Answer(304, self._state_headers(etag)) if has_it(self.if_none_match, etag) else None

    def whole(self, stored: StoredTile) -> Answer:
        """The tile itself."""
        headers = self._state_headers(etag_of(self.layers))
        if stored.provisional:
            headers = [(b"cache-control", b"no-store"), *(entry for entry in headers if entry[0] not in _OF_304[:2])]
        headers.append((b"onemap-features", str(stored.features).encode()))
        headers.append((b"onemap-left-out", str(stored.left_out).encode()))
        headers.append(_BUDGET)
        status = 200 if stored.body or self.ogc else 204
        if status == 200:
            headers += [_TYPE, (b"content-length", str(len(stored.body)).encode())]
        if stored.body and self.coding != "identity":
            headers.append((b"content-encoding", self.coding.encode()))
        return Answer(status, headers, stored.body)

    def _state_headers(self, etag: str) -> Headers:
        """Headers that say which state this is. An address that names exactly this edition may be kept for good.

        A version, even of the past, does not: with another style or encoder its tiles are drawn anew.
        """
        layers = self.layers
        headers = [
            (b"etag", etag.encode()),
            (b"cache-control", (_IMMUTABLE if self.edition == layers.edition else _REVALIDATE).encode()),
            (b"vary", f"Accept-Encoding, {ACTOR_HEADER}".encode()),
        ]
        if layers.of_the_past:
            headers += [(name.lower().encode(), text.encode()) for name, text in as_of_headers(layers.version).items()]
        return headers


def only_of_304(headers: Headers) -> Headers:
    """Those of an answer's headers that its 304 has."""
    return [entry for entry in headers if entry[0] in _OF_304]


def etag_of(layers: TileSet) -> str:
    """The tag of every tile of these layers."""
    stamp = layers.stamp
    if len(stamp) > _LONGEST_STAMP:
        stamp = blake2b(stamp.encode(), digest_size=16).hexdigest()
    return f'W/"{stamp}"'


def has_it(if_none_match: str | None, etag: str) -> bool:
    """Weak comparison. Source: RFC 9110, 13.1.2."""
    if if_none_match is None:
        return False
    known = [entry.strip() for entry in if_none_match.split(",")]
    return "*" in known or etag.removeprefix("W/") in [entry.removeprefix("W/") for entry in known]
