"""`onemap import`: a file into a layer, with its progress in view and a report at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from api.commands.place import DataOption, opened_store
from api.commands.terminal import CommandError, output, remarks

if TYPE_CHECKING:
    from layers.import_report import ImportReport
    from layers.importing import ImportOptions
    from layers.importing import Progress as RowsSoFar
    from layers.manifest import Manifest


class Mode(StrEnum):
    UPSERT = "upsert"
    REPLACE = "replace"


FileArgument = Annotated[
    Path, typer.Argument(help="GeoJSON, GeoPackage, Shapefile (zip), FlatGeobuf, GeoParquet, CSV, …")
]


def import_file(
    file: FileArgument,
    layer: Annotated[str, typer.Option(help="Layer to write to; made when there is none. · 目标图层")],
    crs: Annotated[str | None, typer.Option(help="CRS of the coordinates, e.g. EPSG:4549.")] = None,
    id_property: Annotated[str | None, typer.Option(help="Column whose values are the feature ids.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Text encoding, e.g. GBK; found out when not said.")] = None,
    source_layer: Annotated[str | None, typer.Option(help="Layer inside the file.")] = None,
    mode: Annotated[Mode, typer.Option(help="replace also deletes what the file no longer has.")] = Mode.UPSERT,
    manifest: Annotated[Path | None, typer.Option(help="Manifest (JSON) of a new layer.")] = None,
    title_zh: Annotated[str | None, typer.Option(help="Chinese title of a new layer.")] = None,
    title_en: Annotated[str | None, typer.Option(help="English title of a new layer.")] = None,
    department: Annotated[str | None, typer.Option(help="Department id of a new layer.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row, write nothing. · 仅检查")] = False,
    data: DataOption = None,
) -> None:
    """Import a file into a layer · 导入数据"""
    if not file.is_file():
        raise CommandError("There is no such file.", value=str(file), remedy="Check the path.")
    from layers.importing import ImportOptions

    described = _manifest(layer, file, manifest, id_property, title_zh, title_en, department)
    options = ImportOptions(
        layer, crs, id_property, encoding, source_layer, mode.value, described, name=file.name, dry_run=dry_run
    )
    for report in _import(file, options, data):
        show_report(report)


def _import(file: Path, options: ImportOptions, data: Path | None) -> Iterator[ImportReport]:
    from layers.importing import import_file as import_rows

    with opened_store(data) as store, rows_in_view(file.name) as advance:
        yield import_rows(store, file, options, progress=advance)


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


class RateColumn(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:>9,.0f} rows/s" if speed else "", style="cyan")


@contextmanager
def rows_in_view(name: str) -> Iterator[Callable[[RowsSoFar], None]]:
    """A progress bar (rows, rate, time left) for the length of the block; on a pipe it stays silent."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[yellow]{task.fields[rejected]}"),
    )
    with Progress(*columns, console=remarks(), disable=not remarks().is_terminal) as bar:
        task = bar.add_task(name, total=None, rejected="")

        def advance(state: RowsSoFar) -> None:
            rejected = f"{state.rejected:,} refused" if state.rejected else ""
            bar.update(task, completed=state.rows, total=state.total, rejected=rejected)

        yield advance


def show_report(report: ImportReport) -> None:
    """The report in words; refused rows with their reasons and first examples."""
    say = output().print
    verb = "would be " if report.dry_run else ""
    say(
        f"[bold]{report.layer_id}[/]: {report.rows:,} rows of {report.source} ({report.format}, {report.crs}, "
        f"{report.crs_known_by}) in {report.seconds:.1f} s ({report.rows_per_second:,.0f} rows/s), version {report.version}"
    )
    say(
        f"  {verb}inserted {report.inserted:,}, updated {report.updated:,}, deleted {report.deleted:,}; ids: {report.ids_from}"
    )
    if report.repaired:
        say(f"  repaired geometries: {report.repaired:,}")
    if report.rejected:
        say(f"  [bold red]refused rows · 被拒绝的行: {report.rejected:,}[/]")
    for label, reasons in (("refused", report.reasons), ("changed", report.altered)):
        for reason in reasons:
            rows = ", ".join(f"row {e.row}" + (f" ({e.value})" if e.value else "") for e in reason.examples)
            say(f"  {label} {reason.count:,}: {reason.reason}" + (f" [{rows}]" if rows else ""), markup=False)
            if reason.remedy:
                say(f"    → {reason.remedy}", markup=False)
    for original, name in report.renamed:
        say(f"  column '{original}' is called '{name}'", markup=False)
    for label, names in (("not in the schema, left out", report.ignored), ("not in the file", report.absent)):
        if names:
            say(f"  columns {label}: {', '.join(names)}", markup=False)
    for note in report.notes:
        say(f"  {note}", markup=False)
