"""One analysis from inputs to the document that goes out, kept as a layer where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from layers.analysis.answer import Answer, feature_collection, plain
from layers.analysis.material import AnalysisDesk, Material, frame_round
from layers.analysis.processes import VERSION, Process
from layers.analysis.question import NO_LAYER, ModelQuestion, Question, RasterQuestion, SceneQuestion, parse_question
from layers.analysis.raster import Raster, cog_bytes, require_raster_free, store_raster
from layers.analysis.result_layer import authorise_result, register_result, rests_on
from layers.analysis.scenes import ChosenScene, choose_scenes
from layers.policy import Actor
from twin.errors import BadAnalysisError
from twin.text import LocalText


@dataclass(frozen=True)
class Run:
    """A question that has been checked and may be asked.

    Attributes:
        inputs: As they came; the answer repeats them.
        layers: Ids of the layers that it reads; drafts: of those it reads drafts of scenes of, which only reviewers may know.
        scenes: That may stand in the way.
    """

    process: Process
    question: Question
    inputs: Mapping[str, Any]
    layers: tuple[str, ...]
    drafts: tuple[str, ...] = ()
    scenes: tuple[ChosenScene, ...] = ()


def prepare(process: Process, inputs: Mapping[str, Any], desk: AnalysisDesk, actor: Actor) -> Run:
    """Check a question before any work is done, and that its layers may be read.

    Raises:
        BadAnalysisError: with every fault of the inputs.
        UnknownLayerError, UnknownSceneError: if a layer or scene does not exist, or `actor` may not read it.
        BadMomentError: if the time that is asked for is none, or a scene that is named was not there then.
        PolicyError, DuplicateLayerError, DuplicateRasterError: if the result cannot become the layer or raster that is asked for.
    """
    question = parse_question(process.asks, inputs)
    named = [getattr(question, name, NO_LAYER) for name in ("buildings", "cameras")]
    layers = tuple(str(layer) for layer in named if layer != NO_LAYER)
    for layer in layers:
        desk.registry.layer(layer, actor)
    if isinstance(question, SceneQuestion):
        _ = question.as_of_instant, question.valid_interval
    scenes = choose_scenes(desk.scenes, actor, question) if isinstance(question, ModelQuestion) else ()
    if question.register_as is not None:
        authorise_result(desk.registry, actor, question.register_as.id)
    if isinstance(question, RasterQuestion) and question.raster_as is not None:
        if desk.rasters is None:
            raise BadAnalysisError("This server keeps no rasters. 服务器不保存栅格。", value=question.raster_as.id)
        require_raster_free(desk.rasters, desk.registry.policy, actor, question.raster_as.id)
    layers = tuple(dict.fromkeys([*layers, *(chosen.scene.layer.id for chosen in scenes)]))
    drafts = tuple(chosen.scene.layer.id for chosen in scenes if chosen.is_draft)
    return Run(process, question, inputs, layers, drafts, scenes)


def run(
    ready: Run, desk: AnalysisDesk, actor: Actor, told: Callable[[float], None] = lambda share: None
) -> dict[str, Any]:
    """The answer as a GeoJSON FeatureCollection with the member `answer`.

    Args:
        told: Hears the share that is done; what it raises stops the work.

    Raises:
        BadCall, BadData, NotFound: as the question deserves.
    """
    work = _worked(ready, desk, actor, told)
    document = _document(ready, desk, actor, work)
    told(0.95)
    return document


def run_both(ready: Run, desk: AnalysisDesk, actor: Actor) -> tuple[dict[str, Any], bytes]:
    """The answer as `run` gives it, and its cells as `run_raster` does, of one and the same work. Raises as they do."""
    work = _worked(ready, desk, actor, lambda share: None)
    tiff = cog_bytes(_cells(ready, work.found), work.material.frame, _tags(ready, work))
    return _document(ready, desk, actor, work), tiff


def run_raster(
    ready: Run, desk: AnalysisDesk, actor: Actor, told: Callable[[float], None] = lambda share: None
) -> bytes:
    """The cells of the answer as a Cloud Optimized GeoTIFF; layers and rasters that are asked for are made as well.

    Raises:
        BadAnalysisError: if the answer has no cells.
        BadCall, BadData, NotFound: as `run`.
    """
    work = _worked(ready, desk, actor, told)
    raster = _cells(ready, work.found)
    if ready.question.register_as is not None:
        _document(ready, desk, actor, work)
    return cog_bytes(raster, work.material.frame, _tags(ready, work))


@dataclass(frozen=True, slots=True)
class _Work:
    """What was found, and what the answer says of it."""

    material: Material
    found: Answer
    envelope: dict[str, Any]


def _worked(ready: Run, desk: AnalysisDesk, actor: Actor, told: Callable[[float], None]) -> _Work:
    """Ask, and keep the raster where that is asked for."""
    question = ready.question
    frame = frame_round(*question.places)
    material = Material(desk, actor, question, frame, lambda share: told(0.95 * share), chosen=ready.scenes)
    told(0.0)
    found = ready.process.answer(material, question)
    work = _Work(material, found, _envelope(ready, material, found))
    if isinstance(question, RasterQuestion) and question.raster_as is not None:
        assert desk.rasters is not None
        title, wish = ready.process.title, question.raster_as
        work.envelope["raster"] = store_raster(
            desk.rasters,
            _cells(ready, found),
            frame,
            _tags(ready, work),
            raster_id=wish.id,
            title=LocalText(wish.title or title.zh, wish.title or title.en),
            owner=actor.name,
            vertical_datum=material.vertical_datum,
        )
    return work


def _document(ready: Run, desk: AnalysisDesk, actor: Actor, work: _Work) -> dict[str, Any]:
    """The features with the answer, kept as a layer where that is asked for."""
    document = feature_collection(work.envelope, work.found.marks, work.material.frame)
    if ready.question.register_as is not None:
        document["answer"]["layer"] = register_result(desk.registry, actor, ready, document)
    return document


def _cells(ready: Run, found: Answer) -> Raster:
    if found.raster is None:
        raise BadAnalysisError(
            "The answer to this question has no cells. 此结果没有栅格。",
            value=ready.process.id,
            limit="questions over an area on the ground",
            remedy="Ask over a Polygon with on = ground, or for GeoJSON.",
        )
    return found.raster


def _tags(ready: Run, work: _Work) -> dict[str, str]:
    """Words that go along in the file."""
    return {
        "process": f"{ready.process.id} {VERSION}",
        "sources": rests_on(work.envelope["sources"]),
        "vertical_datum": work.material.vertical_datum,
    }


def _envelope(ready: Run, material: Material, found: Answer) -> dict[str, Any]:
    accuracy, statement = material.accuracy(), found.error_statement
    errors = plain(found.errors)
    if accuracy is not None:
        errors["accuracy"] = plain(accuracy.to_document())
        more = accuracy.statement()
        statement = LocalText(statement.zh + more.zh, f"{statement.en} {more.en}")
    statement = LocalText(statement.zh + material.remark.zh, statement.en + material.remark.en)
    return {
        "process": ready.process.id,
        "processVersion": VERSION,
        "title": ready.process.title.to_dict(),
        "inputs": dict(ready.inputs),
        "values": plain(found.values),
        "sources": plain(material.used),
        "verticalDatum": material.datum_document(),
        "resolution_m": found.resolution_m,
        "frame": {"lon": material.frame.lon, "lat": material.frame.lat},
        "errors": {**errors, "statement": statement.to_dict()},
    }
