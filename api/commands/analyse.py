"""`onemap analyse`: ask terrain, buildings and cameras of the data folder, without a server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import CommandError, output


def analyse(
    process: Annotated[
        str | None, typer.Argument(help="Which analysis; without it they are listed. · 分析名称", show_default=False)
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(help="Inputs as name=value, values in JSON or plain text. · 输入", show_default=False),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--inputs", help="Inputs as a JSON file. · 输入文件", exists=True, dir_okay=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the whole answer as GeoJSON. · 输出文件")] = None,
    raster: Annotated[
        Path | None, typer.Option("--raster", help="Write the cells of the result as COG. · 输出栅格")
    ] = None,
    describe: Annotated[bool, typer.Option("--describe", help="Show what the analysis asks for. · 输入说明")] = False,
    actor: Annotated[str, typer.Option("--actor", help="Who asks, for the record. · 操作人")] = "command line",
    data: DataOption = None,
) -> None:
    """Analyse sight, light, heights, water and earth, with numbers · 三维分析"""
    from layers.analysis.processes import PROCESSES, process_called

    if process is None:
        for each in PROCESSES.values():
            output().print(f"{each.id}\t{each.title.zh} · {each.title.en}", markup=False)
        return
    wanted = process_called(process)
    if describe:
        from api.process_documents import process_document
        from layers.analysis.rules import RuleBook

        rules = RuleBook(settings_for(data).rules_dir)
        output().print_json(json.dumps(process_document(wanted, "", rules)["inputs"], ensure_ascii=False))
        return
    given = (json.loads(_text(file)) if file is not None else {}) | read_inputs(inputs or ())
    document = _answer(process, given, actor, data, raster)
    if out is not None:
        draft = out.with_name(f".{out.name}.part")
        draft.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        draft.replace(out)
    output().print_json(json.dumps(document["answer"], ensure_ascii=False))


def read_inputs(words: Sequence[str]) -> dict[str, Any]:
    """Inputs from `name=value`: JSON where the value is JSON, else the text itself.

    Raises:
        CommandError: if a word has no name.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise CommandError(
                "An input has no name.", value=word, limit="name=value", remedy="Write for instance from=[120.0,36.28]."
            )
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def _text(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    try:
        if isinstance(json.loads(text), dict):
            return text
    except json.JSONDecodeError:
        pass
    raise CommandError(
        "The inputs are no JSON object.", value=file.name, limit='{"name": value, …}', remedy="See --describe."
    )


def _answer(
    process: str, inputs: Mapping[str, Any], actor: str, data: Path | None, raster: Path | None
) -> dict[str, Any]:
    """The answer, and its cells as a file where that is asked for.

    Raises:
        BadCall, BadData, NotFound: as `layers.analysis.running.run`.
    """
    from layers.analysis.material import AnalysisDesk, AnalysisLimits
    from layers.analysis.processes import process_called
    from layers.analysis.rules import RuleBook
    from layers.analysis.running import prepare, run, run_both
    from layers.city import read_city
    from layers.policy import Actor
    from layers.registry import Registry
    from layers.scenes.desk import SceneDesk
    from tiles.raster.book import RasterBook
    from tiles.terrain.shelf import TerrainShelf
    from twin.store.sql import SqlStore

    settings, who = settings_for(data), Actor(actor)
    limits = AnalysisLimits(
        settings.analysis_cells_max,
        settings.analysis_rays_max,
        settings.analysis_buildings_max,
        settings.analysis_triangles_max,
    )
    with opened_store(data) as store:
        shelf = TerrainShelf(settings.data_dir / "terrain")
        registry = Registry(store, city=read_city(settings.city or None))
        scenes = SceneDesk(store, settings.data_dir / "scenes", shelf)
        rasters = RasterBook(store, settings.raster_dir) if isinstance(store, SqlStore) else None
        rules = RuleBook(settings.rules_dir)
        desk = AnalysisDesk(registry, shelf, limits, settings.inbox_dir, scenes, rasters, rules)
        try:
            ready = prepare(process_called(process), inputs, desk, who)
            if raster is None:
                return run(ready, desk, who)
            document, tiff = run_both(ready, desk, who)
            draft = raster.with_name(f".{raster.name}.part")
            draft.write_bytes(tiff)
            draft.replace(raster)
            return document
        finally:
            shelf.close()
