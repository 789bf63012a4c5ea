"""`onemap layers`: what is registered, one layer in full, and taking one away."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from api.commands.place import DataOption, opened_store
from api.commands.terminal import CommandError, output

app = typer.Typer(help="List, show and remove layers · 图层管理", invoke_without_command=True, rich_markup_mode=None)

LayerArgument = Annotated[str, typer.Argument(help="Id of the layer.")]


@app.callback()
def list_layers(context: typer.Context, data: DataOption = None) -> None:
    """List, show and remove layers · 图层管理"""
    context.obj = data
    if context.invoked_subcommand is not None:
        return
    with opened_store(data) as store:
        records = store.layers()
    if not records:
        output().print("No layers yet · 暂无图层 (onemap import FILE --layer ID, or onemap demo)")
        return
    table = Table("id", "title · 名称", "department · 部门", "geometry", "features", "version", "updated", box=None)
    for record in records:
        title, department = record.document.get("title") or {}, record.document.get("department_title") or {}
        table.add_row(
            record.id,
            " · ".join(dict.fromkeys(filter(None, (title.get("zh"), title.get("en"))))),
            department.get("zh") or record.document.get("department") or "",
            record.schema.geometry_type.value,
            f"{record.feature_count:,}",
            str(record.version),
            f"{record.updated_at:%Y-%m-%d %H:%M}",
        )
    output().print(table)


@app.command()
def show(context: typer.Context, layer: LayerArgument, data: DataOption = None) -> None:
    """A layer's manifest and state as JSON · 查看图层"""
    from layers.catalogue import layer_entry

    with opened_store(data or context.obj) as store:
        entry = layer_entry(store.layer(layer))
    output().print(json.dumps(entry, ensure_ascii=False, indent=2), markup=False)


@app.command()
def remove(
    context: typer.Context,
    layer: LayerArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. · 不再确认")] = False,
    data: DataOption = None,
) -> None:
    """Remove a layer with its data and history · 删除图层"""
    with opened_store(data or context.obj) as store:
        record = store.layer(layer)
        if not yes and not typer.confirm(f"Remove '{layer}' with {record.feature_count:,} features and its history?"):
            raise CommandError("Nothing was removed.", value=layer, remedy="Say yes, or use --yes.")
        store.drop_layer(layer)
    output().print(f"{layer}: removed · 已删除 ({record.feature_count:,} features)")
