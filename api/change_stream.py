"""What has just changed, told to whoever listens: layers that were written to, and the tiles of their scenes that are other ones now.

A commit of any process is seen by the store's revisions, which cost microseconds to ask for; where the store cannot tell them
without a way to another machine, the versions of its layers are read, once a second for each listener.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool

from api.closing import Closing
from layers.policy import Actor, may_read
from layers.scenes.changes import scene_changes
from layers.scenes.desk import SceneDesk
from layers.scenes.record import SceneState, scene_state
from twin.errors import OneMapError
from twin.standing import is_shown

log = logging.getLogger(__name__)
_LOOK_S = 0.2
_LOOK_FAR_S = 1.0
_SIGN_OF_LIFE_S = 15.0
_HELLO = b"retry: 2000\n: One Map\n\n"


@dataclass(frozen=True, slots=True)
class ChangeStream:
    """The stream over the scenes of a desk and the layers of its store, until the server closes."""

    desk: SceneDesk
    closing: Closing = field(default_factory=Closing)

    async def events(self, actor: Actor) -> AsyncIterator[bytes]:
        """Server-sent events from now on, until the listener goes or the server stops. Source: HTML Living Standard, 9.2.

        `layer`: {layer, version}; `scene`: {scene, version, previous, rewritten, removed, at, by, reason}, as `/scenes/{id}/changes`
        has it. Of layers that `actor` may not read nothing is told.
        """
        known = await self._standing()
        yield _HELLO
        quiet = 0.0
        while not self.closing.begun:
            pause = _LOOK_S if self.desk.store.revisions() is not None else _LOOK_FAR_S
            await asyncio.sleep(pause)
            standing = await self._standing()
            moved = [layer for layer, revision in standing.items() if known.get(layer) != revision]
            known = standing
            for layer_id in moved:
                for event in await run_in_threadpool(self._tell, layer_id, actor):
                    yield event
            quiet = 0.0 if moved else quiet + pause
            if quiet >= _SIGN_OF_LIFE_S:
                quiet = 0.0
                yield b":\n\n"

    async def _standing(self) -> Mapping[str, int]:
        """What moves with every commit, by layer."""
        revisions = self.desk.store.revisions()
        if revisions is not None:
            return revisions
        return await run_in_threadpool(lambda: {record.id: record.version for record in self.desk.store.layers()})

    def _tell(self, layer_id: str, actor: Actor) -> list[bytes]:
        """The events of one layer; none where it may not be read, or is gone."""
        try:
            layer = self.desk.store.layer(layer_id)
            if not may_read(self.desk.policy, actor, layer_id) or not is_shown(layer.document):
                return []
            told = [_event("layer", {"layer": layer_id, "version": layer.version})]
            scene = self._scene_change(layer_id, actor)
            return told if scene is None else [*told, _event("scene", scene)]
        except OneMapError as error:
            log.info("no word of layer %s: %s", layer_id, error)
            return []

    def _scene_change(self, layer_id: str, actor: Actor) -> dict[str, Any] | None:
        """The newest edition of the layer's scene against the one before, made now; None where the scene is not published."""
        try:
            scene = self.desk.scene(layer_id, actor)
        except OneMapError:
            return None
        if scene_state(scene.record) is not SceneState.PUBLISHED:
            return None
        version = self.desk.served(scene).edition.version
        change = next(scene_changes(self.desk.store, layer_id, scene.folder, version - 1), None)
        return None if change is None else {"scene": scene.id, **change}


def _event(name: str, document: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(document) + b"\n\n"
