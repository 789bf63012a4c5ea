"""`onemap places`: find a place by what one would type, or tell what lies at a point."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import CommandError, output
from twin.standing import is_shown

if TYPE_CHECKING:
    from layers.city import City
    from twin.places.port import Place
    from twin.places.reverse import Surroundings
    from twin.store.port import Store

_POINT = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*[,，]\s*(-?\d{1,2}(?:\.\d+)?)\s*")
# The whole index is brought up first, however long that takes.
_WAIT_S = 3_600.0


def places(
    text: Annotated[str, typer.Argument(help="Name, pinyin, initials, English or address. · 地名、拼音、地址")] = "",
    at: Annotated[str, typer.Option("--at", help="LON,LAT: tell what lies there. · 查询某点", metavar="LON,LAT")] = "",
    near: Annotated[str, typer.Option("--near", help="LON,LAT: prefer what is near. · 就近", metavar="LON,LAT")] = "",
    limit: Annotated[int, typer.Option(min=1, max=50, help="At most so many. · 条数")] = 10,
    data: DataOption = None,
) -> None:
    """Find places by name, or what lies at a point · 地名搜索"""
    if bool(text.strip()) == bool(at):
        raise CommandError(
            "Say either what to look for or where to look.",
            value=text,
            remedy='Write onemap places "胶州一中", or onemap places --at 120.0046,36.2788.',
        )
    from layers.city import read_city

    city = read_city(settings_for(data).city or None)
    with opened_store(data) as store:
        if at:
            _tell(_surroundings(store, city, _point(at, "--at")), city)
        else:
            _list(_found(store, city, text, _point(near, "--near") if near else None, limit))


def _found(store: Store, city: City, text: str, near: tuple[float, float] | None, limit: int) -> list[Place]:
    from twin.places import open_place_index
    from twin.places.port import PlaceQuery

    with closing(open_place_index(store)) as index:
        status = index.refresh(_WAIT_S)
        if status.failure:
            raise CommandError("The place index is not complete.", value=status.failure, remedy="onemap doctor")
        layers = {record.id: None for record in store.layers() if is_shown(record.document)}
        return index.search(PlaceQuery(text, city.bounds, layers, near=near, limit=limit))


def _surroundings(store: Store, city: City, point: tuple[float, float]) -> Surroundings:
    from twin.places.reverse import Surveyor

    shown = [record for record in store.layers() if is_shown(record.document)]
    return Surveyor(store, shown, city.bounds, city.projected_crs).at(*point)


def _list(found: list[Place]) -> None:
    if not found:
        output().print("Nothing was found · 没有找到")
        return
    table = Table("name · 名称", "", "kind · 类型", "address · 地址", "m", "layer · 图层", "how", box=None)
    for place in found:
        known = " · ".join(part for part in (place.pinyin, place.name.en) if part)
        formerly = f" (formerly · 曾用名 {place.formerly})" if place.formerly else ""
        table.add_row(
            escape((place.name.zh or place.name.en or place.address) + formerly),
            escape(known),
            place.value or place.kind,
            escape(place.address),
            "" if place.distance_m is None else f"{place.distance_m:,.0f}",
            escape(f"{place.layer_id}/{place.feature_id}"),
            place.how.value,
        )
    output().print(table)


def _tell(found: Surroundings, city: City) -> None:
    if not found.inside:
        output().print(f"Outside of {city.name.en} · 不在{city.name.zh}范围内")
        return
    table = Table("", "", "m", "layer · 图层", box=None)
    if found.town:
        table.add_row("town · 镇（街道）", escape(f"{found.town.name.zh} {found.town.code}"), "0", found.town.layer_id)
    if found.community:
        where = found.community
        table.add_row("community · 社区", escape(f"{where.name} {where.code}"), "0", where.layer_id)
    if found.cell:
        cell = found.cell
        table.add_row("grid cell · 单元网格", escape(f"{cell.name} {cell.code} {cell.duty}"), "0", cell.layer_id)
    for title, near in (("road · 道路", found.road), ("address · 地址", found.address), ("place · 地点", found.poi)):
        if near:
            named = " ".join(part for part in (near.name.zh or near.name.en, near.address, near.side.zh) if part)
            table.add_row(title, escape(named), f"{near.distance_m:,.1f}", f"{near.layer_id}/{near.feature_id}")
    output().print(table)


def _point(text: str, option: str) -> tuple[float, float]:
    found = _POINT.fullmatch(text)
    if found is None or abs(float(found[1])) > 180 or abs(float(found[2])) > 90:
        raise CommandError(
            f"{option} is no place on the earth.",
            value=text,
            limit="longitude -180 to 180, latitude -90 to 90, in degrees",
            remedy=f"Write {option} 120.0046,36.2788 (longitude first).",
        )
    return float(found[1]), float(found[2])
