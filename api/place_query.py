"""What a request for places asks for: query string in, small frozen values out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from api.crs_edge import edge_crs
from api.errors import BadParameterError
from api.moments import parse_moment
from api.negotiation import HTML, ITEM, Format, negotiate
from api.parameters import parse_bbox, parse_limit, read_parameters
from twin.bounds import Bounds
from twin.crs import CRS84
from twin.errors import BadBoundsError
from twin.interval import Interval
from twin.moment import AsOf
from twin.places.port import PlaceQuery
from twin.store.port import LayerRecord, Store

LANGUAGES = ("zh", "en")
LIMIT_DEFAULT, LIMIT_MAX, KINDS_MAX = 10, 50, 20
SEARCH_PARAMETERS = ("q", "near", "kind", "bbox", "limit", "lang", "datetime", "as_of", "f")
AT_PARAMETERS = ("lon", "lat", "lang", "datetime", "as_of", "f")
_NUMBER = re.compile(r"[+-]?(?:\d{1,4}(?:\.\d{0,20})?|\.\d{1,20})")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search.

    Attributes:
        query: For the index.
        language: Of titles.
        parameters: The query parameters, for links and tags.
    """

    query: PlaceQuery
    language: str
    format: Format
    parameters: tuple[tuple[str, str], ...]

    @property
    def is_blank_page(self) -> bool:
        """Whether a person opens the page and has typed nothing yet."""
        return self.format is HTML and not self.query.text


@dataclass(frozen=True, slots=True)
class AtRequest:
    """A question about a point, lon/lat in degrees; `versions` are layer versions to read as of."""

    lon: float
    lat: float
    versions: Mapping[str, int | None]
    interval: Interval | None
    language: str
    format: Format
    parameters: tuple[tuple[str, str], ...]


def parse_search(request: Request, records: Sequence[LayerRecord], store: Store, city: Bounds) -> SearchRequest:
    """The request for places.

    Args:
        records: The layers that the one who asks may see.
        city: Bounds of the city: nothing outside is found.

    Raises:
        BadCall: one of its kinds for every parameter that is unknown or cannot be read.
        NotAcceptableError: if no representation suits the client.
    """
    parameters = read_parameters(request, SEARCH_PARAMETERS)
    chosen = negotiate(parameters, request.headers.get("accept"), ITEM)
    window = _window(parameters.get("bbox"), city)
    moment = parse_moment(parameters, store)
    versions = _versions(moment.as_of, records, store)
    query = PlaceQuery(
        text=parameters.get("q", ""),
        bounds=window or city,
        layers={} if window is None else versions,
        near=_near(parameters.get("near")),
        kinds=_kinds(parameters.get("kind")),
        interval=moment.interval,
        limit=min(parse_limit(parameters.get("limit"), LIMIT_DEFAULT, LIMIT_MAX), LIMIT_MAX),
    )
    return SearchRequest(query, _language(parameters.get("lang")), chosen, tuple(parameters.items()))


def parse_at(request: Request, records: Sequence[LayerRecord], store: Store) -> AtRequest:
    """The request for what lies at a point. Raises as `parse_search`."""
    parameters = read_parameters(request, AT_PARAMETERS)
    chosen = negotiate(parameters, request.headers.get("accept"), ITEM)
    lon, lat = _degrees([parameters.get("lon", ""), parameters.get("lat", "")], "lon", "lon=120.0046&lat=36.2788")
    moment = parse_moment(parameters, store)
    return AtRequest(
        lon=lon,
        lat=lat,
        versions=_versions(moment.as_of, records, store),
        interval=moment.interval,
        language=_language(parameters.get("lang")),
        format=chosen,
        parameters=tuple(parameters.items()),
    )


def _versions(as_of: AsOf | None, records: Sequence[LayerRecord], store: Store) -> dict[str, int | None]:
    """The layers that are looked at, each with the version that stood then; a release looks at the layers that it holds.

    Raises:
        BadParameterError: if `as_of` is a version, which means another time in every layer.
    """
    if as_of is None:
        return {record.id: None for record in records}
    if isinstance(as_of, int):
        raise BadParameterError(
            "A version is of one layer, and places come from many.",
            value=as_of,
            limit="an instant, a date, or release:NAME",
            remedy="Write as_of=2024-05-01T08:00:00Z, or as_of=2024-05-01 for the end of that day.",
        )
    if isinstance(as_of, Mapping):
        return {record.id: as_of[record.id] for record in records if record.id in as_of}
    return {record.id: store.version_at(record.id, as_of) for record in records}


def _window(text: str | None, city: Bounds) -> Bounds | None:
    """What of `bbox` lies in the city; the city without one, None where nothing does."""
    if text is None:
        return city
    for part in parse_bbox(text, edge_crs(CRS84, "bbox")).parts():
        if part.intersects(city):
            west, south = max(part.west, city.west), max(part.south, city.south)
            return Bounds(west, south, min(part.east, city.east), min(part.north, city.north))
    return None


def _near(text: str | None) -> tuple[float, float] | None:
    return None if text is None else _degrees(text.split(","), "near", "near=120.0046,36.2788")


def _degrees(parts: Sequence[str], name: str, example: str) -> tuple[float, float]:
    """Longitude and latitude of two texts."""
    numbers = [float(part) for part in map(str.strip, parts) if _NUMBER.fullmatch(part)]
    if len(parts) != 2 or len(numbers) != 2 or abs(numbers[0]) > 180 or abs(numbers[1]) > 90:
        raise BadBoundsError(
            f"'{name}' is no place on the earth.",
            value=",".join(parts),
            limit="longitude -180 to 180, latitude -90 to 90, in degrees",
            remedy=f"Write {example} (longitude first).",
        )
    return numbers[0], numbers[1]


def _kinds(text: str | None) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    if len(kinds) > KINDS_MAX or any(not any(c.isalnum() for c in kind) for kind in kinds):
        raise BadParameterError(
            "kind names kinds of places.",
            value=text,
            limit=f"at most {KINDS_MAX} names, separated by commas",
            remedy="Write kind=town,village,school; twin/places/kinds.json lists them.",
        )
    return kinds


def _language(text: str | None) -> str:
    if text is None or text in LANGUAGES:
        return text or LANGUAGES[0]
    raise BadParameterError(
        "This language is not spoken here.", value=text, limit="|".join(LANGUAGES), remedy="Write lang=zh or lang=en."
    )
