"""What the resources of processes and jobs say. Source: OGC 18-062r2, 7.9 to 7.13."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from api.documents import REL, both
from api.links import link
from layers.analysis.jobs import Job, Status
from tiles.raster.documents import COG_TYPE

if TYPE_CHECKING:
    from layers.analysis.processes import Process
    from layers.analysis.rules import RuleBook
    from scenes3d.analysis.control import RunwayDimensions
    from scenes3d.analysis.sunlight import SunlightRule

GEOJSON_TYPE = "application/geo+json"
OUTPUT = "result"
PROCESS_CLASSES = tuple(
    "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/" + name
    for name in ("core", "ogc-process-description", "json", "oas30", "job-list", "dismiss")
)
_OUTPUT_SCHEMA = {
    "type": "object",
    "format": "geojson-feature-collection",
    "contentMediaType": GEOJSON_TYPE,
    "required": ["type", "features", "answer"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": {"type": "object"}},
        "answer": {
            "type": "object",
            "description": "Numbers, and what they rest on: inputs, sources with versions, vertical datum, resolution, errors.",
            "required": ["process", "inputs", "values", "sources", "verticalDatum", "resolution_m", "errors"],
        },
    },
}


_RASTER_SCHEMA = {"type": "string", "contentEncoding": "binary", "contentMediaType": COG_TYPE}


class Form(StrEnum):
    """What the one result of a process comes as: features with numbers, the cells behind them, or the address where those are kept."""

    FEATURES = "features"
    RASTER = "raster"
    ADDRESS = "address"


def has_raster(process: Process) -> bool:
    """Whether the result of a process has cells."""
    from layers.analysis.question import RasterQuestion

    return issubclass(process.asks, RasterQuestion)


def process_summary(process: Process, base: str) -> dict[str, Any]:
    """One process as it stands in the list."""
    from layers.analysis.processes import VERSION

    here = f"{base}/processes/{process.id}"
    return {
        "id": process.id,
        "title": both(process.title),
        "description": both(process.description),
        "version": VERSION,
        "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
        "outputTransmission": ["value", "reference"] if has_raster(process) else ["value"],
        "links": [
            link(here, "self", "application/json", both(process.title)),
            link(f"{here}/execution", REL + "execute", "application/json", "执行 Execute"),
        ],
    }


def process_document(process: Process, base: str, rules: RuleBook | None = None) -> dict[str, Any]:
    """One process with its inputs and output.

    Args:
        rules: The tables that rules and kinds of runways are chosen from; those that come along without it.
    """
    from layers.analysis.question import input_schemas
    from layers.analysis.rules import RuleBook
    from layers.analysis.words import title_of

    schemas, required = input_schemas(process.asks)
    _offer(schemas, rules or RuleBook())
    inputs = {
        name: {
            "title": both(title_of(name)),
            "titles": title_of(name).to_dict(),
            **({"description": schema["description"]} if schema.get("description") else {}),
            "minOccurs": 1 if name in required else 0,
            "maxOccurs": 1,
            "schema": schema,
        }
        for name, schema in schemas.items()
    }
    # The first is what comes without a format.
    schema = {"oneOf": [_OUTPUT_SCHEMA, _RASTER_SCHEMA]} if has_raster(process) else _OUTPUT_SCHEMA
    output = {"title": "结果 Result", "titles": {"zh": "结果", "en": "Result"}, "schema": schema}
    return process_summary(process, base) | {
        "inputs": inputs,
        "outputs": {OUTPUT: output},
        "example": {"inputs": dict(process.example)},
    }


def _offer(schemas: dict[str, Any], rules: RuleBook) -> None:
    """Beside the inputs that name a row of a table, the rows: `x-choices`, for whoever makes a form."""
    if "rule" in schemas:
        schemas["rule"]["x-choices"] = [_choice(rule.id, rule) for rule in rules.sunlight().values()]
    if "runways" in schemas:
        kind = schemas["runways"]["items"]["properties"]["kind"]
        kind["x-choices"] = [_choice(name, size) for name, size in rules.runways().items()]


def _choice(value: str, row: SunlightRule | RunwayDimensions) -> dict[str, Any]:
    return {"value": value, "titles": row.title.to_dict(), "source": row.source, "weak": row.weak}


def job_document(job: Job, base: str) -> dict[str, Any]:
    """`statusInfo` of a job."""
    here = f"{base}/jobs/{job.id}"
    links = [link(here, "self", "application/json", "状态 Status")]
    if job.status is Status.SUCCESSFUL:
        links.append(link(f"{here}/results", REL + "results", "application/json", "结果 Results"))
    document: dict[str, Any] = {
        "jobID": job.id,
        "processID": job.process,
        "type": "process",
        "status": job.status.value,
        "message": job.message,
        "created": job.created,
        "updated": job.updated,
        "progress": job.progress,
    }
    document |= {key: value for key, value in (("started", job.started), ("finished", job.finished)) if value}
    if job.problem is not None:
        document["problem"] = dict(job.problem)
    return document | {"links": links}


def results_document(value: Any) -> dict[str, Any]:
    """Results that name themselves: `response: document`."""
    return {OUTPUT: {"value": value, "mediaType": GEOJSON_TYPE}}


def duration_s(job: Job, now: datetime) -> float | None:
    """Seconds that a job has run; None before it has begun."""
    if job.started is None:
        return None
    end = datetime.fromisoformat(job.finished) if job.finished else now
    return (end - datetime.fromisoformat(job.started)).total_seconds()
