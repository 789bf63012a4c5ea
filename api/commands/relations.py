"""`onemap relations`: what belongs to what, by id: shown, recorded, derived, followed and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import CommandError, output

if TYPE_CHECKING:
    from layers.relating import Derived, RelationDesk
    from layers.surroundings import TieGroup

TROUBLE_FOUND = 1
app = typer.Typer(help="Links between features by id · 对象关联", no_args_is_help=True, rich_markup_mode=None)
LayerArgument = Annotated[str, typer.Argument(help="Id of the layer. · 图层")]
FeatureArgument = Annotated[str, typer.Argument(help="Id of the feature. · 要素")]
ActorOption = Annotated[str, typer.Option("--actor", help="Who does it, for the record. · 操作人")]


@app.command()
def show(
    layer: LayerArgument,
    feature: FeatureArgument,
    depth: Annotated[int, typer.Option(min=1, max=4, help="How many links to follow. · 层数")] = 1,
    data: DataOption = None,
) -> None:
    """What a feature is tied to · 查看要素的关联"""
    from layers.policy import Actor
    from layers.surroundings import MAX_TIES, surroundings
    from twin.relations.link import Ref
    from twin.relations.port import LinkQuery

    with _desk(data) as desk:
        desk.store.get(layer, feature)
        found = surroundings(desk, Ref(layer, feature), LinkQuery(end=Ref(layer, feature)), Actor(), depth=depth)
    if not found.groups:
        output().print("Nothing is tied to this feature · 没有关联")
    for line in _tree(found.groups):
        output().print(line)
    if not found.complete:
        output().print(f"… more than {MAX_TIES:,} ties: not all were followed · 关联过多，未全部展开")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="CSV or JSON of links. · CSV 或 JSON 文件", exists=True, dir_okay=False)],
    partial: Annotated[
        bool, typer.Option("--partial", help="Record the good ones, report the rest. · 只录合格的")
    ] = False,
    actor: ActorOption = "command line",
    data: DataOption = None,
) -> int:
    """Record links from a file, all or (with --partial) the good ones · 登记关联"""
    from layers.policy import Actor
    from twin.relations.documents import parse_links, read_csv
    from twin.relations.link import LinkSource
    from twin.relations.port import faults_by_code

    text = _text_of(file)
    rows = read_csv(text) if file.suffix.lower() == ".csv" else _documents_in(text, file)
    with _desk(data) as desk:
        read = parse_links(rows, LinkSource.IMPORTED)
        report = desk.record(read, Actor(actor), f"links of {file.name}", partial=partial)
    output().print(f"{len(report.ids):,} links recorded, {len(report.faults):,} refused · 已登记 / 未通过")
    for fault in faults_by_code(report.faults).values():
        first = ", ".join(f"row {entry['row']}: {entry['value']}" for entry in fault["rows"])
        output().print(escape(f"  {fault['count']:,} × {fault['problem']} {fault['remedy']} ({first})"))
    return TROUBLE_FOUND if report.faults else 0


@app.command()
def derive(
    relation: Annotated[str, typer.Argument(metavar="TYPE", help="Relation type, such as in-grid-cell. · 关系类型")],
    from_layer: Annotated[str, typer.Option("--from", help="Layer that the links start from. · 起点图层")],
    to_layer: Annotated[str, typer.Option("--to", help="Layer that they lead to. · 终点图层")],
    within_m: Annotated[float | None, typer.Option(min=0, help="How far 'nearest' looks, in metres. · 米")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be. · 只试算")] = False,
    actor: ActorOption = "command line",
    data: DataOption = None,
) -> None:
    """Propose links from geometry; certain ones are recorded as derived · 由空间推导关联"""
    from layers.policy import Actor

    with _desk(data) as desk:
        derived = desk.derive(relation, from_layer, to_layer, Actor(actor), within_m=within_m, dry_run=dry_run)
    for line in _derivation_lines(derived):
        output().print(line, markup=False)


@app.command()
def resolve(
    layer: LayerArgument,
    feature: FeatureArgument,
    at: Annotated[
        str | None, typer.Option(help="Instant (RFC 3339), layer version or release. · 时刻、版本或发布")
    ] = None,
    data: DataOption = None,
) -> int:
    """What an entity is now, or was then · 追踪实体的演变"""
    from api.relation_query import parse_moment
    from layers.policy import Actor
    from twin.relations.link import Ref

    with _desk(data) as desk:
        found = desk.resolve(Ref(layer, feature), parse_moment(at, layer, desk), Actor())
    entities = ", ".join(map(str, found.entities))
    output().print(escape(f"{found.entity}: {found.outcome.value}" + (f" → {entities}" if found.chain else "")))
    for step in found.chain:
        output().print(escape(f"  {step} ({step.recorded_at:%Y-%m-%d %H:%M}, {step.author})"))
    return 0 if found.entities else TROUBLE_FOUND


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="The whole report as JSON. · 输出 JSON")] = False,
    data: DataOption = None,
) -> int:
    """Look at every link once more; exit code 1 when something is broken · 关联完整性检查"""
    from layers.policy import Actor

    with _desk(data) as desk:
        report = desk.check(Actor())
    if as_json:
        output().print(json.dumps(report.to_document(), ensure_ascii=False, indent=2), markup=False)
        return 0 if report.sound else TROUBLE_FOUND
    output().print(f"{report.links:,} links, version {report.version} · 条关联")
    for finding in report.to_document()["findings"]:
        output().print(escape(f"{finding['severity']}: {finding['code']} × {finding['count']:,}"))
        for example in finding["examples"][:5]:
            output().print(escape(f"  {example['relation']}: {example['text']}"))
    output().print("Nothing is broken · 完好" if report.sound else "Something is broken · 有问题")
    return 0 if report.sound else TROUBLE_FOUND


@app.command()
def types(
    add: Annotated[
        Path | None, typer.Option(help="JSON of a type to add. · 新增类型的 JSON", exists=True, dir_okay=False)
    ] = None,
    actor: ActorOption = "command line",
    data: DataOption = None,
) -> None:
    """List relation types, or add one of the city's own · 关系类型"""
    from layers.policy import Actor

    with _desk(data) as desk:
        if add is not None:
            desk.add_type(_object_in(_text_of(add), add), Actor(actor))
        known = desk.types()
    table = Table("id", "title · 名称", "back · 反向", "number", "from", "to", box=None)
    for kind in known.values():
        titles = (f"{text.zh} {text.en}".strip() for text in (kind.title, kind.inverse_title))
        table.add_row(kind.id, *titles, kind.cardinality.value, str(kind.source), str(kind.target))
    output().print(table)


@app.command()
def end(
    links: Annotated[list[int], typer.Argument(help="Numbers of the links. · 关联编号")],
    actor: ActorOption = "command line",
    data: DataOption = None,
) -> None:
    """End links; their past stays readable · 结束关联"""
    from layers.policy import Actor

    with _desk(data) as desk:
        for link in links:
            desk.end(link, Actor(actor))
    output().print(f"{len(links)} ended · 已结束")


@contextmanager
def _desk(data: Path | None) -> Iterator[RelationDesk]:
    """The relations of the store that the settings name, measured in the city's projected CRS."""
    from layers.city import read_city
    from layers.policy import OpenPolicy
    from layers.relating import RelationDesk

    crs = read_city(settings_for(data).city or None).projected_crs
    with opened_store(data) as store:
        yield RelationDesk.open(store, OpenPolicy(), crs)


def _tree(groups: tuple[TieGroup, ...], indent: str = "") -> Iterator[str]:
    """One line for each tie, those found further on below it."""
    for group in groups:
        title = group.type.title if group.direction == "out" else group.type.inverse_title
        for tie in group.ties:
            now = ", ".join(map(str, tie.now))
            gone = f" (gone · 已消失{', now ' + now if now else ''})" if tie.gone else ""
            name = f" {tie.title}" if tie.title else ""
            via = f" via {tie.via}" if tie.via else ""
            known = tie.link.known_by.value
            yield escape(f"{indent}{title.zh} {title.en}: {tie.other}{name}{gone}{via} [{known}]")
            yield from _tree(tie.onward, indent + "  ")
        if group.count > len(group.ties):
            yield f"{indent}  … {group.count - len(group.ties):,} more · 更多"


def _derivation_lines(derived: Derived) -> Iterator[str]:
    found, settled = derived.found, derived.settled
    yield (
        f"{found.features:,} features: {len(found.proposals.links):,} certain, {found.ambiguous:,} ambiguous, "
        f"{found.unmatched:,} with nothing there, {found.unplaced:,} without a place"
    )
    for entry in found.examples[:10]:
        candidates = ", ".join(f"{end.id} ({score:.2f})" for end, score in entry.candidates[:4])
        yield f"  ambiguous: {entry.feature} → {candidates}"
    if settled is None:
        yield "Nothing was written · 未写入"
    else:
        yield (
            f"kept {settled.kept:,}, added {settled.added:,}, ended {settled.ended:,}, "
            f"overruled by declared links {settled.overruled:,} · 保留 / 新增 / 结束 / 以登记为准"
        )


def _documents_in(text: str, file: Path) -> list[object]:
    """The links in a JSON file: a list, or an object with `links`."""
    document = _json_in(text, file)
    links = document.get("links") if isinstance(document, dict) else document
    if not isinstance(links, list):
        raise CommandError("The file holds no list of links.", value=file.name, remedy='Write [{"type": …}, …].')
    return links


def _object_in(text: str, file: Path) -> dict[str, object]:
    document = _json_in(text, file)
    if not isinstance(document, dict):
        raise CommandError("The file holds no JSON object.", value=file.name, remedy='Write {"id": …}.')
    return document


def _json_in(text: str, file: Path) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"This is not JSON: {error}.", value=file.name, remedy="Correct the file.") from error


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError("The file is not UTF-8.", value=file.name, remedy="Save it as UTF-8.") from error
    except OSError as error:
        raise CommandError("The file cannot be read.", value=file.name, remedy="Check its rights.") from error
