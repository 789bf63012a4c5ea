"""Questions as they come in: typed, bounded, every fault named at once. Places are CGCS2000 degrees, longitude first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, TypeVar

import shapely
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator
from pydantic.json_schema import GenerateJsonSchema
from shapely.geometry import shape

from layers.analysis.words import titled
from layers.manifest import ID_PATTERN
from layers.manifest_findings import pointer_of
from scenes3d.analysis.scene import REFRACTION
from twin.errors import BadAnalysisError, BadMomentError, Finding, shorten
from twin.interval import Interval
from twin.moment import parse_as_of

CORNERS_MAX = 10_000
NO_LAYER = "none"
PUBLISHED = "published"


def _geometry(*kinds: str) -> BeforeValidator:
    def parse(value: object) -> shapely.Geometry:
        if isinstance(value, shapely.Geometry):
            return value
        if isinstance(value, list) and "Point" in kinds:
            value = {"type": "Point", "coordinates": value}
        if not isinstance(value, Mapping) or value.get("type") not in kinds:
            raise ValueError("a GeoJSON geometry is wanted: " + " or ".join(kinds))
        try:
            made = shape(dict(value))
        except Exception as error:  # what shapely raises depends on where the coordinates are broken
            raise ValueError("the coordinates of the geometry cannot be read") from error
        _check(made)
        return made

    return BeforeValidator(parse)


def _check(made: shapely.Geometry) -> None:
    if made.is_empty or not shapely.is_valid(made):
        raise ValueError(
            f"the geometry cannot be used: {shapely.is_valid_reason(made) if not made.is_empty else 'empty'}"
        )
    if shapely.get_num_coordinates(made) > CORNERS_MAX:
        raise ValueError(f"the geometry has more than {CORNERS_MAX} corners")
    west, south, east, north = made.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise ValueError("longitude and latitude in degrees are wanted, longitude first")


def _schema(*kinds: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "object",
            "format": "geojson-geometry",
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"type": "string", "enum": list(kinds)},
                "coordinates": {"type": "array", "items": {}},
            },
        }
    )


_POINT = WithJsonSchema(
    {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 2,
        "description": "Longitude and latitude in degrees; a GeoJSON Point is taken, too.",
    }
)
_AREAS, _ANY = ("Polygon", "MultiPolygon"), ("Point", "MultiPoint", "LineString", "Polygon", "MultiPolygon")
Point = Annotated[shapely.Geometry, _geometry("Point"), _POINT]
Line = Annotated[shapely.Geometry, _geometry("LineString"), _schema("LineString")]
Area = Annotated[shapely.Geometry, _geometry(*_AREAS), _schema(*_AREAS)]
Places = Annotated[shapely.Geometry, _geometry(*_ANY), _schema(*_ANY)]

LayerId = Annotated[str, Field(pattern=ID_PATTERN, max_length=50)]
SceneId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Metres = Annotated[float, Field(gt=0, le=60_000)]
Height = Annotated[float, Field(ge=-500, le=10_000)]
AboveGround = Annotated[float, Field(ge=0, le=2_000)]
Cell = Annotated[float, Field(ge=0.1, le=1_000)]


class Part(BaseModel):
    """Anything in a question."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class Planned(Part):
    """A volume that is planned: it stands in the scene like a building."""

    id: Annotated[str, Field(min_length=1, max_length=100)] = "planned"
    footprint: Area
    height_m: Annotated[float, Field(gt=0, le=1_000)]


class Registration(Part):
    """The result as a layer of its own, through the registry, for everybody who may read it."""

    id: LayerId
    title: Annotated[str, Field(max_length=200)] = ""


class Question(Part):
    """What every question may say of the ground."""

    terrain: Annotated[str, Field(max_length=63, description="Id of a terrain; else the only one there is.")] | None = (
        None
    )
    ground_m: Annotated[Height, Field(description="A level ground that you state, in place of a terrain.")] | None = (
        None
    )
    cell_m: Annotated[Cell, Field(description="Resolution of the ground and of results, metres.")] = 5.0
    terrain_error_m: (
        Annotated[
            float, Field(ge=0, le=100, description="Standard error of the terrain's heights, for the error statement.")
        ]
        | None
    ) = None
    register_as: Annotated[Registration, Field(description="Keep the result as a layer.")] | None = None

    @property
    def places(self) -> list[shapely.Geometry]:
        """The geometries, in degrees, that the question is about: the frame lies round them."""
        raise NotImplementedError


class RasterTitle(Part):
    """Where a raster of the result is kept."""

    id: SceneId
    title: Annotated[str, Field(max_length=200)] = ""


class RasterQuestion(Part):
    """What questions say whose answers have a raster."""

    raster_as: Annotated[RasterTitle, Field(description="Keep the cells of the result among /rasters.")] | None = None


class SceneQuestion(Question):
    """What questions about buildings say: which ones, as they stood when, and what is planned."""

    buildings: Annotated[
        str, Field(max_length=50, description="Layer of footprints with heights or floors; 'none'.")
    ] = "buildings"
    height_property: Annotated[str, Field(max_length=60)] | None = None
    floors_property: Annotated[str, Field(max_length=60)] | None = None
    floor_height_m: Annotated[float, Field(ge=1, le=20)] = 3.0
    planned: Annotated[tuple[Planned, ...], Field(max_length=100, description="Volumes that are not built yet.")] = ()
    as_of: Annotated[
        str | None,
        Field(
            max_length=40,
            description="An instant or a day: layers and scenes as they were known then; terrain is that of now.",
        ),
    ] = None
    valid_at: Annotated[
        str | None,
        Field(
            alias="datetime",
            max_length=80,
            description="An instant, a day or an interval: only what held in the world then.",
        ),
    ] = None

    @property
    def as_of_instant(self) -> datetime | None:
        """The instant of `as_of`."""
        if self.as_of is None:
            return None
        asked = parse_as_of(self.as_of, datetime.now(UTC))
        if not isinstance(asked, datetime):
            raise BadMomentError(
                "An analysis reads several layers, whose versions are numbered apart. 请给出时间，而非版本号。",
                value=self.as_of,
                limit="an instant with its zone, or a day",
                remedy="Write for instance 2025-05-01 or 2025-05-01T08:00:00+08:00.",
            )
        return asked

    @property
    def valid_interval(self) -> Interval | None:
        """The interval of `datetime`."""
        return None if self.valid_at is None else Interval.parse(self.valid_at)


class ModelQuestion(SceneQuestion):
    """What questions say of scenes of meshes and models, and of what makes room for what is planned."""

    scenes: Annotated[
        Literal["published", "none"] | Annotated[tuple[SceneId, ...], Field(max_length=50)],
        Field(
            description="What stands in the way: the published meshes and city models that count heights as the ground does, none, or a list of ids;"
            " clouds only where named."
        ),
    ] = "published"
    planned_scenes: Annotated[
        tuple[SceneId, ...],
        Field(max_length=20, description="Scenes that are not built yet, drafts among them if you may review them."),
    ] = ()
    demolished: Annotated[
        tuple[Annotated[str, Field(max_length=200)], ...],
        Field(max_length=1_000, description="Ids of buildings that make room for what is planned."),
    ] = ()


class RayQuestion(ModelQuestion):
    """What questions of sight and light say of the city before and after what is planned."""

    compare: Annotated[
        bool, Field(description="Answer also for the city before what is planned, and say the difference.")
    ] = False

    @property
    def casts(self) -> int:
        """How often every ray is cast: into the city as it will be, and as it was."""
        return 2 if self.compare else 1

    @model_validator(mode="after")
    def _something_is_planned(self) -> Self:
        if self.compare and not (self.planned or self.planned_scenes or self.demolished):
            raise ValueError("compare needs planned, planned_scenes or demolished")
        return self


class SightQuestion(RayQuestion):
    """What questions about lines of sight say of the earth and the air."""

    refraction: Annotated[
        float, Field(ge=0, lt=1, description="Share of the earth's curve that the air bends light back by.")
    ] = REFRACTION
    flat_earth: bool = False

    @property
    def bend(self) -> float | None:
        return None if self.flat_earth else self.refraction


_Asked = TypeVar("_Asked", bound=Question)


def parse_question(kind: type[_Asked], inputs: object) -> _Asked:
    """A question, checked; values qualified as `{"value": …}` are taken, references are not.

    Raises:
        BadAnalysisError: with one finding for each fault.
    """
    if not isinstance(inputs, Mapping):
        raise BadAnalysisError(
            "Inputs are a JSON object. 输入须为 JSON 对象。", value=inputs, remedy='Send {"inputs": {…}}.'
        )
    document = {str(name): _plain(value) for name, value in inputs.items()}
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        findings = _findings(error, document, kind)
        first = findings[0]
        raise BadAnalysisError(
            f"The inputs cannot be used: {first.where or '/'}: {first.problem} 输入有误。",
            value=first.value,
            limit="the inputs that GET /processes/{id} describes",
            remedy=first.remedy,
            findings=findings,
        ) from error


def _findings(error: ValidationError, document: Mapping[str, Any], kind: type[Question]) -> tuple[Finding, ...]:
    names = ", ".join(field.alias or name for name, field in kind.model_fields.items())
    found: dict[str, Finding] = {}
    for fault in error.errors(include_url=False):
        where = pointer_of(fault["loc"], document)
        value = "" if fault["type"] == "missing" else shorten(fault.get("input"), 120)
        problem = str(fault["msg"]).removeprefix("Value error, ")
        top = fault["type"] in ("missing", "extra_forbidden") and len(fault["loc"]) == 1
        remedy = f"The inputs are: {names}." if top else "Correct the value, or leave it out where it may be."
        found.setdefault(where, Finding(where, value, problem, remedy))
    return tuple(found.values())


def _plain(value: Any) -> Any:
    """The value of a qualified input (OGC 18-062r2, 7.11.2.2)."""
    if isinstance(value, Mapping) and "href" in value and "type" not in value:
        raise BadAnalysisError(
            "Inputs are not fetched from other addresses. 不读取外部地址。",
            value=value.get("href"),
            limit="values in the request, layers and terrains of this server",
            remedy="Send the value itself.",
        )
    qualified = (
        isinstance(value, Mapping) and "value" in value and set(value) <= {"value", "mediaType", "encoding", "schema"}
    )
    return value["value"] if qualified else value


class _Inlined(GenerateJsonSchema):
    """Titles are ours to give: those that pydantic makes of names say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def input_schemas(kind: type[Question]) -> tuple[dict[str, Any], list[str]]:
    """JSON Schema of each input, with titles and units, without references to anywhere, and which of them must be given."""
    whole = kind.model_json_schema(schema_generator=_Inlined)
    definitions = whole.pop("$defs", {})

    def inlined(node: Any) -> Any:
        if isinstance(node, list):
            return [inlined(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        if "$ref" in node:
            found = definitions[str(node["$ref"]).rsplit("/", 1)[-1]]
            return inlined({**found, **{key: value for key, value in node.items() if key != "$ref"}})
        return {key: inlined(value) for key, value in node.items()}

    properties = {"properties": inlined(whole["properties"])}
    return titled(properties)["properties"], list(whole.get("required", ()))
