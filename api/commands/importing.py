"""`onemap import`: a file into a layer, with its progress in view and a report at the end."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.import_words import show_report
from api.commands.place import DataOption, opened_store, settings_for
from api.commands.rasters import RasterWords, import_raster_file, is_raster
from api.commands.rows_in_view import rows_in_view
from api.commands.terminal import CommandError, warn

if TYPE_CHECKING:
    from layers.manifest import Manifest


class Mode(StrEnum):
    UPSERT = "upsert"
    REPLACE = "replace"


FileArgument = Annotated[
    Path,
    typer.Argument(
        help="GeoJSON, GeoPackage, SpatiaLite, Shapefile (zip), FlatGeobuf, GeoParquet, CSV, TopoJSON, .osm.pbf; GeoTIFF and other rasters · 矢量、表格或影像文件"
    ),
]


def import_file(
    file: FileArgument,
    layer: Annotated[
        str | None,
        typer.Option(
            help="Layer to write to, made when there is none; prefix for .osm.pbf; id of a raster, whose name serves "
            "without it. · 目标图层"
        ),
    ] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of the coordinates, e.g. EPSG:4549. · 坐标系")] = None,
    id_property: Annotated[
        str | None, typer.Option(help="Column whose values are the feature ids. · 作为要素标识的字段")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Text encoding, e.g. GBK; found out when not said. · 文本编码")
    ] = None,
    source_layer: Annotated[str | None, typer.Option(help="Layer inside the file. · 文件中的图层")] = None,
    mode: Annotated[
        Mode,
        typer.Option(help="replace also deletes what the file no longer has. · replace 同时删除文件中已没有的要素"),
    ] = Mode.UPSERT,
    manifest: Annotated[Path | None, typer.Option(help="Manifest (JSON) of a new layer. · 新图层的登记表")] = None,
    title_zh: Annotated[str | None, typer.Option(help="Chinese title of a new layer. · 新图层中文名称")] = None,
    title_en: Annotated[str | None, typer.Option(help="English title of a new layer. · 新图层英文名称")] = None,
    department: Annotated[str | None, typer.Option(help="Department id of a new layer. · 新图层所属部门标识")] = None,
    accept_because: Annotated[
        str | None, typer.Option(help="Take data that seem to lie elsewhere, for this reason. · 接受理由")
    ] = None,
    day: Annotated[str | None, typer.Option(help="Day a raster shows, YYYY-MM-DD. · 影像日期")] = None,
    image: Annotated[str | None, typer.Option(help="Name of a raster's image; its day without it. · 期次")] = None,
    nodata: Annotated[float | None, typer.Option(help="Value of a raster's unknown pixels. · 无效值")] = None,
    vertical_datum: Annotated[
        str | None, typer.Option(help="What a raster's heights count from, e.g. EPSG:5737. · 高程基准")
    ] = None,
    level: Annotated[str, typer.Option(help="public, internal or restricted, of a raster. · 密级")] = "internal",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row, write nothing. · 仅检查")] = False,
    data: DataOption = None,
) -> None:
    """Import a file into a layer · 导入数据"""
    if not file.is_file():
        raise CommandError("There is no such file.", value=str(file), remedy="Check the path.")
    if is_raster(file):
        words = RasterWords(
            layer, crs, image, day, title_zh, title_en, department, level, nodata, vertical_datum, accept_because
        )
        senseless = {
            "--id-property": id_property,
            "--encoding": encoding,
            "--source-layer": source_layer,
            "--manifest": manifest,
            "--mode replace": None if mode is Mode.UPSERT else mode,
        }
        said_of_rows = [option for option, value in senseless.items() if value is not None]
        import_raster_file(file, words, data, dry_run=dry_run, said=said_of_rows)
        return
    if layer is None:
        raise CommandError("Which layer is it for?", value=file.name, remedy="Add --layer ID. · 请指定目标图层")
    from layers.city import read_city
    from layers.importing import ImportOptions, Origin
    from layers.importing import import_file as import_rows
    from twin.formats.reading import is_osm

    if is_osm(file):
        said: dict[str, object] = {
            "--crs": crs,
            "--id-property": id_property,
            "--encoding": encoding,
            "--source-layer": source_layer,
        }
        said |= {"--manifest": manifest, "--title-zh": title_zh, "--title-en": title_en, "--department": department}
        said |= {"--dry-run": dry_run or None, "--mode replace": None if mode is Mode.UPSERT else mode}
        _import_extract(file, layer, [option for option, value in said.items() if value is not None], data)
        return
    described = _manifest(layer, file, manifest, id_property, title_zh, title_en, department)
    options = ImportOptions(
        layer,
        crs,
        id_property,
        encoding,
        source_layer,
        mode.value,
        described,
        name=file.name,
        dry_run=dry_run,
        accept_because=accept_because,
    )
    origin = Origin(city=read_city(settings_for(data).city or None))
    with opened_store(data) as store, rows_in_view() as advance:
        report = import_rows(store, file, options, progress=partial(advance, file.name), origin=origin)
    show_report(report)
    if described is not None and not report.created and not dry_run:
        warn(
            f"'{layer}' was there already: its rows are updated, its title and manifest are as they were (PATCH /layers)."
        )


def _import_extract(file: Path, prefix: str, said: list[str], data: Path | None) -> None:
    """An OpenStreetMap extract becomes several layers, which know their own CRS, ids and titles."""
    from layers.city import read_city
    from layers.importing import Origin, import_osm

    if said:
        raise CommandError(
            "An OpenStreetMap extract becomes the layers of a base map, which know this themselves.",
            value=", ".join(said),
            limit="--layer and --data",
            remedy=f"Leave the others away: onemap import {file.name} --layer {prefix}",
        )
    origin = Origin(city=read_city(settings_for(data).city or None))
    with opened_store(data) as store, rows_in_view() as advance:
        reports = import_osm(store, file, prefix, name=file.name, progress=advance, origin=origin)
    for report in reports:
        show_report(report)


def _manifest(
    layer: str,
    file: Path,
    manifest: Path | None,
    id_property: str | None,
    title_zh: str | None,
    title_en: str | None,
    department: str | None,
) -> Manifest | None:
    """The manifest that the options describe, or None when they say nothing and the file speaks for itself."""
    from layers.manifest import parse_manifest
    from layers.manifest_draft import draft_manifest

    described = manifest is not None or title_zh or title_en or department
    document = _read_document(manifest) if manifest else draft_manifest("draft", file.name, id_property).to_document()
    changes: dict[str, object] = {"id": layer}
    if title_zh or title_en:
        changes["title"] = {"zh": title_zh or title_en, "en": title_en or title_zh}
    if department:
        changes |= {"department": department, "department_title": {"zh": department, "en": department}}
    parsed = parse_manifest(
        {**document, **changes}
    )  # also where it is not used: a bad id is named before the file is read
    return parsed if described else None


def _read_document(manifest: Path) -> dict[str, object]:
    try:
        document = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(
            f"The manifest cannot be read: {error}.", value=str(manifest), remedy="Give the path of a JSON file."
        ) from error
    if not isinstance(document, dict):
        raise CommandError("The manifest is not a JSON object.", value=str(manifest), remedy="Write {…}.")
    return document
