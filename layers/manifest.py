"""The manifest: what a department says about a layer when it registers it.

One page of models; `parse_manifest` turns a JSON document into them or names every fault at once.
Nothing in a manifest names code: data come by upload, inline, from the inbox folder or from another OGC API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from layers.manifest_findings import findings_of, id_findings, property_findings, style_findings, title_findings
from layers.search import Search, search_findings
from layers.style import Style
from layers.tile_wishes import TileWishes, tile_findings
from twin.errors import BadManifestError, BadRulesError, Finding
from twin.schema import CodeValue, GeometryType, Property, PropertyType, Schema
from twin.text import LocalText
from twin.topology.rules import parse_checks
from twin.vertical import parse_vertical_datum

ID_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
PROPERTY_PATTERN = r"^[^\W\d_]\w*$"
CRS_PATTERN = (
    r"^(?i:EPSG:\d{4,6}(\+\d{4,6})?|OGC:CRS84|CRS84|urn:ogc:def:crs:[\w.]+:[\w.]*:\w+"
    r"|urn:ogc:def:crs(,crs:[\w.]+:[\w.]*:\w+){2}|https?://www\.opengis\.net/def/crs/.+|(GCJ|BD)[-_]?(02|09)(MC)?)$"
)
BASEMAP = "basemap"


class Cadence(StrEnum):
    """How often the data change."""

    REALTIME = "realtime"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    IRREGULAR = "irregular"
    NEVER = "never"


class Classification(StrEnum):
    """Who may see the data, in the words of the classification rules (公开, 内部, 受限)."""

    PUBLIC = "public"
    INTERNAL = "internal"
    RESTRICTED = "restricted"


class GeometryFaults(StrEnum):
    """What becomes of rings that cross themselves: mended with a word in the report, or refused."""

    REPAIR = "repair"
    REFUSE = "refuse"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, str_strip_whitespace=True)


class Text(_Model):
    """Text in Chinese and English; a plain string serves both."""

    zh: Annotated[str, Field(max_length=2000)] = ""
    en: Annotated[str, Field(max_length=2000)] = ""

    def to_local(self) -> LocalText:
        return LocalText(self.zh, self.en)


class CodeEntry(_Model):
    """One allowed value of a coded property."""

    value: str | int
    title: Text = Text()

    @field_validator("title", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"zh": value, "en": value} if isinstance(value, str) else value


class PropertyEntry(_Model):
    """One attribute of the layer's features."""

    name: Annotated[str, Field(pattern=PROPERTY_PATTERN, max_length=60)]
    type: PropertyType
    title: Text = Text()
    unit: Annotated[str, Field(max_length=40)] = ""
    description: Text = Text()
    codes: Annotated[tuple[CodeEntry, ...], Field(max_length=2000)] = ()
    required: bool = False

    @field_validator("title", "description", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"zh": value, "en": value} if isinstance(value, str) else value

    def to_property(self) -> Property:
        codes = tuple(CodeValue(code.value, code.title.to_local()) for code in self.codes)
        return Property(
            self.name, self.type, self.title.to_local(), self.unit, self.description.to_local(), codes, self.required
        )


class ValidityColumns(_Model):
    """Columns of the data that say from when to when a row holds; a day that ends it is part of it, nothing is an open end."""

    from_: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(default=None, alias="from")
    to: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class UploadSource(_Model):
    """The file comes with the request, now or later by `PUT /layers/{id}/data`."""

    type: Literal["upload"] = "upload"


class InlineSource(_Model):
    """The features stand in the manifest itself, as a GeoJSON FeatureCollection. They are not kept in the stored manifest."""

    type: Literal["inline"]
    features: dict[str, Any] = Field(default_factory=dict)


class InboxSource(_Model):
    """A file below the server's inbox folder (setting ONEMAP_INBOX), by its relative path."""

    type: Literal["inbox"]
    path: Annotated[str, Field(min_length=1, max_length=400)]


class OgcFeaturesSource(_Model):
    """The items of a collection on another OGC API Features server of the closed network."""

    type: Literal["ogc-features"]
    url: Annotated[str, Field(pattern=r"^https?://", max_length=2000)]


Accuracy = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
Source = Annotated[UploadSource | InlineSource | InboxSource | OgcFeaturesSource, Field(discriminator="type")]


class Manifest(_Model):
    """Everything the catalogue shows of a layer without opening its data.

    Attributes:
        crs: CRS of the data as delivered; None where the file says it. The store always keeps EPSG:4490.
        vertical_datum: What heights count from: EPSG:5737 (1985), EPSG:5736 (1956), another vertical system, "ellipsoidal" or
            "unknown"; None where `crs` says it or there are no heights. Heights are kept as delivered.
        accuracy_m: How far a feature may lie from where it really is, in metres (mean square error), as its owner states it;
            vertical_accuracy_m: The same of heights. None where nobody says.
        topology: Checks of the layer with their tolerances, in place of the shipped ones (twin/topology/README.md).
        search: Which properties places are found by; None for those called name, name_zh, name_en and address.
        geometry_faults: What becomes of rings that cross themselves, in deliveries and in single features.
        geometry_type: None only where data come along that show it.
        properties: The JSON key is `schema`; None only where data come along that show it.
        id_property: Property or column of the file whose value becomes the feature's id.
        tags: What kind of layer it is, for rules that do not name layers: relation types, for example.
        validity: Columns with the valid time of each row; rows that share an id are then slices of one feature.
        tiles: What tiles of low zooms show where they cannot show every feature.
        order: Drawing order; larger is on top; base map layers stay below 100.
    """

    id: Annotated[str, Field(pattern=ID_PATTERN, max_length=50)]
    title: Text
    description: Text = Text()
    department: Annotated[str, Field(pattern=ID_PATTERN, max_length=60)]
    department_title: Text = Text()
    owner: Annotated[str, Field(min_length=1, max_length=200)]
    contact: Annotated[str, Field(max_length=200)] = ""
    licence: Annotated[str, Field(min_length=1, max_length=200)]
    attribution: Annotated[str, Field(max_length=500)] = ""
    crs: Annotated[str, Field(pattern=CRS_PATTERN)] | None = None
    vertical_datum: Annotated[str, Field(max_length=100)] | None = None
    accuracy_m: Accuracy | None = None
    vertical_accuracy_m: Accuracy | None = None
    geometry_faults: GeometryFaults | None = None
    topology: tuple[dict[str, Any], ...] | None = None
    search: Search | None = None
    geometry_type: GeometryType | None = None
    properties: Annotated[tuple[PropertyEntry, ...], Field(max_length=500)] | None = Field(default=None, alias="schema")
    id_property: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    validity: ValidityColumns | None = None
    update_cadence: Cadence = Cadence.IRREGULAR
    classification: Classification = Classification.INTERNAL
    tags: Annotated[tuple[Annotated[str, Field(pattern=ID_PATTERN, max_length=60)], ...], Field(max_length=50)] = ()
    synthetic: bool = False
    style: Style | None = None
    tiles: TileWishes | None = None
    order: Annotated[int, Field(ge=0, le=10_000)] = 100
    visible: bool = True
    source: Source = UploadSource()

    @field_validator("title", "description", "department_title", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"zh": value, "en": value} if isinstance(value, str) else value

    @field_validator("vertical_datum")
    @classmethod
    def _vertical(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            return parse_vertical_datum(value)
        except BadManifestError as error:
            raise ValueError(str(error)) from error

    @field_validator("topology")
    @classmethod
    def _checks(cls, value: tuple[dict[str, Any], ...] | None) -> tuple[dict[str, Any], ...] | None:
        try:
            parse_checks(value or ())
        except BadRulesError as error:
            first = error.findings[0]
            raise ValueError(f"{first.where or '/'}: {first.problem} {first.remedy}") from error
        return value

    def to_schema(self) -> Schema | None:
        """Geometry type and properties as the store wants them; None while either is unknown."""
        if self.geometry_type is None or self.properties is None:
            return None
        return Schema(self.geometry_type, tuple(entry.to_property() for entry in self.properties))

    def to_document(self) -> dict[str, Any]:
        """The manifest as JSON values, features of an inline source left out."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        document["source"].pop("features", None)
        return document


def parse_manifest(document: Mapping[str, Any]) -> Manifest:
    """A manifest, checked.

    Raises:
        BadManifestError: with one finding per fault: JSON pointer, value, problem, remedy.
    """
    if not isinstance(document, Mapping):
        raise BadManifestError(
            "A manifest is a JSON object.",
            value=document,
            remedy='Send {"id": …, "title": …, …}; see layers/README.md.',
        )
    findings: list[Finding] = []
    manifest: Manifest | None = None
    try:
        manifest = Manifest.model_validate(dict(document))
    except ValidationError as error:
        findings.extend(findings_of(error, document))
    findings += [
        *id_findings(document),
        *title_findings(document),
        *property_findings(document),
        *style_findings(document),
        *search_findings(document),
        *tile_findings(document),
    ]
    if manifest is None or findings:
        raise BadManifestError(
            f"The manifest has {len(findings)} fault{'s' if len(findings) != 1 else ''}.",
            value=document.get("id"),
            limit="every finding below must be cured",
            remedy="Correct the places named under findings and send it again.",
            findings=tuple(findings),
        )
    return manifest
