"""`onemap terrain`: elevation rasters onto the shelf that the server serves terrain from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.place import DataOption, settings_for
from api.commands.terminal import output

app = typer.Typer(help="Elevation and terrain · 高程与地形", no_args_is_help=True)


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="Elevation raster: GeoTIFF, HGT, …, or a zip of one. · 高程文件")],
    datum: Annotated[
        str,
        typer.Option("--vertical-datum", help="What heights count from: EPSG:5737, ellipsoidal, unknown. · 高程基准"),
    ],
    terrain_id: Annotated[str, typer.Option("--id", help="Name in addresses. · 标识")] = "dem",
    title_zh: Annotated[str, typer.Option("--title-zh", help="Chinese title. · 中文名称")] = "",
    title_en: Annotated[str, typer.Option("--title-en", help="English title. · 英文名称")] = "",
    attribution: Annotated[str, typer.Option("--attribution", help="Whose data it is. · 数据来源")] = "",
    data: DataOption = None,
) -> None:
    """Put an elevation raster where the server finds it; one of the same id is replaced · 登记高程数据"""
    from tiles.terrain.shelf import TerrainShelf
    from twin.text import LocalText
    from twin.vertical import vertical_datum_title

    shelf = TerrainShelf(settings_for(data).data_dir / "terrain")
    title = LocalText(title_zh or title_en or terrain_id, title_en or title_zh or terrain_id)
    added = shelf.add(file, terrain_id, title, datum, attribution)
    elevation = added.surface.elevation
    named = vertical_datum_title(elevation.vertical_datum)
    rows, columns = elevation.shape
    output().print(
        f"{terrain_id}: {columns:,} × {rows:,}, {elevation.pixel_m:.2f} m, {named.en} · {named.zh} → /terrain/{terrain_id}",
        markup=False,
    )
    shelf.close()


@app.command("list")
def list_terrains(data: DataOption = None) -> None:
    """The terrains of the data folder · 列出地形"""
    from tiles.terrain.shelf import TerrainShelf
    from twin.errors import OneMapError

    shelf = TerrainShelf(settings_for(data).data_dir / "terrain")
    for terrain_id in shelf.ids():
        try:
            terrain = shelf.terrain(terrain_id)
            output().print(f"{terrain_id}\t{terrain.title.pick('zh')}\t{terrain.surface.elevation.vertical_datum}")
        except OneMapError as error:
            output().print(f"{terrain_id}\t{error.message}", markup=False)
    shelf.close()
