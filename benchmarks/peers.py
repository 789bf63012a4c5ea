"""Other feature servers on our table: installed into environments of their own, started under uvicorn with one worker."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from measure import run_program
from services import Spawned, free_port

TIPG = ("tipg==1.6.1", "uvicorn[standard]")
PYGEOAPI = ("pygeoapi==0.21.0", "starlette", "uvicorn[standard]", "sqlalchemy", "geoalchemy2", "psycopg2-binary")
# The figures were taken with these, whatever newer ones there are.


def environment(folder: Path, packages: tuple[str, ...]) -> Path:
    """The Python of an environment with these packages in `folder`, made once."""
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        run_program([sys.executable, "-m", "venv", "--clear", folder])
        run_program([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages])
        (folder / "complete").touch()
    return python


class Server(Spawned):
    """A peer that is starting; `items` is the address of its items."""

    def __init__(self, python: Path, application: str, items: str, environ: dict[str, str], folder: Path) -> None:
        port = free_port()
        self.items = f"http://127.0.0.1:{port}{items}"
        command = [str(python), "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port)]
        environ = {key: value.replace("{port}", str(port)) for key, value in environ.items()}
        super().__init__([*command, "--no-access-log", "--log-level", "warning"], environ, folder)


def start_tipg(cache: Path, url: str, schema: str, table: str) -> Server:
    """TiPg with its defaults; without the catalogue's periodic refresh and with prepared statements, as it ships."""
    environ = {
        "DATABASE_URL": url,
        "TIPG_DB_SCHEMAS": json.dumps([schema]),
        "TIPG_TABLE_CONFIG": "{}",
        "PYTHONPATH": "",
    }
    return Server(
        environment(cache / "tipg", TIPG), "tipg.main:app", f"/collections/{schema}.{table}/items", environ, cache
    )


def start_pygeoapi(cache: Path, url: str, schema: str, table: str) -> Server:
    """pygeoapi with its PostgreSQL provider, as its Starlette application."""
    python = environment(cache / "pygeoapi", PYGEOAPI)
    config, document = cache / "pygeoapi.json", cache / "pygeoapi-openapi.json"
    config.write_text(json.dumps(_pygeoapi_config(url, schema, table)), encoding="utf-8")
    environ = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(document), "PYTHONPATH": ""}
    program = python.with_name("pygeoapi")
    run_program([program, "openapi", "generate", config, "--output-file", document, "--format", "json"], environ)
    return Server(python, "pygeoapi.starlette_app:APP", "/collections/tokyo/items", environ, cache)


def _pygeoapi_config(url: str, schema: str, table: str) -> dict[str, object]:
    place = urlsplit(url)
    data = {
        "host": place.hostname,
        "port": place.port or 5432,
        "dbname": place.path.lstrip("/"),
        "user": place.username,
        "password": place.password or "",
        "search_path": [schema, "public"],
    }
    words = {"title": "Tokyo", "description": "buildings", "keywords": ["buildings"]}
    contact = {"name": "benchmark", "url": "http://127.0.0.1"}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": 5000},
            "url": "http://127.0.0.1:5000",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 10, "max_items": 1000},
            "map": {"url": "about:blank", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {**words, "keywords_type": "theme", "terms_of_service": "", "url": "http://127.0.0.1"},
            "license": {"name": "CC BY 4.0", "url": "http://127.0.0.1"},
            "provider": contact,
            "contact": contact,
        },
        "resources": {
            "tokyo": {
                "type": "collection",
                **words,
                "links": [],
                "extents": {"spatial": {"bbox": [139, 35, 140, 36]}},
                "providers": [
                    {
                        "type": "feature",
                        "name": "PostgreSQL",
                        "data": data,
                        "id_field": "fid",
                        "table": table,
                        "geom_field": "geom",
                    }
                ],
            }
        },
    }
