"""The city profile: what makes this platform Jiaozhou's, and what another city puts in its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from layers.code_layers import CodeLayers, CodeLayersModel
from layers.manifest_findings import findings_of
from twin.bounds import Bounds
from twin.errors import BadManifestError
from twin.text import LocalText

PROFILES = Path(__file__).parent / "cities"
DEFAULT_CITY = "jiaozhou"


@dataclass(frozen=True, slots=True)
class Home:
    """Where the page opens: lon/lat in degrees, zoom of WebMercatorQuad."""

    lon: float
    lat: float
    zoom: float


@dataclass(frozen=True, slots=True)
class City:
    """One city.

    Attributes:
        code: Administrative code (GB/T 2260), six digits.
        bounds: Box round the city, CGCS2000 lon/lat.
        crs: Geographic CRS in which everything is kept; projected_crs: the one for measuring, in metres;
            height_crs: the vertical CRS of local elevations.
        codes: The layers that carry codes of places, and the county's own classes.
    """

    name: LocalText
    code: str
    bounds: Bounds
    home: Home
    crs: str = "EPSG:4490"
    projected_crs: str = "EPSG:4549"
    height_crs: str = "EPSG:5737"
    codes: CodeLayers = field(default_factory=CodeLayers)

    def to_document(self) -> dict[str, Any]:
        """The profile as the page and the client read it."""
        return {
            "name": self.name.to_dict(),
            "code": self.code,
            "bounds": list(self.bounds.as_tuple()),
            "home": {"lon": self.home.lon, "lat": self.home.lat, "zoom": self.home.zoom},
            "crs": self.crs,
            "projected_crs": self.projected_crs,
            "height_crs": self.height_crs,
        }


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Name(_Model):
    zh: str
    en: str


class _Home(_Model):
    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    zoom: Annotated[float, Field(ge=0, le=24)] = 12.0


class _Profile(_Model):
    name: _Name
    code: Annotated[str, Field(pattern=r"^\d{6}$")]
    bounds: tuple[float, float, float, float]
    home: _Home
    crs: Annotated[str, Field(pattern=r"^EPSG:4490$")] = "EPSG:4490"
    projected_crs: Annotated[str, Field(pattern=r"^EPSG:\d+$")] = "EPSG:4549"
    height_crs: Annotated[str, Field(pattern=r"^EPSG:\d+$")] = "EPSG:5737"
    codes: CodeLayersModel = CodeLayersModel()


def read_city(name_or_path: str | Path | None = None) -> City:
    """The profile called so in `layers/cities`, or in a JSON file of one's own; Jiaozhou where nothing is said.

    Raises:
        BadManifestError: if there is none of that name, or it is not a profile; every fault is named.
    """
    wanted = str(name_or_path or DEFAULT_CITY)
    shipped = {path.stem: path for path in sorted(PROFILES.glob("*.json"))}
    path = shipped.get(wanted, Path(wanted))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadManifestError(
            f"There is no city profile '{wanted}': {error}",
            value=wanted,
            limit=f"one of {', '.join(shipped)}, or the path of a JSON file",
            remedy="Set ONEMAP_CITY to one of these, or write a profile after layers/cities/jiaozhou.json.",
        ) from error
    return parse_city(document)


def parse_city(document: Mapping[str, Any]) -> City:
    """A profile from its JSON document.

    Raises:
        BadManifestError: with one finding per fault.
    """
    try:
        profile = _Profile.model_validate(document)
    except ValidationError as error:
        raise BadManifestError(
            "This city profile cannot be used.",
            limit="see findings",
            remedy="Compare it with layers/cities/jiaozhou.json.",
            findings=tuple(findings_of(error, document)),
        ) from error
    return City(
        name=LocalText(profile.name.zh, profile.name.en),
        code=profile.code,
        bounds=Bounds(*profile.bounds),
        home=Home(profile.home.lon, profile.home.lat, profile.home.zoom),
        crs=profile.crs,
        projected_crs=profile.projected_crs,
        height_crs=profile.height_crs,
        codes=profile.codes.read(),
    )
