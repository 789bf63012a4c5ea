"""What the figures were measured on: `python benchmarks/machine.py` prints it, every benchmark begins with it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "numpy",
    "shapely",
    "pyarrow",
    "pyogrio",
    "sqlalchemy",
    "psycopg",
    "orjson",
    "fastapi",
    "starlette",
    "uvicorn",
)


def describe() -> list[tuple[str, str]]:
    """Name and value of each fact, in order."""
    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("processor", f"{_processor()}, {len(os.sched_getaffinity(0))} cores usable, {platform.machine()}"),
        ("memory", f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.1f} GB"),
        ("system", f"{_system()}, Linux {platform.release()}"),
        ("load", f"{', '.join(f'{load:.1f}' for load in os.getloadavg())} (1, 5, 15 min) when the run began"),
        ("Python", f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}"),
        ("packages", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)),
        ("PostgreSQL", _postgresql()),
        ("GDAL", f"{_first_line(['ogr2ogr', '--version'])}; inside the pyogrio wheel: {_wheel_gdal()}"),
    ]


def print_machine() -> None:
    """The facts as a Markdown list."""
    for name, value in describe():
        print(f"* {name}: {value}")
    print(flush=True)


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown processor"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _postgresql() -> str:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if not programs:
        return "absent"
    control = Path(f"/usr/share/postgresql/{programs[-1].parts[-3]}/extension/postgis.control")
    found = re.search(r"default_version = '(.+)'", control.read_text()) if control.exists() else None
    return f"{_first_line([str(programs[-1]), '--version'])}, PostGIS {found[1] if found else 'absent'}"


def _wheel_gdal() -> str:
    """Asked in a process of its own: whoever measures memory must not load it."""
    return _first_line([sys.executable, "-c", "import pyogrio; print(pyogrio.__gdal_version_string__)"])


def _first_line(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return "absent"
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return lines[0] if lines else "unknown"


if __name__ == "__main__":
    print_machine()
