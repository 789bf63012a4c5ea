"""`onemap basemap`: check the base map, release it, tell what changed, verify what was released."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import CommandError, output, remarks

if TYPE_CHECKING:
    from layers.base_map.reading import ReleaseDesk
    from layers.city import City
    from layers.policy import Actor
    from layers.registry import Registry
    from twin.topology.report import TopologyReport

TROUBLE_FOUND = 1
app = typer.Typer(help="Check and release the base map · 基准底图", no_args_is_help=True, rich_markup_mode=None)
ActorOption = Annotated[str, typer.Option("--actor", help="Who does it, for the record. · 操作人")]
LayersOption = Annotated[
    list[str] | None, typer.Option("--layer", help="Only this layer; may be given several times. · 图层")
]
JsonOption = Annotated[bool, typer.Option("--json", help="The whole document as JSON. · 以 JSON 输出全文")]
NameArgument = Annotated[str, typer.Argument(help="Name of the release, such as 2026.11. · 版本名")]


@app.command()
def check(
    layer: LayersOption = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules (JSON) for this run. · 规则文件", exists=True, dir_okay=False)
    ] = None,
    as_json: JsonOption = False,
    actor: ActorOption = "command line",
    data: DataOption = None,
) -> int:
    """Check the topology; findings go to the layer basemap-findings · 拓扑检查"""
    from layers.base_map.checking import CheckRequest, check_base_map
    from twin.topology.rules import parse_rules

    request = CheckRequest(tuple(layer) if layer else None, parse_rules(_rules_in(rules)))
    with _opened(data, actor) as (registry, city, who):
        report = check_base_map(registry, city, who, request, at=datetime.now(UTC), progress=_told())
    if as_json:
        _print_json(report.to_dict())
    else:
        _show_check(report)
    return TROUBLE_FOUND if report.total else 0


@app.command()
def release(
    name: NameArgument,
    notes: Annotated[str, typer.Option(help="What readers should know. · 说明")] = "",
    layer: LayersOption = None,
    max_errors: Annotated[int, typer.Option(min=0, help="Let so many errors of topology pass. · 允许错误数")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Release in spite of errors; needs --reason. · 强制")] = False,
    reason: Annotated[str, typer.Option(help="Why it is forced; stands in the release. · 原因")] = "",
    actor: ActorOption = "command line",
    data: DataOption = None,
) -> None:
    """Check, pin, sum up and name the base map as it stands · 发布"""
    from layers.base_map.releasing import ReleaseRequest, make_release

    request = ReleaseRequest(name, notes, tuple(layer) if layer else None, max_errors, force, reason)
    with _opened(data, actor) as (registry, city, who):
        made, report = make_release(registry, city, who, request, at=datetime.now(UTC), progress=_told())
    output().print(f"{made.name}: {len(made.layers)} layers released · 已发布  sha256 {made.sha256}")
    _show_report(report.to_dict())


@app.command()
def releases(as_json: JsonOption = False, data: DataOption = None) -> None:
    """List the releases, newest first · 版本列表"""
    with _desk(data) as desk:
        found = desk.releases()
    if as_json:
        _print_json(found)
        return
    if not found:
        output().print("No release yet · 暂无版本 (onemap basemap release NAME)")
        return
    table = Table("name · 版本", "at · 时间", "author · 发布人", "layers", "features", "errors", "sha256", box=None)
    for entry in found:
        table.add_row(
            *(entry["name"], entry["at"][:16].replace("T", " "), escape(entry["author"]), str(len(entry["layers"]))),
            *(f"{entry['feature_count']:,}", str(entry["errors"]), entry["sha256"][:16]),
        )
    output().print(table)


@app.command()
def show(name: NameArgument, data: DataOption = None) -> None:
    """One release as JSON · 查看版本"""
    with _desk(data) as desk:
        _print_json(desk.release(name))


@app.command()
def report(
    name: NameArgument,
    since: Annotated[
        str | None, typer.Argument(help="Earlier release; else the one before. · 对比版本", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page. · 写成网页")] = None,
    data: DataOption = None,
) -> None:
    """What a release changed · 变更报告"""
    with _desk(data) as desk:
        found, released = desk.report(name, since), desk.release(name)
    if html is not None:
        from api.responses.html import render

        html.write_bytes(render("release_report.html", base="", report=found, release=released))
        output().print(f"{html}: written · 已写出")
    elif as_json:
        _print_json(found)
    else:
        _show_report(found)


@app.command()
def verify(name: NameArgument, data: DataOption = None) -> int:
    """Compute every checksum of a release again · 校验"""
    with _desk(data) as desk:
        outcome = desk.verify(name)
    for layer in outcome.layers:
        word = "holds · 一致" if layer.holds else f"DIFFERS · 不一致 (released {layer.released}, found {layer.found})"
        output().print(f"{layer.layer}: {word}")
    if not outcome.document_holds:
        output().print("The release's own entry DIFFERS from its checksum · 版本记录被改动")
    output().print(f"{name}: {'holds · 校验通过' if outcome.holds else 'DIFFERS · 校验不通过'}")
    return 0 if outcome.holds else TROUBLE_FOUND


@app.command()
def stale(as_json: JsonOption = False, data: DataOption = None) -> int:
    """List layers checked against an older release, or never · 落后的图层"""
    with _desk(data) as desk:
        found = desk.stale()
    if as_json:
        _print_json(found)
        return TROUBLE_FOUND if found else 0
    table = Table("layer · 图层", "checked against · 校核版本", "at · 时间", "releases behind · 落后版本数", box=None)
    for entry in found:
        table.add_row(
            entry["layer"], entry["release"] or "never · 未校核", (entry["at"] or "")[:16], str(entry["behind"])
        )
    if found:
        output().print(table)
    else:
        output().print("Every layer was checked against the newest release · 全部图层均已按最新版本校核")
    return TROUBLE_FOUND if found else 0


@contextmanager
def _opened(data: Path | None, actor: str) -> Iterator[tuple[Registry, City, Actor]]:
    from layers.city import read_city
    from layers.policy import Actor
    from layers.registry import Registry

    city = read_city(settings_for(data).city or None)
    with opened_store(data) as store:
        yield Registry(store), city, Actor(actor)


@contextmanager
def _desk(data: Path | None) -> Iterator[ReleaseDesk]:
    from layers.base_map.reading import ReleaseDesk

    with _opened(data, "command line") as (registry, city, actor):
        yield ReleaseDesk.open(registry, actor, city.projected_crs)


def _rules_in(path: Path | None) -> object:
    if path is None:
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(
            f"The rules cannot be read: {error}.", value=str(path), remedy="Give the path of a JSON file."
        ) from error


def _told() -> Callable[[str, str], None] | None:
    """Names each step where somebody watches."""
    if not remarks().is_terminal:
        return None
    return lambda layer, step: remarks().print(f"{layer}: {step}", style="dim")


def _show_check(report: TopologyReport) -> None:
    from twin.topology.kinds import SEVERITY_TITLES, kinds

    table = Table("layer · 图层", "kind · 类型", "severity · 等级", "count · 数量", box=None)
    for outcome in report.outcomes:
        for (kind, severity), count in sorted(outcome.counts.items()):
            title, level = kinds()[kind].title, SEVERITY_TITLES[severity]
            table.add_row(outcome.layer, f"{title.zh} {title.en}", f"{level.zh} {level.en}", f"{count:,}")
    if report.total:
        output().print(table)
    for outcome in report.outcomes:
        for skipped in outcome.skipped:
            output().print(escape(f"{outcome.layer}: not run · 未执行: {skipped}"))
    output().print(f"{report.summary.zh} {report.summary.en}")


def _show_report(report: Mapping[str, Any]) -> None:
    output().print(escape(f"{report['summary']['zh']} {report['summary']['en']}"))
    for layer in report["layers"]:
        output().print(escape(f"  {layer['layer']}: {layer['summary']['zh']} {layer['summary']['en']}"))


def _print_json(document: Any) -> None:
    output().print(json.dumps(document, ensure_ascii=False, indent=2), markup=False)
