"""What a department asks for, as JSON: a scene built from a layer, or one delivered as files. Every fault is named at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from layers.scenes.delivery import DeliveryWish
from layers.scenes.desk import SceneWish
from layers.scenes.record import Level
from scenes3d.frames import Frame
from scenes3d.sources.reference import Stated
from twin.errors import BadManifestError, Finding, shorten
from twin.interval import Interval

_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Name = Annotated[str, Field(strict=True, max_length=200)]
_MOST_FILES = 1000


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    level: Level = Field(default=Level.CITY, description="How closely the scene follows the city.")
    date: str | None = Field(
        default=None,
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="Day of the data; that of the last delivery where unsaid.",
    )
    accuracy_m: _Number | None = Field(default=None, gt=0, le=1000, description="Metres in plane, mean square.")

    @property
    def day(self) -> str | None:
        return None if self.date is None else date.fromisoformat(self.date).isoformat()


class BuildAsked(_Asked):
    """A scene of the buildings of a layer."""

    layer: _Name = Field(description="Layer with footprints.")
    height: _Name | None = Field(default=None, description="Property with metres.")
    floors: _Name | None = Field(default=None, description="Property with numbers of floors.")
    floor_height_m: _Number | None = Field(default=None, ge=1, le=20, description="Metres a floor; 3 where unsaid.")
    ground: _Name | None = Field(default=None, description="Terrain to stand on, or none; the only one where unsaid.")
    base: _Name | None = Field(default=None, description="Property with the elevation of the foot.")
    roofs: dict[_Name, _Name] | None = Field(
        default=None,
        description="Property by what it tells: shape, height, levels, angle, direction, orientation, eaves, ridge; {} for flat roofs.",
    )
    title: dict[Literal["zh", "en"], _Name] = Field(
        default_factory=dict, description="Title; the layer's where unsaid."
    )
    as_of: StrictInt | None = Field(default=None, ge=1, description="Version of the layer to add.")
    valid: StrictStr | None = Field(default=None, alias="datetime", description="Add what held then.")

    def wish(self) -> SceneWish:
        """As `SceneDesk.build` takes it. Raises BadIntervalError."""
        valid = None if self.valid is None else Interval.parse(self.valid)
        return SceneWish(
            self.height, self.floors, self.floor_height_m, self.ground, self.level, self.day, self.accuracy_m, self.as_of,
            valid, self.base, self.roofs, {str(language): text for language, text in self.title.items()},
        )  # fmt: skip


class DeliveryAsked(_Asked):
    """A scene of files, sent along or in the inbox of the server."""

    id: _Name = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Id of the scene.")
    inbox: list[_Name] | None = Field(
        default=None,
        min_length=1,
        max_length=_MOST_FILES,
        description="Files of one kind, relative to the server's inbox.",
    )
    crs: _Name | None = Field(default=None, description="CRS of the coordinates, over what the file says.")
    vertical_datum: _Name | None = Field(
        default=None, description="What heights count from: EPSG:5737, ellipsoidal, unknown."
    )
    height_unit: Literal["metre", "foot", "us-foot"] | None = None
    geoid_height_m: _Number | None = Field(default=None, ge=-200, le=200, description="Taken off ellipsoidal heights.")
    title: dict[Literal["zh", "en"], _Name] = Field(default_factory=dict, description="Title in Chinese and English.")
    owner: _Name | None = Field(default=None, description="Who answers for it.")
    accept_because: _Name | None = Field(
        default=None, min_length=1, description="Why it is taken although it lies elsewhere."
    )
    anchor: tuple[_Number, _Number, _Number] | None = Field(
        default=None, description="Longitude, latitude, height of the origin of a mesh or tileset without a place."
    )
    pnts: StrictBool = Field(default=False, description="Points as pnts of 3D Tiles 1.0.")

    def wish(self) -> DeliveryWish:
        """As `deliver` takes it."""
        return DeliveryWish(
            Stated(self.crs, self.vertical_datum, self.height_unit, self.geoid_height_m),
            self.accept_because,
            self.title.get("zh"),
            self.title.get("en"),
            self.owner,
            self.level,
            self.day,
            self.accuracy_m,
            pnts=self.pnts,
            anchor=None if self.anchor is None else Frame(*self.anchor),
        )


_Kind = TypeVar("_Kind", bound=_Asked)


def parse_asked(kind: type[_Kind], document: Mapping[str, Any]) -> _Kind:
    """A wish, checked.

    Raises:
        BadManifestError: with one finding for each fault.
    """
    findings: tuple[Finding, ...]
    try:
        asked = kind.model_validate(dict(document))
        _ = asked.day
    except ValidationError as error:
        findings = tuple(_finding(fault, kind) for fault in error.errors(include_url=False))
        raise _refused(findings) from error
    except ValueError as error:
        fault = Finding("/date", str(document.get("date")), "There is no such day.", "Write for instance 2024-05-01.")
        raise _refused((fault,)) from error
    if isinstance(asked, DeliveryAsked) and asked.anchor is not None:
        lon, lat, height = asked.anchor
        if not (abs(lon) <= 180 and abs(lat) <= 90 and abs(height) < 10_000):
            raise _refused(
                (Finding("/anchor", str(asked.anchor), "This is no place on earth.", "Give degrees and metres."),)
            )
    return asked


def _finding(fault: Any, kind: type[_Asked]) -> Finding:
    names = ", ".join(field.alias or name for name, field in kind.model_fields.items())
    where = "".join(f"/{part}" for part in fault["loc"])
    value = "" if fault["type"] == "missing" else shorten(fault.get("input"), 120)
    top = fault["type"] in ("missing", "extra_forbidden") and len(fault["loc"]) == 1
    remedy = f"Known are: {names}." if top else "Correct the value, or leave it out."
    return Finding(where, value, str(fault["msg"]).removeprefix("Value error, "), remedy)


def _refused(findings: tuple[Finding, ...]) -> BadManifestError:
    first = findings[0]
    return BadManifestError(
        f"无法按此构建场景。This asks for no scene: {first.where}: {first.problem}",
        value=first.value,
        limit="what POST /scenes describes",
        remedy=first.remedy,
        findings=findings,
    )
