"""Which scenes of the registry stand in an analysis: published meshes and models by themselves, drafts where they are named.

A scene counts heights from one vertical datum. One that counts from another than the ground is never mixed with it: the two differ by
metres, and no public model leads from one to the other. Where the question names it, it is refused; else it is left out, and the answer
says so.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from layers.analysis.question import NO_LAYER, PUBLISHED, ModelQuestion
from layers.policy import Actor
from layers.scenes.desk import Scene, SceneDesk
from layers.scenes.record import BUILDINGS, SceneState, scene_state
from layers.scenes.serving import ServedEdition
from scenes3d.accuracy.clouds import cloud_points
from scenes3d.analysis.blocks import HeightAt
from scenes3d.analysis.columns import columns_of
from scenes3d.analysis.surfaces import Box, Surfaces, surfaces_of
from scenes3d.editions.files import is_of_files
from scenes3d.editions.folder import edition_opener
from scenes3d.tileset.finest import finest_triangles, meeting, overlap
from scenes3d.tileset.region import Region
from twin.bounds import Bounds
from twin.errors import BadAnalysisError, BadMomentError, OneMapError
from twin.local_frame import LocalFrame
from twin.text import LocalText
from twin.vertical import vertical_datum_title

log = logging.getLogger(__name__)
_POINTS = "points"
COLUMN_M = 1.0
"""Side of the columns that a cloud is taken for; finer where the question is."""

_METRES_PER_DEGREE = 110_500.0


@dataclass(frozen=True, slots=True)
class ChosenScene:
    """A scene that stands in an analysis.

    Attributes:
        served: Its edition of the time that is asked for.
        planned: It is not built yet: it stands in the scene after, not in that before.
        named: The question names it.
    """

    scene: Scene
    served: ServedEdition
    planned: bool
    named: bool

    @property
    def is_draft(self) -> bool:
        return scene_state(self.scene.record) is not SceneState.PUBLISHED

    @property
    def vertical_datum(self) -> str:
        return str(self.scene.record["vertical_datum"])

    @property
    def is_cloud(self) -> bool:
        return bool(self.scene.record["kind"] == _POINTS)

    def surfaces(
        self, frame: LocalFrame, window: Bounds, box: Box, height_at: HeightAt, cell_m: float, most: int
    ) -> Surfaces:
        """Its surfaces that meet a box of the frame, of the finest tiles; of a cloud, columns over the cells of a raster.

        Raises:
            UnreadableFileError, TooLargeError: as the readers say.
        """
        opened = edition_opener(self.scene.folder, self.served.edition)
        if self.is_cloud:
            points = cloud_points("tileset.json", opened, meeting(window))
            return columns_of(self.scene.id, points, frame, box, height_at, min(cell_m, COLUMN_M), most)
        patches = finest_triangles("tileset.json", opened, window)
        return surfaces_of(self.scene.id, patches, frame, box, height_at, most)

    def told(self, surfaces: Surfaces) -> dict[str, Any]:
        """What the answer says of it."""
        record = self.scene.record
        said = {name: record[name] for name in ("date", "accuracy_m", "lod") if record.get(name)}
        return {
            "scene": self.scene.id,
            "version": self.served.edition.version,
            "state": scene_state(record).value,
            "verticalDatum": self.vertical_datum,
            "triangles": len(surfaces.part),
            **({"taken_as": f"columns of at most {COLUMN_M:g} m"} if self.is_cloud else {}),
            **said,
            **({"planned": True} if self.planned else {}),
            **({"behindVersions": self.served.behind} if self.served.behind else {}),
        }


def choose_scenes(desk: SceneDesk | None, actor: Actor, question: ModelQuestion) -> tuple[ChosenScene, ...]:
    """The scenes that a question may have in its way, so far as `actor` may see them.

    Raises:
        UnknownSceneError: if one that is named is not there, or not for `actor`.
        BadMomentError: if one that is named had no edition then.
    """
    if desk is None:
        return ()
    found = [_named(desk, actor, question, name, planned=True) for name in question.planned_scenes]
    if question.scenes == PUBLISHED:
        planned = set(question.planned_scenes)
        window = _window(question)
        found += [chosen for chosen in _published(desk, actor, question, window) if chosen.scene.id not in planned]
    elif question.scenes != NO_LAYER:
        found += [_named(desk, actor, question, name, planned=False) for name in question.scenes]
    return tuple(sorted(found, key=lambda chosen: (chosen.planned, chosen.scene.id)))


@dataclass(frozen=True, slots=True)
class OneDatum:
    """What counts from one datum.

    Attributes:
        datum: Of the ground and of `scenes`; None where there are none and nobody says what the ground counts from.
        left_out: Scenes that count from another one, and that the question does not name.
    """

    datum: str | None
    scenes: tuple[ChosenScene, ...]
    left_out: tuple[ChosenScene, ...]

    def told(self) -> list[dict[str, str]]:
        """What the answer says of those that are left out."""
        return [
            {
                "scene": each.scene.id,
                "verticalDatum": each.vertical_datum,
                "groundVerticalDatum": str(self.datum),
                "why": "It counts heights from another datum than the ground; heights are never converted here. 高程基准不同，不作换算。",
                "remedy": "Choose a terrain of its datum, or have it delivered in that of the ground; naming it in 'scenes' is refused.",
            }
            for each in self.left_out
        ]

    def statement(self) -> LocalText:
        """The same in a sentence; empty where none is left out."""
        if not self.left_out:
            return LocalText()
        names = ", ".join(each.scene.id for each in self.left_out)
        return LocalText(
            f"高程基准不同的场景未参与分析：{names}。", f" Scenes of another vertical datum were left out: {names}."
        )


def of_one_datum(chosen: Sequence[ChosenScene], datum: str | None) -> OneDatum:
    """Those of the scenes that count from the datum of the ground.

    Args:
        datum: Of the ground; None where its level is stated, and then means what the scenes mean: those that are named, else most.

    Raises:
        BadAnalysisError: if one that is named counts from another.
    """
    datum = _require_one_datum([each for each in chosen if each.named], datum)
    if datum is None and chosen:
        ((datum, _),) = Counter(each.vertical_datum for each in chosen).most_common(1)
    left_out = tuple(each for each in chosen if each.vertical_datum != datum)
    return OneDatum(datum, tuple(each for each in chosen if each not in left_out), left_out)


def _require_one_datum(chosen: Sequence[ChosenScene], datum: str | None) -> str | None:
    for each in chosen:
        if datum is not None and each.vertical_datum != datum:
            names = vertical_datum_title(each.vertical_datum), vertical_datum_title(datum)
            raise BadAnalysisError(
                f"The scene '{each.scene.id}' counts heights from another datum than the rest. "
                f"场景“{each.scene.id}”的高程基准（{names[0].zh}）与其余（{names[1].zh}）不同。",
                value=f"{each.vertical_datum} ({names[0].en})",
                limit=f"{datum} ({names[1].en})",
                remedy="Leave it out ('scenes': a list, or \"none\"), choose a terrain of its datum, or have it delivered in this one:"
                " heights are never converted here.",
            )
        datum = each.vertical_datum
    return datum


def _published(desk: SceneDesk, actor: Actor, question: ModelQuestion, window: Bounds) -> list[ChosenScene]:
    """Meshes and models near the question. Prisms of a layer come from the layer, and clouds stand only where they are named: trees
    are as solid in them as houses.
    """
    found = []
    for scene in desk.scenes(actor):
        kind, state = scene.record["kind"], scene_state(scene.record)
        if state is not SceneState.PUBLISHED or kind in (BUILDINGS, _POINTS):
            continue
        try:
            served = desk.served(scene, question.as_of_instant, question.valid_interval)
        except BadMomentError:
            continue  # it came later
        except OneMapError as error:
            log.warning("scene %s: %s", scene.id, error)
            raise
        if overlap(_bounds(served), window):
            found.append(ChosenScene(scene, served, planned=False, named=False))
    return found


def _named(desk: SceneDesk, actor: Actor, question: ModelQuestion, name: str, *, planned: bool) -> ChosenScene:
    scene = desk.scene(name, actor)
    # What is planned is not asked of the past.
    served = desk.served(scene) if planned else desk.served(scene, question.as_of_instant, question.valid_interval)
    return ChosenScene(scene, served, planned, named=True)


def _window(question: ModelQuestion) -> Bounds:
    """Where something might stand in the way, on the safe side."""
    west, south, east, north = shapely.total_bounds(np.array(question.places, dtype=object)).tolist()
    reaches = [getattr(question, name, 0.0) for name in ("reach_m", "margin_m", "range_max_m")]
    along = (max(reaches) + 10 * question.cell_m + 50.0) / _METRES_PER_DEGREE
    across = along / max(float(np.cos(np.radians(max(abs(south), abs(north))))), 0.01)
    return Bounds(west - across, max(south - along, -90.0), east + across, min(north + along, 90.0))


def _bounds(served: ServedEdition) -> Bounds:
    edition = served.edition
    region = Region(*edition.made["region"]) if is_of_files(edition) else edition.tileset().root.region
    return Bounds(*np.degrees([region.west, region.south, region.east, region.north]).tolist())
