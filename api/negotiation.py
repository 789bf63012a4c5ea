"""Which representation a client gets: `f=` first, then the Accept header.

Source: RFC 9110, 12.5.1 (Accept); OGC 17-069r4, 7.13 (recommendation on encodings).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.errors import BadParameterError, NotAcceptableError


@dataclass(frozen=True, slots=True)
class Format:
    """One representation of a resource.

    Attributes:
        name: Value of `f=`.
        media_type: What the answer calls itself.
        also: Other media types that ask for the same.
        title: Words for a link.
    """

    name: str
    media_type: str
    title: str
    also: tuple[str, ...] = ()


JSON = Format("json", "application/json", "JSON")
HTML = Format("html", "text/html", "网页 HTML", also=("application/xhtml+xml",))
GEOJSON = Format("json", "application/geo+json", "GeoJSON", also=("application/json", "application/vnd.geo+json"))
SCHEMA_JSON = Format("json", "application/schema+json", "JSON Schema", also=("application/json",))
CSV = Format("csv", "text/csv", "CSV")
FLATGEOBUF = Format("fgb", "application/flatgeobuf", "FlatGeobuf", also=("application/vnd.flatgeobuf",))
PARQUET = Format("parquet", "application/vnd.apache.parquet", "GeoParquet")
GEOPACKAGE = Format("gpkg", "application/geopackage+sqlite3", "GeoPackage")

PAGES = (JSON, HTML)
SCHEMAS = (SCHEMA_JSON, HTML)
ITEM = (GEOJSON, HTML)
ITEMS = (GEOJSON, HTML, CSV, FLATGEOBUF, PARQUET, GEOPACKAGE)


def negotiate(parameters: Mapping[str, str], accept: str | None, offers: Sequence[Format]) -> Format:
    """The representation to send; the first offer serves clients that do not care.

    Raises:
        BadParameterError: if `f` names none of `offers`.
        NotAcceptableError: if the Accept header excludes all of them.
    """
    wanted = parameters.get("f")
    if wanted is not None:
        return _by_name(wanted, offers)
    if not accept or accept == "*/*":
        return offers[0]
    ranked = sorted(_ranges(accept), key=lambda entry: -entry[1])
    for media_range, quality in ranked:
        if quality <= 0:
            continue
        for offer in offers:
            if any(_matches(media_range, name) for name in (offer.media_type, *offer.also)):
                return offer
    raise NotAcceptableError(
        "None of the representations asked for exists here.",
        value=accept,
        limit=", ".join(offer.media_type for offer in offers),
        remedy="Send one of these in Accept, or use f=" + "|".join(offer.name for offer in offers) + ".",
    )


def _by_name(wanted: str, offers: Sequence[Format]) -> Format:
    lowered = wanted.lower()
    for offer in offers:
        if lowered in (offer.name, offer.media_type, *offer.also) or (offer is GEOJSON and lowered == "geojson"):
            return offer
    raise BadParameterError(
        "This resource has no such representation.",
        value=wanted,
        limit="|".join(offer.name for offer in offers),
        remedy="Use one of the listed names for f.",
    )


def _ranges(accept: str) -> list[tuple[str, float]]:
    """Media ranges with their quality; text that cannot be read counts as not there."""
    found = []
    for part in accept.split(",")[:50]:
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if "/" in media_range:
            found.append((media_range, quality))
    return found


def _matches(media_range: str, name: str) -> bool:
    return media_range in ("*/*", name) or (media_range.endswith("/*") and name.startswith(media_range[:-1]))
