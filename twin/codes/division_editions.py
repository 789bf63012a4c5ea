"""Editions of the division list, and how a new one follows those that stand.

A new edition ends what stands until further notice: every division it names again, and every one it leaves out beside those it names (the same
level below the same parent). Anything else that would hold at the same time as one of its own divisions is refused, with both stretches.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from typing import Any

from twin.codes.divisions import Division, parse_division_code
from twin.errors import BadCodeError, BadFeatureError, BadIntervalError, EditionConflictError, Finding
from twin.text import LocalText

_FINDINGS = 20
_NAME_COLUMNS = ("name", "name_zh", "名称")
_CODE_COLUMNS = ("code", "代码")


@dataclass(frozen=True, slots=True)
class EditionHead:
    """What is said of a list as a whole: it holds from `valid_from` up to, not including, `valid_to` (None: until the next one)."""

    id: str
    valid_from: date
    valid_to: date | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise BadIntervalError(
                f"The edition ends on {self.valid_to}, before it begins.",
                value=self.valid_from.isoformat(),
                limit="valid_from before valid_to",
                remedy="Swap the two days.",
            )


@dataclass(frozen=True)
class Edition:
    """A list with its divisions."""

    head: EditionHead
    divisions: tuple[Division, ...]


@dataclass(frozen=True)
class Succession:
    """What a new edition changes: divisions that end, as they stand afterwards, and those that begin."""

    ended: tuple[Division, ...]
    begun: tuple[Division, ...]


def read_divisions_csv(text: str, head: EditionHead) -> Edition:
    """An edition from the statistics bureau's table: columns `code` and `name`; `name_en` and `pinyin` where it has them.

    Codes of provinces and prefectures may be short (37, 3702). Other columns are not read.

    Raises:
        BadFeatureError: with the first findings if there is no such column, or a row without name, with a code that is none, or with a
            code given before; nothing of it is taken then.
    """
    rows = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    columns = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
    code_column = next((columns[name] for name in _CODE_COLUMNS if name in columns), None)
    name_column = next((columns[name] for name in _NAME_COLUMNS if name in columns), None)
    if code_column is None or name_column is None:
        raise BadFeatureError(
            "The table has no column for the code or none for the name.",
            value=", ".join(columns),
            limit=f"{' or '.join(_CODE_COLUMNS)}; {' or '.join(_NAME_COLUMNS)}",
            remedy="Put the column names into the first line.",
        )
    entries = [
        {
            "code": row.get(code_column) or "",
            "name": {
                "zh": (row.get(name_column) or "").strip(),
                "en": (row.get(columns.get("name_en", "")) or "").strip(),
            },
            "pinyin": (row.get(columns.get("pinyin", "")) or "").strip(),
        }
        for row in rows
    ]
    return _edition(head, entries, first_row=2)


@lru_cache(maxsize=1)
def shipped_editions() -> tuple[Edition, ...]:
    """The editions that come along, oldest first."""
    folder = files("twin.codes").joinpath("division_editions")
    documents = [json.loads(entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".json")]
    return tuple(sorted(map(parse_edition, documents), key=lambda edition: edition.head.valid_from))


def parse_edition(document: Mapping[str, Any]) -> Edition:
    """An edition from its JSON document. Raises BadFeatureError as `read_divisions_csv`."""
    end = document["valid_to"]
    head = EditionHead(
        document["edition"],
        date.fromisoformat(document["valid_from"]),
        None if end is None else date.fromisoformat(end),
        document.get("source", ""),
    )
    return _edition(head, document["divisions"])


def _edition(head: EditionHead, entries: Iterable[Mapping[str, Any]], first_row: int = 0) -> Edition:
    made: dict[str, Division] = {}
    findings = []
    for row, entry in enumerate(entries, first_row):
        code = str(entry["code"]).strip()
        code = code.ljust(6, "0") if len(code) in (2, 4) else code
        problem = _fault(code, LocalText.parse(entry["name"]), made)
        if problem:
            findings.append(Finding(f"row {row}", code, problem, "Correct the row, or leave it out."))
            continue
        made[code] = Division(
            code, LocalText.parse(entry["name"]), str(entry.get("pinyin", "")), head.valid_from, head.valid_to, head.id
        )
    if findings or not made:
        raise BadFeatureError(
            f"{len(findings)} rows of the edition cannot be taken." if findings else "The edition has no rows.",
            value=head.id,
            limit="a code and a name in each row, each code once",
            remedy="Correct these rows; nothing was written.",
            findings=tuple(findings[:_FINDINGS]),
        )
    return Edition(head, tuple(made.values()))


def _fault(code: str, name: LocalText, made: Mapping[str, Division]) -> str:
    try:
        parse_division_code(code)
    except BadCodeError as error:
        return f"{error.message} {error.limit}"
    if not name.zh:
        return "The division has no name."
    return "This code stands in the table already." if code in made else ""


def succeed(standing: Sequence[Division], edition: Edition) -> Succession:
    """What a new edition ends and begins.

    Args:
        standing: Every division, at any time, whose code or whose parent is one of the edition's.
        edition: The new list.

    Raises:
        EditionConflictError: with one finding for each division that would hold twice at a time, naming both stretches.
    """
    head, named = edition.head, {division.code: division for division in edition.divisions}
    beside = {_sibling_key(code) for code in named}
    ended, findings = [], []
    for old in standing:
        new = named.get(old.code)
        if new is None and (
            _sibling_key(old.code) not in beside or old.valid_to is not None or old.valid_from >= head.valid_from
        ):
            continue
        if old.valid_from < head.valid_from and old.valid_to is None:
            ended.append(replace(old, valid_to=head.valid_from))
        elif new is not None and _overlap(old, new):
            problem = f"{old.edition} has it {_stretch(old)}, the new edition {_stretch(new)}."
            findings.append(
                Finding(old.code, old.name.pick("zh"), problem, "Give the new edition an end, or another beginning.")
            )
    if findings:
        raise EditionConflictError(
            f"{len(findings)} divisions would hold twice at a time: {findings[0].where}: {findings[0].problem}",
            value=head.id,
            limit="one state of a division at a time",
            remedy=findings[0].remedy,
            findings=tuple(findings[:_FINDINGS]),
        )
    return Succession(tuple(ended), edition.divisions)


def _sibling_key(code: str) -> tuple[str | None, str]:
    known = parse_division_code(code)
    return known.parent, known.level


def _overlap(a: Division, b: Division) -> bool:
    return (b.valid_to is None or a.valid_from < b.valid_to) and (a.valid_to is None or b.valid_from < a.valid_to)


def _stretch(division: Division) -> str:
    return f"from {division.valid_from} " + ("on" if division.valid_to is None else f"to {division.valid_to}")
