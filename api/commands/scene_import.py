"""`onemap scenes import`: point clouds, city models and tilesets, as they were delivered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.progress_bars import step_bars
from api.commands.terminal import CommandError, output

if TYPE_CHECKING:
    from scenes3d.frames import Frame

_STEPS = {"read": "read · 读取", "spread": "spread · 分块", "cut": "build · 建模", "tiles": "tiles · 瓦片"}
_COUNTED = {
    "points": "points · 点",
    "model": "features · 要素",
    "tileset": "tiles · 瓦片",
    "mesh": "triangles · 三角形",
}


def import_scene(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="LAS/LAZ/COPC, CityJSON/CityGML, OBJ/PLY/GLB, tileset.json or metadata.xml of OSGB, their folder or zip. "
            "· 点云、城市模型、网格、三维瓦片或倾斜摄影 OSGB"
        ),
    ],
    scene: Annotated[str | None, typer.Option("--id", help="Id of the scene. · 场景标识")] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of the coordinates, over what the file says. · 坐标系")] = None,
    vertical_datum: Annotated[
        str | None, typer.Option(help="What heights count from: EPSG:5737, ellipsoidal, unknown. · 高程基准")
    ] = None,
    height_unit: Annotated[str | None, typer.Option(help="metre, foot or us-foot. · 高程单位")] = None,
    geoid_height: Annotated[float | None, typer.Option(help="Metres taken off ellipsoidal heights. · 高程异常")] = None,
    title_zh: Annotated[str | None, typer.Option(help="Title in Chinese. · 中文名称")] = None,
    title_en: Annotated[str | None, typer.Option(help="Title in English. · 英文名称")] = None,
    owner: Annotated[str | None, typer.Option(help="Who answers for it. · 权属单位")] = None,
    level: Annotated[str, typer.Option("--level", help="terrain, city or component. · 级别")] = "city",
    date: Annotated[str | None, typer.Option("--date", help="Day of the data, 2024-05-01. · 数据日期")] = None,
    accuracy: Annotated[
        float | None, typer.Option("--accuracy", min=0.001, help="Metres, mean square. · 平面中误差")
    ] = None,
    accept_because: Annotated[
        str | None, typer.Option(help="Why it is taken although it lies elsewhere. · 接受理由")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(help="LON,LAT,HEIGHT of the origin of a mesh or tileset without a place. · 锚点")
    ] = None,
    pnts: Annotated[bool, typer.Option("--pnts", help="Points as pnts of 3D Tiles 1.0. · 旧格式点云")] = False,
    by: Annotated[str, typer.Option("--by", help="Who does it. · 操作人")] = "operator",
    data: DataOption = None,
) -> None:
    """Import point clouds, city models, meshes, OSGB or a tileset as a scene · 导入点云、城市模型、倾斜摄影、三维瓦片"""
    from api.commands.scenes import day_of
    from layers.city import read_city
    from layers.policy import Actor
    from layers.scenes.delivery import DeliveryWish, called, deliver
    from layers.scenes.desk import SceneDesk
    from layers.scenes.osgb_delivery import entry_of
    from layers.scenes.record import Level
    from scenes3d.sources.reference import Stated
    from tiles.terrain.shelf import TerrainShelf
    from twin.tasks.opening import open_tasks

    for file in files:
        if not file.exists():
            raise CommandError("There is no such file.", value=str(file), remedy="Check the path.")
    if level not in list(Level):
        raise CommandError("There is no such level.", value=level, limit=", ".join(Level), remedy="Try --level city.")
    stated = Stated(crs, vertical_datum, height_unit, geoid_height)
    wish = DeliveryWish(
        stated,
        accept_because,
        title_zh,
        title_en,
        owner,
        Level(level),
        day_of(date),
        accuracy,
        pnts=pnts,
        anchor=_anchor(anchor),
    )
    settings = settings_for(data)
    terrains = TerrainShelf(settings.data_dir / "terrain")
    files = [entry_of(file) if file.is_dir() else file for file in files]
    name = scene or re.sub(r"[^a-z0-9]+", "-", called(files[0]).partition(".")[0].lower()).strip("-") or "scene"
    try:
        with opened_store(data) as store, step_bars(_STEPS) as told:
            desk = SceneDesk(store, settings.data_dir / "scenes", terrains, tasks=open_tasks(settings.tasks))
            made = deliver(desk, name, files, wish, Actor(by), read_city(settings.city or None), told)
            edition = desk.served(made).edition
            size, faults = edition.length, edition.report["faults"]
    finally:
        terrains.close()
    output().print(
        f"{name}: {edition.report['built']:,} {_COUNTED[made.record['kind']]}, "
        f"{len(edition.addresses()):,} files, {size / 1e6:.1f} MB, {made.record['vertical_datum']}, "
        f"{made.record['state']} → /scenes/{name}/tileset.json",
        markup=False,
    )
    for fault in faults:
        title = fault.get("title")
        words = f"{fault['fault']}: {title['en']} · {title['zh']}" if title else fault["fault"]
        output().print(f"  {fault['count']:,} × {words} ({', '.join(fault['examples'][:3])})", markup=False)
    if made.record["state"] == "draft":
        output().print(f"  publish · 发布: onemap scenes review {name} --accept --reason …", markup=False)


def _anchor(text: str | None) -> Frame | None:
    from scenes3d.frames import Frame

    if text is None:
        return None
    try:
        lon, lat, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise CommandError(
            "This is no place.", value=text, limit="LON,LAT,HEIGHT", remedy="Write --anchor 120.03,36.26,20."
        ) from error
    if not (abs(lon) <= 180 and abs(lat) <= 90 and abs(height) < 10_000):
        raise CommandError("This is no place on earth.", value=text, limit="degrees and metres", remedy="Check it.")
    return Frame(lon, lat, height)
