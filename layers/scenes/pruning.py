"""Editions of a scene that nobody needs on disk: given up by a policy of days and months, and their tiles with them.

What a release of the base map pins stays, and so does whatever could not be made again while somebody waits: `as_of=` finds the same
city afterwards as before, a little later where it has to be patched from its neighbour.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from layers.scenes import editions, serving
from layers.scenes.desk import Scene, SceneDesk
from layers.scenes.record import BUILDINGS
from layers.scenes.serving import nearest
from scenes3d.editions.keeping import Keep
from scenes3d.editions.sweeping import GRACE, Swept, retire, sweep
from twin.basemap.release_book import open_releases
from twin.errors import OneMapError
from twin.store.port import Changeset, Store

log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)
_MARK = ".pruned"
_CHANGESETS = 1_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What became of a scene's editions.

    Attributes:
        kept, given_up: Versions.
        held_back: Those of the kept that the policy would have given up, and that could not be made again.
    """

    kept: list[int]
    given_up: list[int]
    held_back: list[int]
    swept: Swept = field(default_factory=Swept)


def prune(
    desk: SceneDesk, scene: Scene, keep: Keep | None, now: datetime, grace: timedelta = GRACE, *, dry: bool = False
) -> Pruned:
    """Give up editions and sweep the scene's folder; with `dry` only say what would be given up.

    Args:
        keep: None keeps all editions, and sweeps only what no edition names.

    Raises:
        UnreadableFileError: if a list of tiles is broken: no tile is removed then.
    """
    with scene.folder.writing():
        plan = _plan(desk, scene, keep, now)
        if dry:
            return plan
        retire(scene.folder, plan.given_up)
        swept = sweep(scene.folder, now, grace)
    if plan.given_up or swept.tiles:
        log.info("scene %s: %d editions given up, %d tiles removed", scene.id, len(plan.given_up), swept.tiles)
    return Pruned(plan.kept, plan.given_up, plan.held_back, swept)


def prune_when_due(desk: SceneDesk, scene: Scene, keep: Keep | None, now: datetime) -> None:
    """`prune`, at most every hour, by one process at a time; what goes wrong is logged."""
    mark = scene.folder.path / _MARK
    with scene.folder.writing_if_free() as free:
        if not free or not is_due(scene, now):
            return
        mark.touch()
    try:
        prune(desk, scene, keep, now)
    except (OneMapError, OSError) as error:
        log.warning("scene %s was not pruned: %s", scene.id, error)


def is_due(scene: Scene, now: datetime) -> bool:
    """Whether nobody has pruned the scene for an hour."""
    try:
        last = (scene.folder.path / _MARK).stat().st_mtime
    except FileNotFoundError:
        return True
    return now - datetime.fromtimestamp(last, UTC) >= EVERY


def _plan(desk: SceneDesk, scene: Scene, keep: Keep | None, now: datetime) -> Pruned:
    versions = scene.folder.versions()
    if keep is None or scene.record["kind"] != BUILDINGS or not versions:
        return Pruned(versions, [], [])  # a delivery cannot be made again
    writes = list(_writes(desk.store, scene.layer.id, versions[0]))
    at = {write.version: write.at for write in writes}
    chosen = keep.chosen({version: at.get(version, scene.layer.created_at) for version in versions}, now)
    pinned = {
        layer.version
        for release in open_releases(desk.store).releases()
        for layer in release.layers
        if layer.id == scene.layer.id
    }
    kept = (chosen | pinned) & set(versions)
    back = _held_back(desk, scene, kept, versions, _work(writes, versions))
    kept |= back
    return Pruned(sorted(kept), sorted(set(versions) - kept), sorted(back))


def _held_back(
    desk: SceneDesk, scene: Scene, kept: set[int], versions: Sequence[int], work: dict[int, int]
) -> set[int]:
    """Versions that are not kept and could not be made again: neither small enough to be built, nor near enough to be patched."""
    made = desk.maker(scene).made
    back: set[int] = set()
    for version in versions:
        if version in kept or desk.store.count_at(scene.layer.id, version) <= serving.MOST_AT_ONCE:
            continue
        near = (
            near
            for near in nearest(kept | back, version)
            if abs(work[near] - work[version]) <= editions.MOST_TOUCHED and scene.folder.edition(near).made == made
        )
        if next(near, None) is None:
            back.add(version)
    return back


def _work(writes: Sequence[Changeset], versions: Sequence[int]) -> dict[int, int]:
    """For each version, how many features were touched up to it since the first: differences bound what a patch has to make."""
    last = writes[0].version if writes else versions[-1]
    touched = {write.version: write.inserted + write.updated + write.deleted for write in writes}
    span = range(versions[0], max(last, versions[-1]) + 1)
    return dict(zip(span, accumulate(touched.get(version, 0) for version in span), strict=True))


def _writes(store: Store, layer_id: str, first: int) -> Iterator[Changeset]:
    """The writes of a layer back to a version, newest first."""
    before: int | None = None
    while page := store.changesets(layer_id, _CHANGESETS, before=before):
        yield from (write for write in page if write.version >= first)
        before = page[-1].version
        if before <= first:
            return
