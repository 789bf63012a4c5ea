"""`onemap layers`: what is registered, one layer in full, decisions on those that are held, and taking one away."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import CommandError, output
from twin.standing import state_of

app = typer.Typer(help="List, show and remove layers · 图层管理", invoke_without_command=True, rich_markup_mode=None)

LayerArgument = Annotated[str, typer.Argument(help="Id of the layer. · 图层标识")]


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
    table = Table(
        "id",
        "title · 名称",
        "department · 部门",
        "geometry",
        "features",
        "version",
        "updated",
        "state · 状态",
        box=None,
    )
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
            state_of(record.document).value,
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
def review(
    context: typer.Context,
    layer: LayerArgument,
    reason: Annotated[str, typer.Option(help="Why; stays in the layer's lineage. · 理由")],
    correct: Annotated[
        str | None,
        typer.Option(help="GCJ-02, BD-09, EPSG:4528, swap-axes: publish after this correction. · 按此纠正后发布"),
    ] = None,
    shift_m: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Publish after moving everything so many metres east and north. · 整体平移（东、北，米）后发布"
        ),
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Publish as it is. · 按现状发布")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Show it nowhere. · 不予展示")] = False,
    by: Annotated[str, typer.Option(help="Who decides. · 审核人")] = "operator",
    data: DataOption = None,
) -> None:
    """Decide on a layer that is held: accept, correct or reject it · 审核图层"""
    from layers.city import read_city
    from layers.policy import Actor
    from layers.registry import Registry
    from layers.reviewing import parse_decision

    wishes: list[dict[str, object]] = []
    wishes += [{"decision": "accept"}] if accept else []
    wishes += [{"decision": "reject"}] if reject else []
    wishes += [{"decision": "correct", "correction": correct}] if correct else []
    wishes += [{"decision": "correct", "correction": {"shift_m": list(shift_m)}}] if shift_m else []
    if len(wishes) != 1:
        raise CommandError(
            "A review is one decision.",
            value=f"{len(wishes)} decisions",
            limit="one of --accept, --reject, --correct, --shift-m",
            remedy=f"onemap layers review {layer} --correct GCJ-02 --reason …",
        )
    data = data or context.obj
    with opened_store(data) as store:
        registry = Registry(store, city=read_city(settings_for(data).city or None))
        record = registry.review(layer, parse_decision({**wishes[0], "reason": reason}), Actor(by))
    done = record.document["lineage"][-1]
    moved = f", {done['count']:,} features moved" if "count" in done else ""
    output().print(f"{layer}: {done['decision']}{moved}, now {state_of(record.document).value} · 已审核", markup=False)
    for name, label in (("residual_before", "before · 之前"), ("residual_after", "after · 之后")):
        if name in done:
            left = done[name]
            output().print(
                f"  {label}: median {left['median_m']:g} m from the base map, {left['share_within_60_m']:.0%} within 60 m",
                markup=False,
            )


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
