"""The layers of a running server as a mapping that shows itself well in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from twin.schema import Schema
from twin.text import LocalText

_HEADINGS = ("id", "title · 名称", "department · 部门", "geometry", "features", "version")


class Layer:
    """One layer as the server describes it; `document` is the whole of its answer."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def title(self) -> LocalText:
        return LocalText.parse(self.document.get("title"))

    @property
    def department(self) -> LocalText:
        """Title of the department, its id where it has none."""
        title = LocalText.parse(self.document.get("department_title"))
        return title if title.zh or title.en else LocalText.parse(self.document.get("department"))

    @property
    def feature_count(self) -> int:
        return int(self.document.get("feature_count", 0))

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north in degrees; None while there is nothing."""
        box = self.document.get("bounds")
        return None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))

    @property
    def schema(self) -> Schema:
        """Geometry type and properties."""
        return Schema.from_dict(
            {"geometry_type": self.document["geometry_type"], "properties": self.document.get("schema") or []}
        )

    def row(self) -> tuple[str, ...]:
        """What a table of layers shows of this one."""
        return (
            self.id,
            _both(self.title),
            _both(self.department),
            str(self.document.get("geometry_type", "")),
            f"{self.feature_count:,}",
            str(self.document.get("version", "")),
        )

    def __repr__(self) -> str:
        return f"<layer {self.id}: {_both(self.title)}, {self.feature_count:,} features>"

    def _repr_html_(self) -> str:
        rows = [
            (
                prop.name,
                prop.type.value,
                _both(prop.title),
                prop.unit,
                ", ".join(_code(code) for code in prop.codes[:12]),
            )
            for prop in self.schema
        ]
        heading = f"<b>{html.escape(_both(self.title))}</b> ({html.escape(self.id)}), {self.feature_count:,} features"
        return heading + _table(("property", "type", "title · 名称", "unit", "codes"), rows)


class Layers(Mapping[str, Layer]):
    """All layers by id, bottom of the map first. `city` is the profile of the city they belong to."""

    def __init__(self, documents: Sequence[Mapping[str, Any]], city: Mapping[str, Any]) -> None:
        self._layers = {layer.id: layer for layer in map(Layer, documents)}
        self.city = city

    def __getitem__(self, layer_id: str) -> Layer:
        return self._layers[layer_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __repr__(self) -> str:
        rows = [layer.row() for layer in self._layers.values()]
        return "\n".join("  ".join(row) for row in (_HEADINGS, *rows))

    def _repr_html_(self) -> str:
        return _table(_HEADINGS, [layer.row() for layer in self._layers.values()])


def _both(text: LocalText) -> str:
    return " · ".join(dict.fromkeys(part for part in (text.zh, text.en) if part))


def _code(code: Any) -> str:
    return f"{code.value} {code.title.pick('zh')}".strip()


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th style='text-align:left'>{html.escape(text)}</th>" for text in headings)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
