"""The web application: a function of its settings and parts. Nothing happens when this module is imported."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.deps import Parts
from api.errors import install_error_handlers
from api.routes import health
from api.settings import Settings, unknown_names
from twin.store.port import Store

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None, store: Store | None = None) -> FastAPI:
    """The ASGI application.

    Args:
        settings: Where None, they are read from the environment, now.
        store: Where None, the one `settings` names is opened, and closed again when the server stops.
    """
    settings = settings or Settings()
    for name in unknown_names(os.environ):
        log.warning("%s is not a setting of this server and does nothing; see the README for the list.", name)
    own_store = store is None
    parts = Parts(settings=settings, store=store if store is not None else _open_store(settings))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        if own_store:
            parts.store.close()

    app = FastAPI(title=settings.title_en, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.parts = parts
    install_error_handlers(app)
    app.include_router(health.router)
    return app


def _open_store(settings: Settings) -> Store:
    from twin.store import open_store

    return open_store(settings.store_location)
