"""Releases and checks as somebody may see them: a layer that one may not read does not show in them either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from layers.base_map.findings_layer import DEPARTMENT
from layers.manifest import BASEMAP
from layers.memory import Memory
from layers.policy import Actor
from layers.registry import Registry
from twin.basemap.checked import stale_layers
from twin.basemap.release import Release
from twin.basemap.release_book import ReleaseBook, open_releases
from twin.basemap.report import release_report
from twin.basemap.verification import Verification, verify_release
from twin.crs import parse_crs
from twin.errors import BadReleaseError, PolicyError, UnknownLayerError
from twin.store.values import instant_text
from twin.text import LocalText

# How long the outcome of a verification is given to others who ask.
VERIFIED_FOR_S = 60.0
COVERS = LocalText(
    "校验和与变更报告涵盖每个要素在该版本的最新状态；其有效时间更早的时段不计入。",
    "Checksums and reports of changes cover the newest state of each feature at its version; earlier slices of its valid time"
    " do not count.",
)
_OURS = (BASEMAP, DEPARTMENT)
# What stands for sums over layers of which one may not see all.
_SUMS: Mapping[str, Any] = {
    "summary": {"zh": "部分图层不可见。", "en": "Some layers are not shown."},
    "bounds": None,
    "errors": None,
    "warnings": None,
    "notes": None,
    "unlisted": None,
}


@dataclass(frozen=True)
class ReleaseDesk:
    """The book of releases, read for an actor.

    Attributes:
        projected_crs: The city's system in metres, for distances.
        memory: Comparisons and verifications, which read whole layers; the same for all actors, cut to what each may see.
    """

    registry: Registry
    book: ReleaseBook
    actor: Actor
    projected_crs: str
    memory: Memory = field(default_factory=Memory)

    @classmethod
    def open(cls, registry: Registry, actor: Actor, projected_crs: str, memory: Memory | None = None) -> ReleaseDesk:
        """The desk over the registry's store."""
        return cls(registry, open_releases(registry.store), actor, projected_crs, memory or Memory())

    def releases(self) -> list[dict[str, Any]]:
        """All releases in short, newest first."""
        return [self._short(release) for release in self.book.releases()]

    def release(self, name: str) -> dict[str, Any]:
        """A release with its checksum and what it covers. Raises UnknownReleaseError."""
        release = self.book.release(name)
        document = release.to_dict() | {"sha256": self.book.written_sha256(name), "covers": COVERS.to_dict()}
        return self._seen(document) | {"topology": self._seen(release.topology), "notes": release.notes}

    def report(self, name: str, since: str | None = None) -> dict[str, Any]:
        """What changed since the release before, as written then, or since another one, compared now.

        Raises:
            UnknownReleaseError: if one of them is not there.
            BadReleaseError: if a release is to be compared with itself.
        """
        written = self.book.report(name)
        if since is None or since == written["since"]:
            return self._seen(written)
        if since == name:
            raise BadReleaseError(
                "A release does not differ from itself.", value=since, remedy="Name an earlier release as 'since'."
            )
        plane = parse_crs(self.projected_crs)
        release, earlier = self.book.release(name), self.book.release(since)
        # Releases never change, nor do the versions of layers that they pin.
        report = self.memory.recall(
            ("report", release.sha256, earlier.sha256, self.projected_crs),
            lambda: release_report(self.registry.store, release, earlier, plane).to_dict(),
        )
        return self._seen(report)

    def verify(self, name: str) -> Verification:
        """Whether a release still is what it was; every layer is read, shown are those one may see.

        An outcome counts for a minute while no layer of the release is written: what somebody did to the tables behind the
        store's back shows after that.
        """
        release, written = self.book.release(name), self.book.written_sha256(name)
        standing = {record.id: (record.version, record.created_at) for record in self.registry.store.layers()}
        key = ("verify", release.sha256, written, tuple(standing.get(layer.id) for layer in release.layers))
        outcome = self.memory.recall(
            key, lambda: verify_release(self.registry.store, self.book, name), seconds=VERIFIED_FOR_S
        )
        layers = tuple(layer for layer in outcome.layers if self._sees(layer.layer))
        return Verification(outcome.release, outcome.document_holds, layers)

    def stale(self) -> list[dict[str, Any]]:
        """Layers of departments that were last checked against an older release than the newest, or never."""
        names = [release.name for release in self.book.releases()]
        records = [r for r in self.registry.layers(self.actor) if r.document.get("department") not in _OURS]
        return [entry.to_dict() for entry in stale_layers(records, names)]

    def last_check(self) -> dict[str, Any] | None:
        """Summary of the last check; None before the first."""
        check = self.book.last_check()
        return None if check is None else self._seen(check)

    def _short(self, release: Release) -> dict[str, Any]:
        layers = [layer for layer in release.layers if self._sees(layer.id)]
        return {
            "name": release.name,
            "at": instant_text(release.at),
            "author": release.author,
            "notes": release.notes,
            "previous": release.previous,
            "sha256": release.sha256,
            "layers": [layer.id for layer in layers],
            "feature_count": sum(layer.feature_count for layer in layers),
            "errors": release.topology.get("errors") if len(layers) == len(release.layers) else None,
            "forced_reason": release.forced_reason,
        }

    def _seen(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A document with its list of layers cut to those one may see, and without the sums over all where that hides any."""
        layers = document.get("layers") or []
        kept = [entry for entry in layers if self._sees(entry.get("layer") or entry.get("id"))]
        hidden = {} if len(kept) == len(layers) else {key: _SUMS[key] for key in document.keys() & _SUMS.keys()}
        return {**document, **hidden, "layers": kept}

    def _sees(self, layer_id: str) -> bool:
        try:
            self.registry.layer(layer_id, self.actor)
        except (UnknownLayerError, PolicyError):
            return False
        return True
