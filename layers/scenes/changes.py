"""What became of a scene from one edition to the next: which tiles are other ones, and whose write it was."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from scenes3d.editions.edition import Edition, cell_name
from scenes3d.editions.folder import SceneFolder
from twin.store.port import Store

MOST_EDITIONS = 100


def scene_changes(store: Store, layer_id: str, folder: SceneFolder, since: int = 0) -> Iterator[dict[str, Any]]:
    """Editions after version `since`, newest first, at most `MOST_EDITIONS`, each against the one before it.

    Rewritten tiles carry the cell and the address of the new content; a cell that has no tile any more is `removed`.
    """
    versions = [version for version in folder.versions() if version > since]
    earlier = [version for version in folder.versions() if version <= since][-1:]
    wanted = [*earlier, *versions][-MOST_EDITIONS - 1 :]
    for before, after in pairwise(reversed([None, *wanted] if not earlier else wanted)):
        assert before is not None  # the list runs backwards: `before` is the newer one
        yield _change(store, layer_id, folder, after, before)


def _change(store: Store, layer_id: str, folder: SceneFolder, older: int | None, newer: int) -> dict[str, Any]:
    now = folder.edition(newer)
    then = Edition(0, ()) if older is None else folder.edition(older)
    known = {entry.cell: entry.content for entry in then.entries}
    standing = {entry.cell for entry in now.entries}
    said: dict[str, Any] = {
        "version": newer,
        "previous": older,
        "rewritten": [
            {"cell": cell_name(entry.cell), "uri": f"tiles/{entry.content}.glb", "bytes": entry.length}
            for entry in now.entries
            if known.get(entry.cell) != entry.content
        ],
        "removed": [cell_name(entry.cell) for entry in then.entries if entry.cell not in standing],
        "tiles": len(now.entries),
    }
    if newer:
        change = store.changeset(layer_id, newer)
        said |= {"at": change.at.isoformat(), "by": change.author.name, "reason": change.author.reason}
    return said
