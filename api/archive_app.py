"""An application that serves tile archives and knows no store."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.errors import install_error_handlers
from api.head_requests import HeadRequests
from api.routes import archives
from api.settings import Settings
from layers.policy import OpenPolicy
from tiles.archive.shelf import ArchiveShelf


def archive_app(files: list[Path], settings: Settings) -> FastAPI:
    """The addresses below `/archives` for these files; everybody may read them."""
    app = FastAPI(title="One Map archives", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.archives = ArchiveShelf.of_files(files)
    app.state.parts = SimpleNamespace(settings=settings, policy=OpenPolicy())
    install_error_handlers(app)
    app.include_router(archives.router)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "OPTIONS"],
            allow_headers=["Accept", "If-None-Match", "If-Range", "Range"],
            expose_headers=["ETag", "Content-Range", "Accept-Ranges"],
        )
    app.add_middleware(HeadRequests)
    return app
