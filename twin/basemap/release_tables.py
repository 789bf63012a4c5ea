"""The tables of releases and checks, described once for both databases."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from twin.store.tables import WHOLE


@dataclass(frozen=True)
class ReleaseTables:
    releases: sa.Table
    layers: sa.Table
    checks: sa.Table
    metadata: sa.MetaData


def release_tables(db_schema: str | None) -> ReleaseTables:
    """`om_releases`: a row a release, with its document and the report of its changes. `om_release_layers`: what it pins.

    `om_basemap_checks`: the summary of each topology check. Rows are only ever added.
    """
    metadata = sa.MetaData(schema=db_schema)
    releases = sa.Table(
        "om_releases",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )
    layers = sa.Table(
        "om_release_layers",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("layer_id", sa.Text, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.UniqueConstraint("release", "layer_id"),
    )
    checks = sa.Table(
        "om_basemap_checks",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    return ReleaseTables(releases, layers, checks, metadata)
