"""The registry of the running server and the person who asks it, reached through the request."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from starlette.requests import Request

from api.deps import parts_of
from layers.checker import Checker
from layers.city import City, read_city
from layers.code_indexes import index_codes
from layers.fetch_limits import FetchLimits
from layers.place_codes import PlaceCodes
from layers.policy import Actor
from layers.registry import Registry
from layers.relating import RelationDesk
from layers.sources import SourceSettings
from twin.codes.division_store import open_divisions
from twin.store.port import Author, LayerRecord

ACTOR_HEADER = "X-OneMap-Actor"
REASON_HEADER = "X-OneMap-Reason"
MAX_REASON = 500
MEBIBYTE = 1024**2


def registry_of(request: Request) -> Registry:
    """The registry; made at the first request and kept with the app."""
    state = request.app.state
    if getattr(state, "registry", None) is None:
        settings = parts_of(request).settings
        sources = SourceSettings(
            inbox=settings.inbox_dir,
            hosts=frozenset(host.lower() for host in settings.source_hosts),
            limits=FetchLimits(max_bytes=settings.max_upload_mb * MEBIBYTE),
        )
        parts = parts_of(request)
        state.registry = Registry(parts.store, policy=parts.policy, sources=sources, city=city_of(request))
    registry: Registry = state.registry
    return registry


def city_of(request: Request) -> City:
    """The city profile; read at the first request and kept with the app.

    Raises:
        BadManifestError: if ONEMAP_CITY names no profile.
    """
    state = request.app.state
    if getattr(state, "city", None) is None:
        state.city = read_city(parts_of(request).settings.city or None)
    city: City = state.city
    return city


def checker_of(request: Request) -> Checker:
    """The checker over the registry, for the one who asks."""
    return Checker(registry_of(request), city_of(request), actor_of(request))


def desk_of(request: Request) -> RelationDesk:
    """The relations of the store; opened with the app, because from then on removals of features are watched.

    Raises:
        BadManifestError: if ONEMAP_CITY names no profile.
    """
    desk: RelationDesk = request.app.state.desk
    return replace(desk, projected_crs=city_of(request).projected_crs)


def place_codes_of(request: Request) -> PlaceCodes:
    """The codes of the city over the registry; opened at the first request and kept with the app.

    Raises:
        BadManifestError: if ONEMAP_CITY names no profile, or its local classes cannot be used.
    """
    state = request.app.state
    if getattr(state, "place_codes", None) is None:
        registry = registry_of(request)
        index_codes(registry.store, city_of(request).codes)
        state.place_codes = PlaceCodes(registry, city_of(request), open_divisions(registry.store))
    codes: PlaceCodes = state.place_codes
    return codes


def actor_of(request: Request) -> Actor:
    """Who asks: the header X-OneMap-Actor, believed as it stands until there is a sign-in."""
    return Actor.parse(request.headers.get(ACTOR_HEADER))


def author_of(request: Request, usual: str) -> Author:
    """Who changes something and why: the header X-OneMap-Reason (percent-encoded where it is not ASCII), or the usual reason."""
    given = unquote(request.headers.get(REASON_HEADER, ""))
    reason = "".join(c if c.isprintable() else " " for c in given).strip()[:MAX_REASON]
    return actor_of(request).author(reason or usual)


def layer_of(request: Request) -> LayerRecord:
    """The layer that the path parameter `collectionId` names.

    Raises:
        UnknownLayerError: if there is none, or the one who asks may not know of it.
    """
    return registry_of(request).layer(request.path_params["collectionId"], actor_of(request))
