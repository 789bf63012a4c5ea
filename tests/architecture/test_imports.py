"""Imports point down only, one door to PROJ, no web framework below api, departments do not know each other."""

from __future__ import annotations

import subprocess
import sys

from source_tree import imported_modules, place, python_files

LINT = "from importlinter.cli import lint_imports_command as run; run()"
WEB = {"fastapi", "starlette", "uvicorn"}
# Each of them costs a good part of a start in time or memory, and no server needs it before its first import, export or tile.
LATE = {
    "numba",
    "pandas",
    "geopandas",
    "pyogrio",
    "osmium",
    "open3d",
    "trimesh",
    "psycopg",
    "httpx",
    "rasterio",
    "pyarrow",
    "laspy",
    "xatlas",
    "dask",
    "distributed",
}


def outsiders(packages: tuple[str, ...], forbidden: set[str], allowed: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{place(path)} imports {module}"
        for path in python_files(*packages)
        if place(path) not in allowed
        for module in imported_modules(path.read_text(encoding="utf-8"))
        if module.split(".")[0] in forbidden
    ]


def test_the_import_contracts_hold(checkout):
    done = subprocess.run([sys.executable, "-c", LINT, "--no-cache"], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kept, 0 broken" in done.stdout


def test_only_one_file_touches_proj():
    assert outsiders((), {"pyproj"}, allowed=("twin/crs.py",)) == []
    assert outsiders(("twin",), {"pyproj"}) != [], "the scan itself must find the one door"


def test_nobody_below_api_knows_a_web_framework():
    assert outsiders(("data_samples", "layers", "tiles", "scenes3d", "twin"), WEB) == []


def test_departments_do_not_import_each_other(checkout):
    faults = []
    for path in python_files("layers/departments"):
        own = path.relative_to(checkout / "layers/departments").parts[0]
        for module in imported_modules(path.read_text(encoding="utf-8")):
            parts = module.split(".")
            if parts[:2] == ["layers", "departments"] and len(parts) > 2 and parts[2] != own:
                faults.append(f"{place(path)} imports {module}")
    assert faults == []


def test_all_imports_are_absolute():
    relative = [
        f"{place(path)}: {module}"
        for path in python_files()
        for module in imported_modules(path.read_text(encoding="utf-8"))
        if module.startswith(".")
    ]
    assert relative == []


def test_a_server_starts_without_the_heavy_libraries(checkout):
    program = "import sys, api.app, api.commands.serve, api.tile_router; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=True)
    assert LATE & set(done.stdout.split()) == set()
