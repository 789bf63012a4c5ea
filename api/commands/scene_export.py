"""`onemap scenes export`: a scene as plain files, as it is served, tiled implicitly, or as 3D Tiles 1.0."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.place import DataOption
from api.commands.terminal import CommandError, output

if TYPE_CHECKING:
    from layers.scenes.desk import Scene
    from scenes3d.editions.edition import Edition

FORMATS = ("glb", "pnts")
_POINTS = "points"


def export_scene(
    scene: Annotated[str, typer.Argument(help="Id of the scene: that of its layer. · 场景标识")],
    folder: Annotated[Path, typer.Argument(help="Empty or new folder. · 目标目录")],
    implicit: Annotated[
        bool, typer.Option("--implicit", help="As an implicit quadtree with subtrees. · 隐式四叉树")
    ] = False,
    form: Annotated[
        str, typer.Option("--format", help="glb (3D Tiles 1.1), or pnts (1.0) for point clouds. · 内容格式")
    ] = "glb",
    data: DataOption = None,
) -> None:
    """Write a scene as plain files, for any viewer of 3D Tiles · 导出三维场景"""
    from api.commands.scenes import scene_desk
    from layers.policy import Actor

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(
            "The folder is not empty.", value=str(folder), limit="an empty or new folder", remedy="Name another one."
        )
    if form not in FORMATS:
        raise CommandError(
            "There is no such format.", value=form, limit=", ".join(FORMATS), remedy="Leave --format away."
        )
    with scene_desk(data) as desk:
        found = desk.scene(scene, Actor())
        count = 0
        for name, body in _files(found, desk.served(found).edition, form, implicit=implicit):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
            count += 1
    output().print(f"{scene}: {count:,} files → {folder}", markup=False)


def _files(scene: Scene, edition: Edition, form: str, *, implicit: bool) -> Iterator[tuple[str, bytes]]:
    from scenes3d.editions.folder import edition_opener
    from scenes3d.editions.implicit import implicit_files
    from scenes3d.points.repacking import pnts_files

    opened = edition_opener(scene.folder, edition)
    addresses = [*edition.addresses(), "tileset.json"]
    if form == "pnts":
        if scene.record["kind"] != _POINTS or implicit:
            raise CommandError(
                "Only a point cloud can be written as pnts, with its tiles written out.",
                value=f"{scene.id}: {scene.record['kind']}{', --implicit' if implicit else ''}",
                limit="a scene of points",
                remedy="Leave --format away.",
            )
        yield from pnts_files(addresses, opened)
    elif implicit:
        yield from implicit_files(edition, opened)
    else:
        yield from ((address, opened(address)) for address in addresses)
