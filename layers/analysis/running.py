"""One analysis from inputs to the document that goes out, kept as a layer where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from layers.analysis.answer import Answer, feature_collection, plain
from layers.analysis.material import AnalysisDesk, Material, frame_round
from layers.analysis.processes import VERSION, Process
from layers.analysis.question import NO_LAYER, Question, RayQuestion, SceneQuestion, parse_question
from layers.analysis.result_layer import authorise_result, register_result
from layers.analysis.scenes import ChosenScene, choose_scenes
from layers.policy import Actor


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
        PolicyError, DuplicateLayerError: if the result cannot become the layer that is asked for.
    """
    question = parse_question(process.asks, inputs)
    named = [getattr(question, name, NO_LAYER) for name in ("buildings", "cameras")]
    layers = tuple(str(layer) for layer in named if layer != NO_LAYER)
    for layer in layers:
        desk.registry.layer(layer, actor)
    if isinstance(question, SceneQuestion):
        _ = question.as_of_instant, question.valid_interval
    scenes = choose_scenes(desk.scenes, actor, question) if isinstance(question, RayQuestion) else ()
    if question.register_as is not None:
        authorise_result(desk.registry, actor, question.register_as.id)
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
    question = ready.question
    frame = frame_round(*question.places)
    material = Material(desk, actor, question, frame, lambda share: told(0.95 * share), chosen=ready.scenes)
    told(0.0)
    found = ready.process.answer(material, question)
    document = feature_collection(_envelope(ready, material, found), found.marks, frame)
    told(0.95)
    if question.register_as is not None:
        document["answer"]["layer"] = register_result(desk.registry, actor, ready, document)
    return document


def _envelope(ready: Run, material: Material, found: Answer) -> dict[str, Any]:
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
        "errors": {**plain(found.errors), "statement": found.error_statement.to_dict()},
    }
