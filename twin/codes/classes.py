"""Classes of city components (部件) and matters (事项), by edition of the standard. The lists are JSON in `class_editions/`.

The two editions give the same numbers to different things, and components share numbers with matters: a class is known by
(edition, kind, major, minor) and by nothing less. Numbers that the standard leaves vacant stay vacant. The lists were transcribed from
secondary sources (`weak`): buy the standards before freezing anything on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from twin.errors import BadManifestError, Finding, UnknownCodeError
from twin.text import LocalText


class Kind(StrEnum):
    """Things that stand (components, 部件) and things that happen (matters, 事项; events, 事件, in 2013)."""

    COMPONENT = "component"
    MATTER = "matter"


ClassKey = tuple[str, Kind, str, str]


@dataclass(frozen=True, slots=True)
class CodeClass:
    """One class.

    Attributes:
        derived: Whether it is the "…异常" matter of a component, with that component's number.
        local: Whether the county added it.
    """

    edition: str
    kind: Kind
    major: str
    minor: str
    name: LocalText
    major_name: LocalText
    derived: bool = False
    local: bool = False

    @property
    def key(self) -> ClassKey:
        return (self.edition, self.kind, self.major, self.minor)

    @property
    def number(self) -> str:
        """Major and minor together."""
        return self.major + self.minor

    def to_dict(self) -> dict[str, Any]:
        return {
            "edition": self.edition,
            "kind": self.kind.value,
            "major": self.major,
            "minor": self.minor,
            "name": self.name.to_dict(),
            "major_name": self.major_name.to_dict(),
            "derived": self.derived,
            "local": self.local,
        }


@dataclass(frozen=True, slots=True)
class IdForm:
    """Widths of the fields of an identifier: county, major, minor, and the sequence where it has one."""

    edition: str
    kind: Kind
    widths: tuple[int, ...]
    note: LocalText = field(default_factory=LocalText)

    @property
    def length(self) -> int:
        return sum(self.widths)


@dataclass(frozen=True)
class ClassEdition:
    """One edition.

    Attributes:
        valid_from, valid_to: When it is in force; None where that is open or not known.
        weak: Whether the list comes from secondary sources.
        complete: Whether a number that is not in it is vacant; else it may only be missing here.
        local_range: Lowest and highest minor a county may give to classes of its own; None where it may not.
        majors: Names by kind and major.
        classes: By key, in the order of their numbers.
    """

    id: str
    title: LocalText
    note: LocalText
    valid_from: date | None
    valid_to: date | None
    weak: bool
    complete: bool
    local_range: tuple[str, str] | None
    forms: tuple[IdForm, ...]
    majors: Mapping[tuple[Kind, str], LocalText]
    classes: Mapping[ClassKey, CodeClass]

    def find(self, kind: Kind, major: str, minor: str) -> CodeClass | None:
        """The class of that number; None where the number is vacant or not known."""
        return self.classes.get((self.id, kind, major, minor))

    def of_kind(self, kind: Kind | None) -> list[CodeClass]:
        """All classes, or those of one kind."""
        return [known for known in self.classes.values() if kind is None or known.kind is kind]

    def to_dict(self) -> dict[str, Any]:
        """What the edition is, without its classes."""
        return {
            "edition": self.id,
            "title": self.title.to_dict(),
            "note": self.note.to_dict(),
            "valid_from": None if self.valid_from is None else self.valid_from.isoformat(),
            "valid_to": None if self.valid_to is None else self.valid_to.isoformat(),
            "weak": self.weak,
            "complete": self.complete,
            "counts": {kind.value: len(self.of_kind(kind)) for kind in Kind},
        }


@dataclass(frozen=True)
class ClassCatalogue:
    """All editions by id, the newest first."""

    editions: Mapping[str, ClassEdition]

    def edition(self, name: str) -> ClassEdition:
        """The edition of that name.

        Raises:
            UnknownCodeError: if there is none.
        """
        if name in self.editions:
            return self.editions[name]
        raise UnknownCodeError(
            f"There is no edition '{name}' of component and matter codes.",
            value=name,
            limit=", ".join(self.editions),
            remedy="GET /codes/systems lists the editions.",
        )

    def forms(self, length: int) -> list[IdForm]:
        """The forms of identifiers that have so many digits."""
        return [form for edition in self.editions.values() for form in edition.forms if form.length == length]

    def with_local(self, entries: Iterable[Mapping[str, Any]]) -> ClassCatalogue:
        """The catalogue with the classes a county has added.

        Args:
            entries: `{"edition", "kind", "major", "minor", "name": {"zh", "en"}}` each.

        Raises:
            BadManifestError: with every entry that is outside the range for local classes, is taken, or names nothing known.
        """
        editions, findings = dict(self.editions), []
        for number, entry in enumerate(entries):
            made, problem = _local_class(entry, editions)
            if made is None:
                findings.append(
                    Finding(f"/local_classes/{number}", str(dict(entry))[:200], problem, "Correct it or leave it out.")
                )
            else:
                known = editions[made.edition]
                editions[made.edition] = replace(known, classes=_ordered([*known.classes.values(), made]))
        if findings:
            raise BadManifestError(
                "Local classes cannot be used.",
                limit="see findings",
                remedy="Correct the profile.",
                findings=tuple(findings),
            )
        return ClassCatalogue(MappingProxyType(editions))


@lru_cache(maxsize=1)
def shipped_classes() -> ClassCatalogue:
    """The editions as shipped."""
    folder = files("twin.codes").joinpath("class_editions")
    documents = [json.loads(entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".json")]
    parsed = sorted(map(parse_class_edition, documents), key=lambda e: e.valid_from or date.min, reverse=True)
    return ClassCatalogue(MappingProxyType({edition.id: edition for edition in parsed}))


def parse_class_edition(document: Mapping[str, Any]) -> ClassEdition:
    """An edition from its JSON document, the matters derived from components included."""
    name, local = document["edition"], document["local_minors"]
    lists = ((Kind.COMPONENT, document["components"]), (Kind.MATTER, document["matters"]))
    majors = {(kind, group["major"]): LocalText.parse(group["name"]) for kind, groups in lists for group in groups}
    classes = [made for kind, groups in lists for made in _classes(name, kind, groups)]
    derived = document["derived_matters"]
    if derived is not None:
        suffix = LocalText.parse(derived["suffix"])
        components = [known for known in classes if known.kind is Kind.COMPONENT]
        classes += [_derived(known, suffix) for known in components]
        majors |= {(Kind.MATTER, known.major): known.major_name for known in components}
    forms = ((Kind.COMPONENT, document["component_forms"]), (Kind.MATTER, document["matter_forms"]))
    return ClassEdition(
        id=name,
        title=LocalText.parse(document["title"]),
        note=LocalText.parse(document["note"]),
        valid_from=_day(document["valid_from"]),
        valid_to=_day(document["valid_to"]),
        weak=document["weak"],
        complete=document["complete"],
        local_range=None if local is None else (local["to"], local["from"]),
        forms=tuple(
            IdForm(name, kind, tuple(form["widths"]), LocalText.parse(form.get("note")))
            for kind, entries in forms
            for form in entries
        ),
        majors=MappingProxyType(majors),
        classes=_ordered(classes),
    )


def _classes(edition: str, kind: Kind, groups: Iterable[Mapping[str, Any]]) -> Iterator[CodeClass]:
    for group in groups:
        major_name = LocalText.parse(group["name"])
        for entry in group["minors"]:
            yield CodeClass(edition, kind, group["major"], entry["minor"], LocalText.parse(entry["name"]), major_name)


def _derived(component: CodeClass, suffix: LocalText) -> CodeClass:
    name = LocalText(component.name.zh + suffix.zh, component.name.en + suffix.en)
    return replace(component, kind=Kind.MATTER, name=name, derived=True)


def _ordered(classes: Iterable[CodeClass]) -> Mapping[ClassKey, CodeClass]:
    ordered = sorted(classes, key=lambda known: (known.kind, known.major, known.minor))
    return MappingProxyType({known.key: known for known in ordered})


def _local_class(entry: Mapping[str, Any], editions: Mapping[str, ClassEdition]) -> tuple[CodeClass | None, str]:
    """The class an entry describes; None with the reason where it describes none."""
    edition = editions.get(str(entry.get("edition")))
    if edition is None or edition.local_range is None:
        return (
            None,
            f"The edition takes no local classes; those that do: {[e for e in editions if editions[e].local_range]}.",
        )
    if entry.get("kind") not in list(Kind):
        return None, "The kind is component or matter."
    kind, major, minor = Kind(entry["kind"]), str(entry.get("major")), str(entry.get("minor"))
    name, (low, high) = LocalText.parse(entry.get("name")), edition.local_range
    if (kind, major) not in edition.majors:
        return None, f"There is no major '{major}'."
    if not (minor.isascii() and minor.isdigit() and len(minor) == len(low) and low <= minor <= high):
        return None, f"Minors of local classes are {high} down to {low}."
    if edition.find(kind, major, minor) is not None:
        return None, f"The number {major}{minor} is taken."
    if not name.zh:
        return None, "A class needs its Chinese name."
    return CodeClass(edition.id, kind, major, minor, name, edition.majors[kind, major], local=True), ""


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
