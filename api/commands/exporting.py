"""`onemap export`: a layer, or what a box and a filter leave of it, into a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.place import DataOption, opened_store
from api.commands.rows_in_view import rows_in_view
from api.commands.terminal import CommandError, output

if TYPE_CHECKING:
    from api.commands.rows_in_view import Advance
    from twin.crs import CRS
    from twin.feature import FeatureBatch
    from twin.formats.export import ExportFormat
    from twin.query import FeatureQuery
    from twin.schema import Schema
    from twin.store.port import Store

FORMATS = "geojson, ndjson, csv, fgb, parquet, gpkg, shp"


def export(
    layer: Annotated[str, typer.Argument(help="Id of the layer. · 图层")],
    file: Annotated[
        Path, typer.Argument(help="File to write; its ending tells the format. · 输出文件，格式由扩展名决定")
    ],
    format_name: Annotated[
        str | None, typer.Option("--format", help=f"Where the ending does not tell: {FORMATS}. · 输出格式")
    ] = None,
    crs: Annotated[str, typer.Option(help="CRS of the coordinates, e.g. EPSG:4549. · 坐标系")] = "EPSG:4490",
    bbox: Annotated[
        str | None, typer.Option(help="west,south,east,north in degrees: only what meets it. · 范围")
    ] = None,
    filter_text: Annotated[
        str | None, typer.Option("--filter", help="CQL2 text: only what answers it. · CQL2 过滤条件")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            help="As the layer stood: an instant, a date (its end), a version, v12, or release:2026.11. · 图层当时的状态",
        ),
    ] = None,
    when: Annotated[
        str | None,
        typer.Option("--datetime", help="Of each feature what held then: instant or start/end. · 当时有效的状态"),
    ] = None,
    data: DataOption = None,
) -> None:
    """Export a layer to a file · 导出数据"""
    from twin.crs import parse_crs
    from twin.formats.export import format_of, write_features
    from twin.standing import require_shown

    wanted = _format(format_name) if format_name else format_of(file)
    target = parse_crs(crs)
    if not file.absolute().parent.is_dir():
        raise CommandError("The folder of the file does not exist.", value=str(file), remedy="Make it first.")
    with opened_store(data) as store, rows_in_view() as advance:
        record = store.layer(layer)
        require_shown(layer, record.document)
        schema = record.schema
        query = _at(_query(schema, bbox, filter_text), store, layer, as_of, when)
        batches = _batches(store, layer, query, target, advance)
        count = write_features(batches, file, wanted, schema=schema, crs=crs, layer=layer)
    output().print(
        f"{layer}: {count:,} feature{'' if count == 1 else 's'} → {file} ({wanted.value}, {crs}) · 已导出", markup=False
    )


def _format(name: str) -> ExportFormat:
    from twin.formats.export import ExportFormat

    try:
        return ExportFormat(name.lower())
    except ValueError as error:
        raise CommandError(
            f"'{name}' is not a format that can be written.", limit=FORMATS, remedy="Name one of these."
        ) from error


def _query(schema: Schema, bbox: str | None, filter_text: str | None) -> FeatureQuery:
    from api.crs_edge import edge_crs
    from api.parameters import parse_bbox
    from twin.cql2 import parse_filter
    from twin.crs import CRS84
    from twin.query import FeatureQuery

    bounds = parse_bbox(bbox, edge_crs(CRS84, "--bbox")) if bbox else None
    tree = parse_filter(filter_text, schema) if filter_text else True
    if isinstance(tree, bool):  # the filter says yes or no to everything
        return FeatureQuery(bounds=bounds, ids=None if tree else ())
    return FeatureQuery(bounds=bounds, filter=tree)


def _at(query: FeatureQuery, store: Store, layer: str, as_of: str | None, when: str | None) -> FeatureQuery:
    """The query at the moment asked for."""
    from api.moments import parse_moment
    from twin.moment import resolve_as_of

    given = {"as_of": as_of, "datetime": when}
    moment = parse_moment({name: text for name, text in given.items() if text is not None}, store)
    version = None if moment.as_of is None else resolve_as_of(store, layer, moment.as_of)
    return replace(query, as_of=version, interval=moment.interval)


def _batches(store: Store, layer: str, query: FeatureQuery, crs: CRS, advance: Advance) -> Iterator[FeatureBatch]:
    """The rows in `crs`, with their progress in view."""
    import shapely

    from layers.import_source import Progress
    from twin.crs import from_cgcs2000, is_same_place

    total, rows = store.count(layer, query), 0
    for batch in store.iterate(layer, query):
        if is_same_place(crs):
            yield batch
        else:
            moved = shapely.to_wkb(from_cgcs2000(batch.geometries, crs), flavor="iso")
            yield replace(batch, wkb=list(moved))
        rows += len(batch)
        advance(layer, Progress(rows, 0, total))
