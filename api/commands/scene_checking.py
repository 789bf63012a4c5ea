"""`onemap scenes check-points`: how well a scene agrees with surveyed points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from api.commands.place import DataOption, settings_for
from api.commands.terminal import CommandError, output

_WORST = 10


def check_points(
    scene: Annotated[str, typer.Argument(help="Id of the scene. · 场景标识")],
    file: Annotated[
        Path | None,
        typer.Argument(help="Points: CSV, GeoJSON, … with id, x, y, h; scene_x, scene_y, scene_h. · 控制点文件"),
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="Points of a layer instead. · 控制点图层")] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of the coordinates, over what the file says. · 坐标系")] = None,
    vertical_datum: Annotated[
        str | None, typer.Option(help="What heights count from: EPSG:5737, ellipsoidal, unknown. · 高程基准")
    ] = None,
    height: Annotated[str | None, typer.Option("--height", help="Column of the heights. · 高程字段")] = None,
    radius: Annotated[
        float, typer.Option("--radius", help="Metres: points of a cloud so near tell it. · 取点半径")
    ] = 1.0,
    reach: Annotated[float, typer.Option("--reach", help="Metres above and below a point. · 高程搜索范围")] = 3.0,
    limit_plane: Annotated[
        float | None, typer.Option("--limit-plane", help="Allowed mean square error. · 平面中误差限差")
    ] = None,
    limit_z: Annotated[
        float | None, typer.Option("--limit-z", help="Allowed mean square error. · 高程中误差限差")
    ] = None,
    equal_accuracy: Annotated[
        bool, typer.Option("--equal-accuracy", help="The survey is no better than the scene: Σ/2n. · 同精度检测")
    ] = False,
    register_as: Annotated[
        str | None, typer.Option("--register-as", help="Keep the residuals as a layer. · 残差图层标识")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the report as JSON. · 报告文件")] = None,
    by: Annotated[str, typer.Option("--by", help="Who does it. · 操作人")] = "operator",
    data: DataOption = None,
) -> int:
    """Residuals at surveyed points, in plane and height, kept with the scene; 1 where they pass a limit · 控制点精度检查"""
    from api.commands.scenes import scene_desk
    from layers.analysis.result_layer import authorise_result
    from layers.city import read_city
    from layers.policy import Actor
    from layers.registry import Registry
    from layers.scenes.accuracy import CheckWish, check_scene
    from layers.scenes.control_points import ControlWish
    from layers.scenes.residuals import register_residuals
    from scenes3d.accuracy.summary import Limits

    if (file is None) == (layer is None):
        raise CommandError(
            "One source of points.", value=scene, limit="FILE or --layer", remedy="Give a file, or the name of a layer."
        )
    limits = Limits(limit_plane, limit_z, equal_accuracy)
    survey = ControlWish(file, layer, None, crs, vertical_datum, height)
    with scene_desk(data) as desk:
        registry = Registry(desk.store, desk.policy, city=read_city(settings_for(data).city or None))
        if register_as is not None:
            authorise_result(registry, Actor(by), register_as)
        found = check_scene(desk, scene, CheckWish(survey, radius, reach, limits), Actor(by))
        if register_as is not None:
            register_residuals(registry, Actor(by), register_as, found)
    if report is not None:
        report.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    _tell(found)
    return 0 if all(found["summary"][part].get("within") is not False for part in ("plane", "height")) else 1


def _tell(report: Mapping[str, Any]) -> None:
    said = report["summary"]
    lines = [
        f"{report['scene']} v{report['version']}: {said['points']} points · 控制点, {said['outside']} outside · 范围外"
    ]
    for part, title in (("plane", "plane · 平面"), ("height", "height · 高程")):
        told = said[part]
        if told["rmse_m"] is None:
            lines.append(f"  {title}: not measured · 未量测")
            continue
        limit = f", limit · 限差 {told['limit_m']:g} m" if "limit_m" in told else ""
        lines.append(
            f"  {title}: RMSE · 中误差 {told['rmse_m']:.3f} m, max · 最大 {told['max_m']:.3f} m, "
            f"n = {told['count']}, gross · 粗差 {told['gross']}{limit}"
        )
    sizes = [(abs(point["dz_m"] or 0.0) + (point["plane_m"] or 0.0), point) for point in report["points"]]
    for _, point in sorted(sizes, key=lambda pair: -pair[0])[:_WORST]:
        parts = [f"{name} {point[key]:+.3f}" for name, key in _AXES if point[key] is not None]
        lines.append(f"  {point['id']} {point['name']}: {', '.join(parts) or point['height_from']}")
    for line in lines:
        output().print(line, markup=False)


_AXES = (("dx", "dx_m"), ("dy", "dy_m"), ("dz", "dz_m"))
