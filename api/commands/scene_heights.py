"""`onemap scenes heights`: how high buildings are, measured in point clouds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api.commands.place import DataOption, opened_store
from api.commands.progress_bars import step_bars
from api.commands.terminal import CommandError, output


def measure(
    layer: Annotated[str, typer.Argument(help="Layer with footprints. · 建筑轮廓图层")],
    clouds: Annotated[list[Path], typer.Argument(help="LAS, LAZ or COPC files. · 点云文件")],
    into: Annotated[
        str | None, typer.Option("--into", help="Layer to make of it; without it the layer itself. · 写入图层")
    ] = None,
    roof: Annotated[float, typer.Option("--roof-percentile", help="Of building points. · 屋顶百分位")] = 90.0,
    ground: Annotated[float, typer.Option("--ground-percentile", help="Of ground points. · 地面百分位")] = 10.0,
    roof_class: Annotated[
        list[int] | None,
        typer.Option("--roof-class", help="Class of roof points, again for more. · 屋顶点类别", show_default="6"),
    ] = None,
    ground_class: Annotated[
        list[int] | None, typer.Option("--ground-class", help="Class of ground points. · 地面点类别", show_default="2")
    ] = None,
    roof_reach: Annotated[float, typer.Option("--roof-reach", help="Metres outside of a footprint. · 屋顶外扩")] = 0.0,
    ground_reach: Annotated[float, typer.Option("--ground-reach", help="Metres around a footprint. · 地面外扩")] = 2.0,
    least: Annotated[int, typer.Option("--least-points", help="Fewer tell nothing. · 最少点数")] = 3,
    crs: Annotated[str | None, typer.Option(help="CRS of the cloud, over what it says. · 坐标系")] = None,
    vertical_datum: Annotated[
        str | None, typer.Option(help="What its heights count from: EPSG:5737, … · 高程基准")
    ] = None,
    height_unit: Annotated[str | None, typer.Option(help="metre, foot or us-foot. · 高程单位")] = None,
    geoid_height: Annotated[float | None, typer.Option(help="Metres taken off ellipsoidal heights. · 高程异常")] = None,
    by: Annotated[str, typer.Option("--by", help="Who does it. · 操作人")] = "operator",
    data: DataOption = None,
) -> None:
    """Measure how high footprints are in a classified point cloud · 由点云量取建筑高度"""
    from layers.policy import Actor, OpenPolicy
    from layers.scenes.cloud_heights import GROUND, HeightsWish, measure_heights
    from scenes3d.buildings.cloud_heights import CloudRule
    from scenes3d.sources.reference import Stated

    for file in clouds:
        if not file.is_file():
            raise CommandError("There is no such file.", value=str(file), remedy="Check the path.")
    classes = tuple(roof_class or (6,)), tuple(ground_class or (2,))
    rule = CloudRule(roof, ground, *classes, roof_reach, ground_reach, least)
    wish = HeightsWish(Stated(crs, vertical_datum, height_unit, geoid_height), rule, into)
    with opened_store(data) as store, step_bars() as told:
        report = measure_heights(store, OpenPolicy(), layer, clouds, wish, Actor(by), partial(told, "points · 点"))
    output().print(
        f"{report.layer}: {report.measured:,} of {report.seen:,} heights · 高度 {report.measured:,} / {report.seen:,}, "
        f"{report.points:,} points · 点, {report.vertical_datum}, version {report.version}",
        markup=False,
    )
    unknown = {
        "too few roof points · 屋顶点不足": report.without_roof,
        "too few ground points · 地面点不足": report.without_ground,
        "roof not above ground · 屋顶不高于地面": report.not_above,
        "no outline · 无轮廓": report.left_out,
    }
    for words, count in unknown.items():
        if count:
            output().print(f"  {count:,} × {words}", markup=False)
    output().print(f"  build · 建模: onemap scenes build {report.layer} --base {GROUND}", markup=False)
