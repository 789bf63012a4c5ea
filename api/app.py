"""The web application: a function of its settings and parts. Nothing happens when this module is imported."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.analysis_parts import build_shelf, job_shelf
from api.closing import Closing
from api.deps import Parts
from api.documents import FEATURE_CLASSES
from api.errors import install_error_handlers
from api.head_requests import HeadRequests
from api.limits import RequestLimits
from api.moments import VERSION_HEADER
from api.place_parts import close_place_index
from api.process_documents import PROCESS_CLASSES
from api.raster_desk import raster_desk
from api.routes import (
    archives,
    basemap,
    changes,
    codes,
    collections,
    geovolumes,
    health,
    history,
    items,
    jobs,
    landing,
    layers,
    places,
    processes,
    queryables,
    rasters,
    relations,
    reviews,
    scene_accuracy,
    scene_builds,
    scenes,
    styles,
    terrain,
    tiles,
    transactions,
    view,
)
from api.scene_files import BEHIND_HEADER
from api.scene_files import VERSION_HEADER as SCENE_VERSION
from api.scene_parts import scene_files
from api.settings import Settings, unknown_names
from api.tile_parts import open_desk, tile_service
from layers.policy import OpenPolicy, Policy
from layers.relating import RelationDesk
from tiles.archive.overlay import Overlay
from tiles.archive.shelf import ArchiveShelf
from twin.basemap.release_book import watch_pins
from twin.store import open_store
from twin.store.port import Store
from twin.store.sql import SqlStore

log = logging.getLogger(__name__)

ROUTERS = (
    landing,
    collections,
    queryables,
    relations,
    basemap,
    history,
    items,
    transactions,
    tiles,
    terrain,
    rasters,
    archives,
    scenes,
    scene_builds,
    scene_accuracy,
    geovolumes,
    changes,
    styles,
    places,
    layers,
    reviews,
    codes,
    processes,
    jobs,
    view,
    health,
)
EXPOSED_HEADERS = (
    "Accept-Ranges",
    "Content-Crs",
    "Content-Range",
    "ETag",
    "Link",
    "Location",
    VERSION_HEADER,
    "OneMap-Repaired",
    "OneMap-Outside-City",
    BEHIND_HEADER,
    SCENE_VERSION,
)


def create_app(settings: Settings | None = None, store: Store | None = None, policy: Policy | None = None) -> FastAPI:
    """The ASGI application.

    Args:
        settings: Where None, they are read from the environment, now.
        store: Where None, the one `settings` names is opened, and closed again when the server stops.
        policy: Where None, everybody may do everything.
    """
    settings = settings or Settings()
    for name in unknown_names(os.environ):
        log.warning("%s is not a setting of this server and does nothing; see the README for the list.", name)
    parts = Parts(
        settings=settings,
        store=store if store is not None else open_store(settings.store_location),
        policy=policy or OpenPolicy(),
    )

    closing = Closing()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        yield closing.in_state()
        close_place_index(app)
        close_tiles()
        app.state.builds.close()
        app.state.jobs.close()
        app.state.terrain.close()
        app.state.rasters.close()
        if store is None:
            parts.store.close()

    app = FastAPI(title=settings.title_en, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.parts = parts
    app.state.closing = closing
    watch_pins(parts.store)
    app.state.desk = RelationDesk.open(parts.store, parts.policy)
    app.state.tiles, close_tiles = tile_service(parts.store, settings, opened_here=store is None)
    app.state.terrain = terrain.terrain_desk(settings)
    app.state.scenes = scene_files(parts.store, settings, app.state.terrain.shelf, parts.policy)
    app.state.rasters = raster_desk(parts.store, settings, parts.policy)
    app.state.jobs = job_shelf(settings)
    # Builds take their own turns: an analysis does not wait for a city.
    app.state.builds = build_shelf(settings)
    app.state.archives = ArchiveShelf.of_folder(settings.archive_dir)
    app.state.archive_overlay = Overlay(parts.store) if isinstance(parts.store, SqlStore) else None
    app.state.conformance = (*FEATURE_CLASSES, *tiles.TILE_CLASSES, *PROCESS_CLASSES)
    install_error_handlers(app)
    for module in ROUTERS:
        app.include_router(module.router)
    app.state.tile_desk = open_desk(app.state.tiles, parts)
    _add_middleware(app, settings, app.state.tile_desk)
    return app


def _add_middleware(app: FastAPI, settings: Settings, desk: tiles.TileDesk) -> None:
    """What stands before the routes, innermost first."""
    app.add_middleware(RequestLimits, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "OPTIONS"],
            allow_headers=["Accept", "Content-Type", "If-None-Match", "If-Range", "Range"],
            expose_headers=EXPOSED_HEADERS,
            max_age=86_400,
        )
    app.add_middleware(HeadRequests)
    app.add_middleware(tiles.TileRouter, desk=desk, cors_origins=settings.cors_origins)
