"""The scenes of a server, for those who may see them: built, reviewed, and given out as their layers stand."""

from __future__ import annotations

import logging
import re
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from layers.policy import Action, Actor, OpenPolicy, Policy, may_read, may_review
from layers.reviewing import Decision, Verb
from layers.scenes.editions import Maker, Progress
from layers.scenes.ground import NO_TERRAIN, standing_on
from layers.scenes.record import BUILDINGS, REVIEWS, Level, SceneState, buildings_record, lods_of, now_text, scene_state
from layers.scenes.rules import height_rule, roof_rule
from layers.scenes.serving import ServedEdition, delivered_at, delivered_then, edition_at, held_then, newest
from scenes3d.editions.folder import SceneFolder
from tiles.terrain.shelf import TerrainShelf
from twin.errors import BadCall, OneMapError, UnknownLayerError, UnknownSceneError
from twin.interval import Interval
from twin.moment import AsOf, resolve_as_of
from twin.standing import is_shown
from twin.store.port import LayerRecord, Store
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Tasks

log = logging.getLogger(__name__)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class SceneWish:
    """What somebody wants a scene to be like; None leaves it to the layer.

    Attributes:
        height, floors: Properties; an empty one stands for none.
        roofs: Property by what it tells of roofs (`RoofRule`); an empty one asks for flat roofs.
        title: Of the scene, `zh` and `en`; None takes the layer's, as does a language that is not said.
        base: Property with the elevation of the foot; where it says nothing, or is None, the terrain does.
        terrain: Id of the terrain to stand on; "none" for none, None for the only one there is.
        as_of: Version of the layer to build; None for the present.
        valid: Valid time to build: of each building the state that holds then; None for its newest state.
    """

    height: str | None = None
    floors: str | None = None
    floor_height_m: float | None = None
    terrain: str | None = None
    level: Level = Level.CITY
    date: str | None = None
    accuracy_m: float | None = None
    as_of: int | None = None
    valid: Interval | None = None
    base: str | None = None
    roofs: Mapping[str, str] | None = None
    title: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene as it stands."""

    record: Mapping[str, Any]
    folder: SceneFolder
    layer: LayerRecord

    @property
    def id(self) -> str:
        return str(self.record["id"])


@dataclass(frozen=True)
class SceneDesk:
    """The scenes below one folder.

    Attributes:
        store: Where their layers are.
        root: One folder for each scene; it need not exist.
        terrains: What buildings may stand on.
        policy: Asked for every scene, of every file.
        tasks: Who makes the tiles of large builds.
    """

    store: Store
    root: Path
    terrains: TerrainShelf
    policy: Policy = field(default_factory=OpenPolicy)
    tasks: Tasks = IN_THREAD
    _folders: dict[str, SceneFolder] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def scenes(self, actor: Actor) -> list[Scene]:
        """All scenes that `actor` may see, in order of their ids. One whose record is broken is left out and logged."""
        found: list[Scene] = []
        for path in sorted(self.root.glob("*/scene.json")):
            try:
                found.append(self.scene(path.parent.name, actor))
            except UnknownSceneError:
                continue
            except OneMapError as error:
                log.warning("scene %s: %s", path.parent.name, error)
        return found

    def scene(self, scene_id: str, actor: Actor) -> Scene:
        """One scene: published ones for who may read their layer, the others for who may review it or built it.

        Raises:
            UnknownSceneError: if there is none, its layer is gone or not shown, or `actor` may not know of it.
            UnreadableFileError: if its record is broken.
        """
        if not _ID.fullmatch(scene_id):
            raise _unknown(scene_id)
        folder = self._folder(scene_id)
        record = folder.record()
        if record is None:
            raise _unknown(scene_id)
        try:
            layer = self.store.layer(record["layer"])
        except UnknownLayerError:
            raise _unknown(scene_id) from None
        known = may_read(self.policy, actor, layer.id) and is_shown(layer.document)
        if not known or record["layer_birth"] != layer.created_at.isoformat():
            raise _unknown(scene_id)
        waits = scene_state(record) is not SceneState.PUBLISHED
        if waits and record["built_by"] != actor.name and not may_review(self.policy, actor, layer.id):
            raise _unknown(scene_id)
        return Scene(record, folder, layer)

    def planned(self, layer_id: str, wish: SceneWish, actor: Actor) -> Maker:
        """What `build` would make the scene with. Raises as it, of what can be known beforehand."""
        layer = self.store.layer(layer_id)
        self.policy.authorise(actor, Action.DESCRIBE_LAYER, layer_id)
        rule = height_rule(layer, wish.height, wish.floors, wish.floor_height_m, wish.base)
        maker = Maker(self.store, layer, rule, standing_on(self.terrains, wish.terrain), roof_rule(layer, wish.roofs))
        _ = maker.vertical_datum
        return maker

    def build(
        self, layer_id: str, wish: SceneWish, actor: Actor, progress: Progress = lambda what, count: None
    ) -> Scene:
        """Build the scene of a layer as it stands, a draft when it is the first; a later one takes its place in one step.

        With `wish.as_of` or `wish.valid` only the edition of that time is added.

        Raises:
            PolicyError: if the actor may not.
            UnknownLayerError, BadManifestError, NothingToBuildError: if it cannot be built; what was served is served.
            UnknownSceneError: if another valid time is wanted of a scene that was never built.
        """
        maker = self.planned(layer_id, wish, actor)
        layer, folder = maker.layer, self._folder(layer_id)
        version = layer.version if wish.as_of is None else resolve_as_of(self.store, layer_id, wish.as_of)
        with folder.writing():
            before = folder.record()
            if before is not None and before["layer_birth"] != layer.created_at.isoformat():
                folder.forget_editions()
                before = None
            if before is None and wish.valid is not None:
                raise _unknown(layer_id)
            edition = maker.whole(folder, version, progress, wish.valid, tasks=self.tasks)
            folder.save(edition)
            if before is None or (wish.as_of is None and wish.valid is None):
                record = buildings_record(
                    layer,
                    level=wish.level,
                    date=wish.date,
                    accuracy_m=wish.accuracy_m,
                    vertical_datum=maker.vertical_datum,
                    by=actor.name,
                )
                record |= lods_of(edition.report)
                record["title"] |= dict(wish.title or {})
                record |= {"made": edition.made, "ground": maker.ground, "built_at": now_text(), "current": version}
                if before is not None:
                    record |= {"state": before["state"], REVIEWS: before[REVIEWS]}
                folder.save_record(record)
        log.info("%s built scene %s at version %d: %d buildings", actor.name, layer_id, version, edition.buildings)
        return self.scene(layer_id, actor)

    def review(self, scene_id: str, decision: Decision, actor: Actor) -> Scene:
        """Publish a scene or show it no more.

        Raises:
            UnknownSceneError: if there is none.
            PolicyError: if the actor may not.
            BadCall: if the decision is to correct it: the layer is what can be corrected.
        """
        scene = self.scene(scene_id, actor)
        self.policy.authorise(actor, Action.REVIEW_LAYER, scene.layer.id)
        if decision.verb is Verb.CORRECT:
            raise BadCall(
                "三维场景随图层更正。A scene is corrected by correcting its layer.",
                value=decision.verb.value,
                limit="accept or reject",
                remedy=f"Correct the layer: POST /layers/{scene.layer.id}/review.",
            )
        state = SceneState.PUBLISHED if decision.verb is Verb.ACCEPT else SceneState.REJECTED
        with scene.folder.writing():
            record = dict(scene.folder.record() or scene.record)
            said = {
                "decision": decision.verb.value,
                "reason": decision.reason,
                "by": actor.name,
                "at": now_text(),
                "version": record["current"],
            }
            scene.folder.save_record({**record, "state": state.value, REVIEWS: [*record[REVIEWS], said]})
        log.info("%s decided on scene %s: %s", actor.name, scene_id, decision.verb.value)
        return self.scene(scene_id, actor)

    def remove(self, scene_id: str, actor: Actor) -> None:
        """Remove a scene with all its editions; the layer stays. Raises UnknownSceneError, PolicyError."""
        scene = self.scene(scene_id, actor)
        self.policy.authorise(actor, Action.DROP_LAYER, scene.layer.id)
        with scene.folder.writing():
            scene.folder.save_record({**scene.record, "state": SceneState.REJECTED.value})
            shutil.rmtree(scene.folder.path)

    def served(self, scene: Scene, as_of: AsOf | None = None, valid: Interval | None = None) -> ServedEdition:
        """The edition of the present, made up to date with its layer where that is quick, or that of another time.

        Args:
            as_of: System time: the scene as its layer stood then.
            valid: Valid time: of each building the state that holds then, by the rules of `FeatureQuery.interval`.

        Raises:
            BadMomentError: if the layer has no such version, or its scene of then has to be built by hand.
        """
        if scene.record["kind"] != BUILDINGS:
            version = scene.layer.version if as_of is None else resolve_as_of(self.store, scene.layer.id, as_of)
            delivered = delivered_at(scene.folder, version)
            if valid is None:
                return delivered
            return delivered_then(self.store, scene.layer.id, version, delivered, valid)
        maker = self.maker(scene)
        if as_of is None:
            served = newest(maker, scene.folder)
        else:
            served = edition_at(maker, scene.folder, resolve_as_of(self.store, scene.layer.id, as_of))
        return served if valid is None else held_then(maker, scene.folder, served, valid)

    def maker(self, scene: Scene) -> Maker:
        """What makes the tiles of a scene, as it was built."""
        made = scene.record["made"]
        standing = standing_on(self.terrains, made["terrain"] or NO_TERRAIN)
        return Maker.again(self.store, scene.layer, made, standing)

    def folder(self, scene_id: str) -> SceneFolder:
        """The folder of a scene, whether there is one or not.

        Raises:
            BadCall: if this cannot be the id of a scene.
        """
        if not _ID.fullmatch(scene_id):
            raise BadCall(
                "This cannot be the id of a scene.",
                value=scene_id,
                limit="small letters, digits and hyphens, at most 63",
                remedy="Name it for instance old-town-2024.",
            )
        return self._folder(scene_id)

    def _folder(self, scene_id: str) -> SceneFolder:
        with self._lock:
            return self._folders.setdefault(scene_id, SceneFolder(self.root / scene_id))


def _unknown(scene_id: str) -> UnknownSceneError:
    return UnknownSceneError(
        f"没有三维场景“{scene_id}”。There is no scene '{scene_id}'.",
        value=scene_id,
        remedy="GET /scenes lists them; onemap scenes build LAYER makes one. 可用的场景见 GET /scenes。",
    )
