"""Which properties of a layer are searched: what its manifest says under `search`, else what `sources.json` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from twin.places.kinds import DEFAULT_KIND, kinds
from twin.schema import PropertyType, Schema
from twin.store.port import LayerRecord
from twin.text import LocalText

# Raised when terms or keys change their shape: every index is then made again.
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SearchRule:
    """How one layer is searched. Property names; "" where the layer has none.

    Attributes:
        name, name_en, address: Where the texts stand.
        aliases: Further names, such as road numbers.
        kind: Property with the layer's own kind of each feature.
        kind_is: Kind of place where that property says nothing known.
        merge: Whether features of one name are one place (the segments of a road).
        role: What the layer tells of a point: town, community, grid, road or place; "" for nothing.
        community, community_code: Of grid cells: where their community stands.
        duty: Of grid cells: who is on duty.
    """

    name: str = ""
    name_en: str = ""
    address: str = ""
    aliases: tuple[str, ...] = ()
    kind: str = ""
    kind_is: str = DEFAULT_KIND
    merge: bool = False
    role: str = ""
    community: str = ""
    community_code: str = ""
    duty: str = ""

    @property
    def is_searchable(self) -> bool:
        return bool(self.name or self.name_en or self.address)

    @property
    def texts(self) -> tuple[str, ...]:
        """Properties that hold text to search, without repeats."""
        named = (self.name, self.name_en, self.address, *self.aliases)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def properties(self) -> tuple[str, ...]:
        """Properties the index reads."""
        return tuple(dict.fromkeys((*self.texts, *((self.kind,) if self.kind else ()))))

    @property
    def digest(self) -> str:
        """Changes when the layer has to be indexed anew."""
        return json.dumps([_FORMAT, asdict(self)], sort_keys=True)


def rule_of(record: LayerRecord) -> SearchRule:
    """The rule of one layer. Names that the layer does not have, or that hold no text, are passed over."""
    shipped = _document()["layers"].get(record.id, {})
    told = record.document.get("search")
    said: Mapping[str, Any] = told if isinstance(told, Mapping) else shipped
    if said.get("off"):
        return SearchRule()
    named = {part: said.get(part) or _default(part, record.schema) for part in _document()["names"]}
    texts = {part: name if _holds_text(record.schema, name) else "" for part, name in named.items()}
    extra = {part: str(said.get(part) or "") for part in ("community", "community_code", "duty")}
    kind_is = str(said.get("kind_is") or DEFAULT_KIND)
    return SearchRule(
        **texts,
        **{part: name if name in record.schema else "" for part, name in extra.items()},
        aliases=tuple(name for name in said.get("aliases") or () if _holds_text(record.schema, name)),
        kind_is=kind_is if kind_is in kinds() else DEFAULT_KIND,
        merge=bool(said.get("merge")),
        role=str(said.get("role") or ""),
    )


def kind_title(record: LayerRecord, rule: SearchRule, value: str, fallback: LocalText) -> LocalText:
    """What people call a feature's kind: the title of the layer's own code, else `fallback`."""
    if rule.kind and rule.kind in record.schema:
        for code in record.schema.property(rule.kind).codes:
            if str(code.value) == value:
                return code.title
    return fallback


def _default(part: str, schema: Schema) -> str:
    return next((name for name in _document()["names"][part] if name in schema), "")


def _holds_text(schema: Schema, name: str) -> bool:
    return bool(name) and name in schema and schema.property(name).type is PropertyType.STRING


@cache
def _document() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("sources.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
