"""`onemap scenes`: build 3D scenes from layers, look at them, check, publish, export and remove them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date as date_type
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from api.commands import scene_checking, scene_export, scene_heights, scene_import, scene_pruning
from api.commands.place import DataOption, opened_store, settings_for
from api.commands.progress_bars import step_bars
from api.commands.terminal import CommandError, output

if TYPE_CHECKING:
    from layers.scenes.desk import Scene, SceneDesk

app = typer.Typer(help="3D scenes: built from layers or delivered · 三维场景", no_args_is_help=True)
SceneArgument = Annotated[str, typer.Argument(help="Id of the scene: that of its layer. · 场景标识")]
ByOption = Annotated[str, typer.Option("--by", help="Who does it. · 操作人")]
FAULTS_FOUND = 1


@app.command("build")
def build(
    layer: Annotated[str, typer.Argument(help="Layer with footprints. · 建筑轮廓图层")],
    height: Annotated[str | None, typer.Option("--height", help="Property with metres. · 高度字段")] = None,
    floors: Annotated[str | None, typer.Option("--floors", help="Property with numbers of floors. · 层数字段")] = None,
    floor_height: Annotated[
        float | None, typer.Option("--floor-height", min=1.0, max=20.0, help="Metres a floor. · 层高", show_default="3")
    ] = None,
    terrain: Annotated[
        str | None, typer.Option("--terrain", help="Terrain to stand on, or none. · 地形", show_default="the only one")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", help="Property with the elevation of the foot. · 底部高程字段")
    ] = None,
    roof: Annotated[
        list[str] | None,
        typer.Option(
            "--roof",
            help="shape, height, levels, angle, direction, orientation, eaves or ridge=PROPERTY; none for flat roofs. · 屋顶字段",
            show_default="properties called so",
        ),
    ] = None,
    title_zh: Annotated[
        str | None, typer.Option(help="Title in Chinese. · 中文名称", show_default="the layer's")
    ] = None,
    title_en: Annotated[
        str | None, typer.Option(help="Title in English. · 英文名称", show_default="the layer's")
    ] = None,
    level: Annotated[str, typer.Option("--level", help="terrain, city or component. · 级别")] = "city",
    date: Annotated[str | None, typer.Option("--date", help="Day of the data, 2024-05-01. · 数据日期")] = None,
    accuracy: Annotated[
        float | None, typer.Option("--accuracy", min=0.001, help="Metres, mean square. · 平面中误差")
    ] = None,
    as_of: Annotated[int | None, typer.Option("--as-of", min=1, help="Version of the layer to add. · 历史版本")] = None,
    valid: Annotated[
        str | None, typer.Option("--datetime", help="Add what held then, 2024-05-01. · 某时有效的现状")
    ] = None,
    by: ByOption = "operator",
    data: DataOption = None,
) -> None:
    """Build the scene of a layer; what is served stays until all of it is done · 构建三维场景"""
    from layers.policy import Actor
    from layers.scenes.desk import SceneWish
    from layers.scenes.record import Level
    from twin.interval import Interval

    if level not in list(Level):
        raise CommandError("There is no such level.", value=level, limit=", ".join(Level), remedy="Try --level city.")
    title = {language: text for language, text in (("zh", title_zh), ("en", title_en)) if text}
    then = None if valid is None else Interval.parse(valid)
    wish = SceneWish(
        height,
        floors,
        floor_height,
        terrain,
        Level(level),
        day_of(date),
        accuracy,
        as_of,
        then,
        base,
        _roofs(roof),
        title,
    )
    with scene_desk(data) as desk, _progress(desk.store.layer(layer).feature_count) as told:
        scene = desk.build(layer, wish, Actor(by), told)
        version = scene.layer.version if as_of is None else as_of
        edition = scene.folder.edition_valid(version, then) if then is not None else scene.folder.edition(version)
        assert edition is not None  # it has just been kept
    report = edition.report
    output().print(
        f"{layer}: {report['built']:,} of {report['seen']:,} · 建筑 {report['built']:,} / {report['seen']:,}, "
        f"{len(edition.entries):,} tiles, {edition.length / 1e6:.1f} MB, {scene.record['ground']}, {_lods(report)}"
        f"{scene.record['state']} → /scenes/{layer}/tileset.json",
        markup=False,
    )
    for fault in report["faults"]:
        words = fault["title"]
        output().print(
            f"  {fault['count']:,} × {fault['fault']}: {words['en']} · {words['zh']} ({', '.join(fault['examples'][:3])})",
            markup=False,
        )
    if scene.record["state"] == "draft":
        output().print(f"  publish · 发布: onemap scenes review {layer} --accept --reason …", markup=False)


def _roofs(words: list[str] | None) -> dict[str, str] | None:
    if words is None or words == ["none"]:
        return None if words is None else {}
    pairs = [word.partition("=") for word in words]
    for what, equals, name in pairs:
        if not (what and equals and name):
            raise CommandError(
                "This names no property of roofs.",
                value=f"{what}{equals}{name}",
                limit="WHAT=PROPERTY, or none alone",
                remedy="Write for instance --roof shape=roof_type --roof height=roof_h.",
            )
    return {what: name for what, _, name in pairs}


def _lods(report: Mapping[str, Any]) -> str:
    return "".join(f"{count:,} {lod}, " for lod, count in report.get("lods", {}).items())


app.command("import")(scene_import.import_scene)
app.command("heights")(scene_heights.measure)


@app.command("list")
def list_scenes(data: DataOption = None) -> None:
    """The scenes of the data folder · 列出三维场景"""
    from layers.policy import Actor

    table = Table(
        "id",
        "title · 名称",
        "owner · 权属",
        "level",
        "LOD",
        "date · 日期",
        "datum · 高程基准",
        "state · 状态",
        box=None,
    )
    with scene_desk(data) as desk:
        scenes = desk.scenes(Actor())
    for scene in scenes:
        said = scene.record
        title = said["title"].get("zh") or said["title"].get("en") or ""
        table.add_row(
            scene.id,
            title,
            said["owner"],
            said["level"],
            said["lod"],
            said["date"],
            said["vertical_datum"],
            said["state"],
        )
    if scenes:
        output().print(table)
    else:
        output().print("No scenes yet · 暂无三维场景 (onemap scenes build LAYER)")


@app.command("review")
def review(
    scene: SceneArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; stays in the record. · 理由")],
    accept: Annotated[bool, typer.Option("--accept", help="Publish it. · 发布")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Show it no more. · 撤下")] = False,
    by: ByOption = "operator",
    data: DataOption = None,
) -> None:
    """Publish a scene, or show it no more · 审核三维场景"""
    from layers.policy import Actor
    from layers.reviewing import parse_decision

    if accept == reject:
        raise CommandError(
            "A review is one decision.", value=scene, limit="--accept or --reject", remedy="Give one of the two."
        )
    decision = parse_decision({"decision": "accept" if accept else "reject", "reason": reason})
    with scene_desk(data) as desk:
        decided = desk.review(scene, decision, Actor(by))
    output().print(f"{scene}: {decided.record['state']} · 已审核", markup=False)


@app.command("check")
def check(scene: SceneArgument, data: DataOption = None) -> int:
    """Look at every vertex of a scene: does it lie inside the volumes that promise it? · 检查三维场景"""
    from scenes3d.editions.folder import edition_opener
    from scenes3d.tileset.checking import check_tileset

    with scene_desk(data) as desk:
        found = _scene(desk, scene)
        checked = check_tileset("tileset.json", edition_opener(found.folder, desk.served(found).edition))
    output().print(
        f"{scene}: {checked.tiles:,} tiles, {checked.vertices:,} vertices, {len(checked.faults):,} faults · "
        f"瓦片 {checked.tiles:,}，顶点 {checked.vertices:,}，问题 {len(checked.faults):,}",
        markup=False,
    )
    for fault in checked.faults[:20]:
        output().print(f"  {fault.tile}: {fault.rule}: {fault.what}", markup=False)
    return FAULTS_FOUND if checked.faults else 0


app.command("export")(scene_export.export_scene)
app.command("prune")(scene_pruning.prune_scenes)
app.command("check-points")(scene_checking.check_points)


@app.command("remove")
def remove(
    scene: SceneArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. · 不再确认")] = False,
    by: ByOption = "operator",
    data: DataOption = None,
) -> None:
    """Remove a scene with its past; the layer stays · 删除三维场景"""
    from layers.policy import Actor

    with scene_desk(data) as desk:
        _scene(desk, scene)
        if not yes and not typer.confirm(f"Remove the scene '{scene}' with all its editions?"):
            raise CommandError("Nothing was removed.", value=scene, remedy="Say yes, or use --yes.")
        desk.remove(scene, Actor(by))
    output().print(f"{scene}: removed · 已删除", markup=False)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str, int], None]]:
    """Two bars, of features read and of buildings built."""
    done = {"read": 0, "built": 0}
    with step_bars({"read": "read · 读取", "built": "build · 建模"}) as told:

        def advance(what: str, count: int) -> None:
            done[what] += count
            told(what, done[what], total)

        yield advance


def day_of(text: str | None) -> str | None:
    """A day as the record writes it."""
    if text is None:
        return None
    try:
        return date_type.fromisoformat(text).isoformat()
    except ValueError as error:
        raise CommandError(
            "This is no day.", value=text, limit="YYYY-MM-DD", remedy="Write for instance 2024-05-01."
        ) from error


def _scene(desk: SceneDesk, scene_id: str) -> Scene:
    from layers.policy import Actor

    return desk.scene(scene_id, Actor())


@contextmanager
def scene_desk(data: Path | None) -> Iterator[SceneDesk]:
    from layers.scenes.desk import SceneDesk
    from tiles.terrain.shelf import TerrainShelf
    from twin.tasks.opening import open_tasks

    settings = settings_for(data)
    folder = settings.data_dir
    terrains = TerrainShelf(folder / "terrain")
    with opened_store(data) as store:
        try:
            yield SceneDesk(store, folder / "scenes", terrains, tasks=open_tasks(settings.tasks))
        finally:
            terrains.close()
