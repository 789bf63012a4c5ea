"""Where layers are kept: one port (`port.py`), a GeoPackage file or PostGIS behind it. Start with `open_store`."""

from __future__ import annotations

from pathlib import Path

from twin.store.port import Store


def open_store(target: str | Path, **options: object) -> Store:
    """The store behind a PostgreSQL address (`postgresql://…`) or a file path.

    Args:
        target: Address or path; a path is made when absent.
        options: Passed to the adapter (`wait_s`, `synchronous`, `db_schema`).
    """
    if isinstance(target, str) and target.startswith(("postgresql:", "postgresql+", "postgres:")):
        from twin.store.postgis import PostGISStore

        return PostGISStore(target, **options)  # type: ignore[arg-type]
    from twin.store.gpkg import GeoPackageStore

    return GeoPackageStore(Path(target), **options)  # type: ignore[arg-type]
