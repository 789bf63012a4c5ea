"""What changed from one release to another, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twin.basemap.changes import LayerChanges, layer_changes
from twin.basemap.release import Release
from twin.crs import CRS
from twin.store.port import Store
from twin.text import LocalText


@dataclass(frozen=True, slots=True)
class ReleaseReport:
    """The changes from one release to another.

    Attributes:
        since: Name of the earlier release; None where there was none: then everything is new.
    """

    name: str
    since: str | None
    layers: tuple[tuple[LocalText, LayerChanges], ...]

    @property
    def summary(self) -> LocalText:
        """All changes in one sentence."""
        added, removed, changed = (
            sum(getattr(changes, what) for _, changes in self.layers) for what in ("added", "removed", "changed")
        )
        before = (
            ("首次发布", "First release") if self.since is None else (f"与 {self.since} 相比", f"Since {self.since}")
        )
        return LocalText(
            f"{before[0]}：新增 {added:,}，删除 {removed:,}，变更 {changed:,} 个要素。",
            f"{before[1]}: {added:,} features added, {removed:,} removed, {changed:,} changed.",
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "release": self.name,
            "since": self.since,
            "summary": self.summary.to_dict(),
            "layers": [
                {"title": title.to_dict(), **changes.to_dict(), "summary": change_summary(changes).to_dict()}
                for title, changes in self.layers
            ],
        }


def release_report(store: Store, release: Release, since: Release | None, plane: CRS) -> ReleaseReport:
    """Compare two releases layer by layer; a layer in one of them only is all added or all removed."""
    old = {} if since is None else {layer.id: layer for layer in since.layers}
    new = {layer.id: layer for layer in release.layers}
    found = []
    for layer_id in sorted({*old, *new}):
        before, after = old.get(layer_id), new.get(layer_id)
        versions = (None if before is None else before.version, None if after is None else after.version)
        title = (after or before).title if (after or before) is not None else LocalText()  # type: ignore[union-attr]
        found.append((title, layer_changes(store, layer_id, *versions, plane)))
    return ReleaseReport(release.name, None if since is None else since.name, tuple(found))


def change_summary(changes: LayerChanges) -> LocalText:
    """The changes of one layer in one sentence."""
    if changes.before is None:
        return LocalText(f"新图层，{changes.added:,} 个要素。", f"New layer with {changes.added:,} features.")
    if changes.after is None:
        return LocalText("不再属于基准底图。", "No longer part of the base map.")
    if not (changes.added or changes.removed or changes.changed):
        return LocalText(f"无变化（{changes.unchanged:,} 个要素）。", f"No change ({changes.unchanged:,} features).")
    zh = f"新增 {changes.added:,}，删除 {changes.removed:,}，变更 {changes.changed:,}"
    en = f"{changes.added:,} added, {changes.removed:,} removed, {changes.changed:,} changed"
    if changes.moves.count:
        zh += f"（{changes.geometry_changed:,} 个图形变动，最远 {changes.moves.largest_m:,.2f} m）"
        en += f" ({changes.geometry_changed:,} in shape or place, by up to {changes.moves.largest_m:,.2f} m)"
    if changes.attributes:
        names = ", ".join(f"{name} {count:,}" for name, (count, _) in sorted(changes.attributes.items()))
        zh += f"；属性：{names}"
        en += f"; attributes: {names}"
    return LocalText(f"{zh}。", f"{en}.")
