"""`onemap rasters`: what rasters there are; and the branch of `onemap import` that takes one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import CommandError, output

if TYPE_CHECKING:
    from tiles.raster.book import RasterBook
    from tiles.raster.cog import Judge
    from twin.store.port import Store

SUFFIXES = (".tif", ".tiff", ".img", ".jp2", ".png", ".jpg", ".jpeg", ".webp", ".vrt", ".hgt", ".asc", ".dem", ".bil")

app = typer.Typer(help="Rasters: imagery and elevation · 影像", no_args_is_help=True)
RasterArgument = Annotated[str, typer.Argument(help="Id of the raster. · 影像标识")]


@dataclass(frozen=True, slots=True)
class RasterWords:
    """What the command line says of a raster; None where it says nothing."""

    layer: str | None
    crs: str | None
    image: str | None
    day: str | None
    title_zh: str | None
    title_en: str | None
    owner: str | None
    level: str
    nodata: float | None
    vertical_datum: str | None
    accept_because: str | None


def is_raster(file: Path) -> bool:
    """Whether a file is taken for a raster, by its name."""
    return file.suffix.lower() in SUFFIXES


def import_raster_file(
    file: Path, words: RasterWords, data: Path | None, *, dry_run: bool, said: Sequence[str]
) -> None:
    """A raster becomes a COG beside the store, and an image of the raster `layer` (the file's name without it).

    Args:
        dry_run: Judge it, and write nothing.
        said: Options that were given and mean nothing for a raster.
    """
    if said:
        raise CommandError(
            "A raster has no rows, columns or text: these options are for layers of features. · 这些选项只用于矢量图层。",
            value=", ".join(said),
            limit="--layer, --crs, --day, --image, --nodata, --vertical-datum, --level, --title-zh, --title-en, --department, "
            "--accept-because, --dry-run",
            remedy=f"Leave them away: onemap import {file.name} --day 2024-05-01. To replace an image: onemap rasters remove first.",
        )
    from layers.city import read_city
    from layers.raster_position import require_near_city
    from tiles.raster.cog import RasterWish, import_raster, judge_raster
    from twin.crs import short_name
    from twin.text import LocalText

    day = _day(words.day)
    slug = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "raster"
    wish = RasterWish(
        raster_id=words.layer or slug,
        image=words.image or (day.isoformat() if day else slug),
        title=LocalText(words.title_zh or words.title_en or file.stem, words.title_en or words.title_zh or file.stem),
        crs=words.crs,
        day=day,
        owner=words.owner or "",
        level=words.level,
        nodata=words.nodata,
        vertical_datum=words.vertical_datum,
    )
    city = read_city(settings_for(data).city or None)
    with opened_book(data) as (store, book):
        judges: list[Judge] = []
        if not words.accept_because:
            judges.append(lambda crs, box: require_near_city(store, wish.raster_id, city, crs, box))
        if dry_run:
            found = judge_raster(book, file, wish, *judges)
            output().print(
                f"{wish.raster_id}/{wish.image}: {found.size[0]} x {found.size[1]} x {found.size[2]}, {short_name(found.crs)}, "
                f"would be imported · 检查通过,未写入",
                markup=False,
            )
            return
        record = import_raster(book, file, wish, *judges)
    output().print(
        f"{record.raster_id}/{record.name}: {record.size[0]} x {record.size[1]} x {len(record.bands)}, "
        f"{record.pixel_m:.3g} m, COG {record.path.stat().st_size:,} bytes · 已导入影像",
        markup=False,
    )


@app.command("list")
def list_rasters(data: DataOption = None) -> None:
    """All rasters with their images · 列出影像"""
    with opened_book(data) as (_, book):
        for raster_id in book.ids():
            images = book.images(raster_id)
            days = ", ".join(image.name for image in images)
            output().print(f"{raster_id}  {images[0].title.pick('zh')}  {len(images)}: {days}", markup=False)


@app.command("info")
def info(raster: RasterArgument, data: DataOption = None) -> None:
    """Everything that is known of a raster, as JSON · 影像信息"""
    import json

    with opened_book(data) as (_, book):
        documents = [{"image": r.name, "file": str(r.path), **r.to_document()} for r in book.images(raster)]
    output().print(json.dumps(documents, ensure_ascii=False, indent=2), markup=False)


@app.command("remove")
def remove(
    raster: RasterArgument,
    image: Annotated[str | None, typer.Option(help="Only this image. · 仅此一期")] = None,
    data: DataOption = None,
) -> None:
    """Remove a raster, or one image of it, with its files · 删除影像"""
    with opened_book(data) as (_, book):
        gone = book.remove(raster, image)
    output().print(f"{raster}: {', '.join(r.name for r in gone)} · 已删除", markup=False)


@contextmanager
def opened_book(data: Path | None) -> Iterator[tuple[Store, RasterBook]]:
    """The store that the settings name, and its book of rasters."""
    from tiles.raster.book import RasterBook
    from twin.store.sql import SqlStore

    with opened_store(data) as store:
        assert isinstance(store, SqlStore)
        yield store, RasterBook(store, settings_for(data).raster_dir)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError("This is no day.", value=text, limit="YYYY-MM-DD", remedy="Write 2024-05-01.") from error
