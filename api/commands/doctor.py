"""`onemap doctor`: what this machine has, what it lacks, and what that means.

`onemap doctor layer` is in `api/commands/doctor_layer.py`.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from api.commands import doctor_layer
from api.commands.place import DataOption, settings_for
from api.commands.terminal import error_line, output
from twin.errors import OneMapError

if TYPE_CHECKING:
    from api.settings import Settings

LIBRARIES = ("numpy", "shapely", "pyproj", "pyogrio", "pyarrow", "fastapi", "pydeck", "osmium")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report.

    Attributes:
        state: "ok"; "note" for something optional that is missing; "trouble" for what stops the server from working.
        remedy: What to do about it.
    """

    name: str
    state: str
    found: str
    remedy: str = ""


app = typer.Typer(
    help="Check this machine, or a layer · 检查运行环境或图层", invoke_without_command=True, rich_markup_mode=None
)
app.command("layer")(doctor_layer.examine)


@app.callback()
def doctor(context: typer.Context, data: DataOption = None) -> None:
    """Check this machine · 检查运行环境

    Exit code 1 when something would stop the server. With `layer`, check whether a layer or a file lies where it says.
    """
    context.obj = data
    if context.invoked_subcommand is not None:
        return
    checks = list(examine(settings_for(data)))
    marks = {"ok": "[green]✓[/]", "note": "[yellow]–[/]", "trouble": "[bold red]✗[/]"}
    width = max(len(check.name) for check in checks)
    for check in checks:
        output().print(f"{marks[check.state]} {check.name:<{width}}  {check.found}", markup=True)
        if check.remedy:
            output().print(f"  {'':<{width}}  → {check.remedy}", markup=False)
    if any(check.state == "trouble" for check in checks):
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, in the order in which trouble is best mended."""
    yield Check("Python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield from check_libraries()
    yield check_rtree()
    yield check_data_dir(settings.data_dir)
    yield check_store(settings)
    yield check_port(settings.host, settings.port)
    yield check_program("PostGIS server", find_postgis, "only for the tests of the PostGIS store", "postgresql-postgis")
    yield check_program("Chromium", find_chromium, "only for the tests of the page", "chromium fonts-noto-cjk")
    yield check_program("GDAL programs", lambda: shutil.which("ogrinfo"), "only for tests with GDAL", "gdal-bin")
    yield check_program("osgconv", lambda: shutil.which("osgconv"), "only for scenes out of OSGB", "openscenegraph")


def check_libraries() -> Iterator[Check]:
    """Versions of the project and of the libraries that decide what it can do."""
    reinstall = "Run ./onemap in the checkout once: it installs what the lock says."
    versions = {}
    for name in ("onemap-twin", *LIBRARIES):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    missing = [name for name in LIBRARIES if name not in versions]
    found = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield (
        Check("libraries", "trouble", f"missing: {', '.join(missing)}", reinstall)
        if missing
        else Check("libraries", "ok", found)
    )
    try:
        import pyogrio
        import shapely
    except ImportError as error:
        yield Check("GDAL, GEOS", "trouble", str(error), reinstall)
    else:
        gdal = ".".join(map(str, pyogrio.__gdal_version__))
        yield Check("GDAL, GEOS", "ok", f"GDAL {gdal}, GEOS {shapely.geos_version_string} inside the libraries")


def check_rtree() -> Check:
    """Whether Python's own SQLite has the spatial index that the embedded store needs."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE probe USING rtree(id, west, east, south, north)")
        except sqlite3.OperationalError as error:
            remedy = "Use a Python whose sqlite3 has R-tree (Debian's has), or set ONEMAP_STORE to a PostgreSQL URL."
            return Check("SQLite R-tree", "trouble", f"SQLite {sqlite3.sqlite_version}: {error}", remedy)
    return Check("SQLite R-tree", "ok", f"SQLite {sqlite3.sqlite_version} with R-tree")


def check_data_dir(folder: Path) -> Check:
    """Whether the data folder can be written to, or made; nothing is made."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Check("data folder", "trouble", f"{folder}: cannot be written to", "Choose another with --data DIR.")
    free_gb = shutil.disk_usage(place).free / 1e9
    state = "exists" if folder.exists() else "will be made"
    if free_gb < 1:
        return Check("data folder", "trouble", f"{folder}: only {free_gb:.2f} GB free", "Make room on that disk.")
    return Check("data folder", "ok", f"{folder} ({state}, {free_gb:.0f} GB free)")


def check_store(settings: Settings) -> Check:
    """Which store is in use and how much is in it; an embedded one that does not exist yet is not made."""
    from sqlalchemy.engine import make_url

    location = settings.store_location
    if "://" in location:
        shown = make_url(location).render_as_string(hide_password=True)
    else:
        shown = location
        if not Path(location).exists():
            return Check("store", "ok", f"GeoPackage {location} (will be made)")
    try:
        from twin.store import open_store

        with contextlib.closing(open_store(location)) as store:
            layers = store.layers()
    except OneMapError as error:
        return Check("store", "trouble", f"{shown}: {error_line(error)}", "Mend it, or name another with ONEMAP_STORE.")
    rows = sum(layer.feature_count for layer in layers)
    return Check("store", "ok", f"{shown}: {len(layers)} layers, {rows:,} features")


def check_port(host: str, port: int) -> Check:
    """Whether the port is free; a server that already runs there is only noted."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check("port", "note", f"{host} port {port}: {error.strerror}", "Choose another with --port.")
    return Check("port", "ok", f"{host} port {port} is free")


def check_program(name: str, find: Callable[[], str | None], purpose: str, package: str) -> Check:
    """Whether an optional program is installed."""
    path = find()
    if path:
        return Check(name, "ok", path)
    return Check(name, "note", f"not installed; {purpose}", f"sudo apt-get install {package}")


def find_postgis() -> str | None:
    controls = sorted(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))
    return str(controls[-1].parents[1]) if controls else None


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome-stable"))), None)
