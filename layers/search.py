"""How a layer's features are found by name: the `search` part of a manifest. Without it, properties called name, name_zh,
name_en and address are searched; `false` leaves the layer out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from twin.errors import Finding
from twin.places.kinds import kinds

_PROPERTIES = ("name", "name_en", "address", "kind", "community", "community_code", "duty")
_PropertyName = Annotated[str, Field(min_length=1, max_length=60)]


class Search(BaseModel):
    """Which properties are searched, and what the layer tells of a point.

    Attributes:
        off: Whether the layer is left out of the search altogether.
        aliases: Properties with further names, such as road numbers.
        kind: Property with the layer's own kind of each feature.
        kind_is: Kind of place (`twin/places/kinds.json`) where that property says nothing known.
        merge: Whether features of one name are one place, as the segments of a road are.
        role: What the layer tells of a point: town, community, grid cell, nearest road or nearest place.
        community, community_code, duty: Of grid cells: properties with their community and with who is on duty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    off: bool = False
    name: _PropertyName | None = None
    name_en: _PropertyName | None = None
    address: _PropertyName | None = None
    aliases: Annotated[tuple[_PropertyName, ...], Field(max_length=5)] = ()
    kind: _PropertyName | None = None
    kind_is: str | None = None
    merge: bool = False
    role: Literal["town", "community", "grid", "road", "place"] | None = None
    community: _PropertyName | None = None
    community_code: _PropertyName | None = None
    duty: _PropertyName | None = None


def search_findings(document: Mapping[str, Any]) -> list[Finding]:
    """Places in `search` that do not go with the rest: unknown properties (where a schema is given), unknown kinds."""
    search, entries = document.get("search"), document.get("schema")
    if not isinstance(search, Mapping):
        return []
    findings = []
    kind = search.get("kind_is")
    if isinstance(kind, str) and kind not in kinds():
        remedy = f"Use one of: {', '.join(kinds())}."
        findings.append(Finding("/search/kind_is", kind, "There is no such kind of places.", remedy))
    if isinstance(entries, list):
        names = [str(entry["name"]) for entry in entries if isinstance(entry, Mapping) and "name" in entry]
        remedy = f"Use one of: {', '.join(names[:30])}." if names else "Add the property to the schema."
        problem = "The schema has no property of this name."
        findings += [Finding(where, name, problem, remedy) for where, name in _named(search) if name not in names]
    return findings


def _named(search: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every property that `search` names, with its place."""
    for part in _PROPERTIES:
        if isinstance(search.get(part), str):
            yield f"/search/{part}", search[part]
    aliases = search.get("aliases")
    for i, name in enumerate(aliases if isinstance(aliases, list) else ()):
        if isinstance(name, str):
            yield f"/search/aliases/{i}", name
