"""Whether a release still is what it was: every checksum computed again from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twin.basemap.checksum import layer_checksum
from twin.basemap.release import Release
from twin.basemap.release_book import ReleaseBook
from twin.errors import UnknownLayerError
from twin.store.port import Store


@dataclass(frozen=True, slots=True)
class VerifiedLayer:
    """A layer's checksum as released and as found; `found` is None where the layer is gone."""

    layer: str
    released: str
    found: str | None

    @property
    def holds(self) -> bool:
        return self.released == self.found


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome for a whole release.

    Attributes:
        document_holds: Whether the release's own entry (names, dates, counts, layers) is as it was written.
    """

    release: str
    document_holds: bool
    layers: tuple[VerifiedLayer, ...]

    @property
    def holds(self) -> bool:
        return self.document_holds and all(layer.holds for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        return {
            "release": self.release,
            "holds": self.holds,
            "document_holds": self.document_holds,
            "layers": [
                {"layer": layer.layer, "holds": layer.holds, "released": layer.released, "found": layer.found}
                for layer in self.layers
            ],
        }


def verify_release(store: Store, book: ReleaseBook, name: str) -> Verification:
    """Read every pinned layer again. Raises UnknownReleaseError."""
    release = book.release(name)
    layers = tuple(_verified(store, release, layer.id) for layer in release.layers)
    return Verification(name, book.written_sha256(name) == release.sha256, layers)


def _verified(store: Store, release: Release, layer_id: str) -> VerifiedLayer:
    pinned = release.layer(layer_id)
    assert pinned is not None
    try:
        found: str | None = layer_checksum(store, layer_id, pinned.version).sha256
    except UnknownLayerError:
        found = None
    return VerifiedLayer(layer_id, pinned.sha256, found)
