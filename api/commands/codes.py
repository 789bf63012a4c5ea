"""`onemap codes`: the codes of a place, or what a code says; `onemap divisions`: editions of the division list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.terminal import CommandError, output

if TYPE_CHECKING:
    from layers.place_codes import PlaceCodes
    from twin.codes.port import CodeReading

# Longitudes of the western hemisphere begin with a minus and are no options.
NEGATIVE_NUMBERS = {"ignore_unknown_options": True}
AtOption = Annotated[str | None, typer.Option("--at", help="Day for names and boundaries (YYYY-MM-DD). · 日期")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON. · 输出 JSON")]

divisions_app = typer.Typer(
    help="Editions of the division list · 行政区划版本", invoke_without_command=True, rich_markup_mode=None
)


def codes(
    words: Annotated[
        list[str], typer.Argument(metavar="LON LAT | CODE", help="A place, or a code of any system. · 经纬度或任一代码")
    ],
    height: Annotated[float | None, typer.Option(help="Metres above the ellipsoid. · 大地高")] = None,
    system: Annotated[str | None, typer.Option(help="Only this code system. · 代码体系")] = None,
    at: AtOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """The codes of a place, or what a code says · 代码查询"""
    with _opened(data) as place_codes:
        if len(words) == 1:
            _show_code(place_codes, words[0], system, _day(at), as_json=as_json)
        elif len(words) == 2:
            _show_place(place_codes, words, height, _day(at), as_json=as_json)
        else:
            raise CommandError(
                "A place is two numbers, a code is one word.",
                value=" ".join(words),
                limit="LON LAT, or CODE",
                remedy="onemap codes 120.0335 36.2645, or onemap codes J51G090001",
            )


def _show_place(
    place_codes: PlaceCodes, words: Sequence[str], height: float | None, day: date, *, as_json: bool
) -> None:
    from api.code_documents import place_rows, with_addresses
    from api.code_query import parse_place
    from layers.policy import Actor

    given = {"lon": words[0], "lat": words[1]} | ({} if height is None else {"height": str(height)})
    document = place_codes.at(parse_place(given), day, Actor())
    if as_json:
        output().print(json.dumps(document, ensure_ascii=False, indent=2), markup=False)
        return
    table = Table("system · 体系", "which · 说明", "code · 代码", box=None)
    for row in place_rows(with_addresses(document, "")):
        code = row["code"] or f"unknown · 未知 ({row['remark']})"
        table.add_row(f"{row['heading'].zh} · {row['heading'].en}", row["words"], code)
    output().print(table)


def _show_code(place_codes: PlaceCodes, code: str, system: str | None, day: date, *, as_json: bool) -> None:
    from layers.policy import Actor

    readings = place_codes.read(code, day, Actor(), system)
    if as_json:
        output().print(_geojson(readings), markup=False)
        return
    from api.code_documents import code_rows

    for reading in readings:
        output().print(f"{reading.title.zh} · {reading.title.en}", markup=False)
        table = Table(show_header=False, box=None)
        for heading, text in code_rows(reading):
            table.add_row(f"{heading.zh} · {heading.en}", text)
        output().print(table)


def _geojson(readings: Sequence[CodeReading]) -> str:
    import orjson

    from api.code_documents import collection_of

    return orjson.dumps(collection_of(readings, ""), option=orjson.OPT_INDENT_2).decode()


@divisions_app.callback()
def list_editions(context: typer.Context, data: DataOption = None) -> None:
    """Editions of the division list · 行政区划版本"""
    context.obj = data
    if context.invoked_subcommand is not None:
        return
    with _opened(data) as place_codes:
        editions = place_codes.divisions.editions()
    table = Table("edition · 版本", "from · 自", "to · 至", "begun · 新增", "ended · 终止", "source · 来源", box=None)
    for entry in editions:
        head = entry.head
        end = "" if head.valid_to is None else head.valid_to.isoformat()
        table.add_row(head.id, head.valid_from.isoformat(), end, f"{entry.begun:,}", f"{entry.ended:,}", head.source)
    output().print(table)


@divisions_app.command("import")
def import_divisions(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV with the columns code and name. · 含 code、name 两列的 CSV"
        ),
    ],
    edition: Annotated[str, typer.Option(help="Name of the new edition. · 版本名")],
    valid_from: Annotated[str, typer.Option("--valid-from", help="First day (YYYY-MM-DD). · 生效日期")],
    valid_to: Annotated[str | None, typer.Option("--valid-to", help="First day it no longer holds. · 失效日期")] = None,
    source: Annotated[str, typer.Option(help="Where the list comes from. · 来源")] = "",
    data: DataOption = None,
) -> None:
    """Take a list of divisions in as a new edition · 导入区划版本"""
    from twin.codes.division_editions import EditionHead, read_divisions_csv
    from twin.store.port import Author

    head = EditionHead(edition, _day(valid_from), None if valid_to is None else _day(valid_to), source)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError("The table is not UTF-8.", value=str(file), remedy="Save it as UTF-8.") from error
    taken = read_divisions_csv(text, head)
    with _opened(data or context.obj) as place_codes:
        recorded = place_codes.divisions.add(taken, Author("command line", f"edition {edition}"))
    output().print(f"{edition}: {recorded.begun:,} divisions begun · 新增, {recorded.ended:,} ended · 终止")


@contextmanager
def _opened(data: Path | None) -> Iterator[PlaceCodes]:
    from layers.city import read_city
    from layers.place_codes import PlaceCodes
    from layers.registry import Registry
    from twin.codes.division_store import open_divisions

    city = read_city(settings_for(data).city or None)
    with opened_store(data) as store:
        yield PlaceCodes(Registry(store), city, open_divisions(store))


def _day(text: str | None) -> date:
    from api.code_query import parse_day
    from api.deps import utc_now

    return parse_day(text, utc_now().date())
