"""`onemap doctor layer`: does a file, or a layer that is here, lie where it says?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import output
from twin.text import LocalText

if TYPE_CHECKING:
    from layers.city import City
    from twin.store.port import Store

TargetArgument = Annotated[str, typer.Argument(help="A file, or the id of a layer. · 文件或图层编号")]
SUSPICIOUS = 1


def examine(
    context: typer.Context,
    target: TargetArgument,
    crs: Annotated[str | None, typer.Option(help="CRS of the file's coordinates, e.g. EPSG:4549. · 文件坐标系")] = None,
    source_layer: Annotated[str | None, typer.Option(help="Layer inside the file. · 文件中的图层")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The belief as JSON. · 以 JSON 输出判断")] = False,
    data: DataOption = None,
) -> None:
    """Does a file or a layer lie where it says? · 检查数据位置与坐标系

    Compares it with the base map of the store. Writes nothing. Exit code 1 when it looks wrong.
    """
    from layers.city import read_city

    data = data or context.obj
    city = read_city(settings_for(data).city or None)
    with opened_store(data) as store:
        found = (
            _file(store, Path(target), crs, source_layer, city)
            if Path(target).is_file()
            else _layer(store, target, city)
        )
    if as_json:
        output().print(json.dumps(found, ensure_ascii=False, indent=2), markup=False)
    else:
        _show(found)
    if found["belief"]["verdict"] == "suspicious":
        raise typer.Exit(SUSPICIOUS)


def _layer(store: Store, layer_id: str, city: City) -> dict[str, Any]:
    from layers.position_check import examine_layer
    from twin.standing import state_of

    state = state_of(store.layer(layer_id).document)
    belief = examine_layer(store, layer_id, city)
    return {"target": layer_id, "state": state.value, "belief": belief.to_document(), "findings": []}


def _file(store: Store, path: Path, crs: str | None, source_layer: str | None, city: City) -> dict[str, Any]:
    """A dry run: nothing is written, and a file none of whose rows can be taken is judged all the same."""
    from layers.importing import ImportOptions, Origin, import_file

    options = ImportOptions("doctor", crs=crs, source_layer=source_layer, dry_run=True, new_layer=True)
    report = import_file(store, path, options, origin=Origin(city=city))
    findings = [f"{reason.count:,}: {reason.in_both()}" for reason in (*report.reasons, *report.warnings)]
    return {"target": path.name, "crs": report.crs, "belief": dict(report.belief or {}), "findings": findings}


def _show(found: Mapping[str, Any]) -> None:
    belief = found["belief"]
    text = LocalText.parse(belief["text"])
    colour = {"suspicious": "bold red", "fits": "green"}.get(belief["verdict"], "yellow")
    table = Table(box=None, show_header=False)
    table.add_row(found["target"], f"[{colour}]{belief['verdict']}[/]")
    table.add_row("", text.en)
    table.add_row("", text.zh)
    if belief["confidence"]:
        table.add_row("sure · 把握", f"{belief['confidence']:.0%}")
    if belief["compared_with"]:
        table.add_row("compared with · 比对", ", ".join(belief["compared_with"]))
    if belief.get("correction"):
        table.add_row("correction · 纠正", json.dumps(belief["correction"], ensure_ascii=False))
    for line in found["findings"]:
        table.add_row("rows · 行", line)
    output().print(table)
