"""Which layers of a city carry codes, and which classes the county has added: the part `codes` of a city profile.

A layer that is not there, or that the one who asks may not read, makes its codes unknown; it is never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class CodeLayer:
    """A layer, and the property that holds the code."""

    layer: str
    property: str = "code"


@dataclass(frozen=True, slots=True)
class CodeLayers:
    """Where codes of places come from.

    Attributes:
        divisions: Polygons of counties and towns with their 6 or 9 digits; communities: with 12 digits, where a city has them.
        unit_grid: Cells of the unit grid with 15 digits.
        components: City components with 16 or 17 digits.
        projected: Plane systems in which a place is shown.
        local_classes: Classes that the county has added, as `ClassCatalogue.with_local` takes them.
    """

    divisions: CodeLayer = CodeLayer("districts")
    communities: CodeLayer | None = None
    unit_grid: CodeLayer = CodeLayer("grid-cells")
    components: CodeLayer = CodeLayer("facilities")
    projected: tuple[str, ...] = ("EPSG:4549", "EPSG:4528")
    local_classes: tuple[Mapping[str, Any], ...] = ()

    @property
    def layers(self) -> tuple[CodeLayer, ...]:
        """All layers that carry codes."""
        named = (self.divisions, self.communities, self.unit_grid, self.components)
        return tuple(source for source in named if source is not None)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _CodeLayer(_Model):
    layer: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    property: Annotated[str, Field(min_length=1)] = "code"

    def read(self) -> CodeLayer:
        return CodeLayer(self.layer, self.property)


class CodeLayersModel(_Model):
    """The part `codes` as it stands in a profile; what is left out is as in `CodeLayers`."""

    divisions: _CodeLayer = _CodeLayer(layer="districts")
    communities: _CodeLayer | None = None
    unit_grid: _CodeLayer = _CodeLayer(layer="grid-cells")
    components: _CodeLayer = _CodeLayer(layer="facilities")
    projected: tuple[Annotated[str, Field(pattern=r"^EPSG:\d+$")], ...] = CodeLayers().projected
    local_classes: tuple[dict[str, Any], ...] = ()

    def read(self) -> CodeLayers:
        """The same as a plain value."""
        return CodeLayers(
            divisions=self.divisions.read(),
            communities=None if self.communities is None else self.communities.read(),
            unit_grid=self.unit_grid.read(),
            components=self.components.read(),
            projected=self.projected,
            local_classes=self.local_classes,
        )
