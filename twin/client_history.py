"""The past of a layer for notebooks: versions of a feature, what differs, putting one back, who changed what.

::

    roads = town.history("roads")
    roads.versions("r1")                 # newest first: who, when, why, valid time
    roads.diff("r1", 2, 3)               # old and new values, metres moved
    roads.restore("r1", 2, reason="entered by mistake")
    town.read("roads", as_of="2024-05-01")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

if TYPE_CHECKING:
    import pandas as pd

Send = Callable[..., httpx.Response]


class LayerHistory:
    """What `town.history(layer)` gives."""

    def __init__(self, send: Send, layer: str) -> None:
        self._send = send
        self._layer = layer

    def versions(self, feature_id: str) -> pd.DataFrame:
        """Every version of a feature, newest first, by its number; a deletion is one too.

        Raises:
            UnknownFeatureError: if there never was such a feature.
        """
        return self._table(f"{self._address(feature_id)}/versions", "versions")

    def version(self, feature_id: str, version: int) -> dict[str, Any]:
        """A feature as it stood at a version, as GeoJSON. Raises UnknownFeatureError."""
        return dict(self._send("GET", f"{self._address(feature_id)}/versions/{version}").json())

    def diff(self, feature_id: str, before: int | None = None, after: int | None = None) -> dict[str, Any]:
        """What differs between two versions; without numbers, between the last and the one before it.

        Raises:
            UnknownFeatureError: if the feature did not exist at one of them.
        """
        asked = {name: str(number) for name, number in (("from", before), ("to", after)) if number is not None}
        return dict(self._send("GET", f"{self._address(feature_id)}/diff", params=asked).json())

    def restore(self, feature_id: str, version: int, *, reason: str = "") -> dict[str, Any]:
        """Make a feature again what it was at a version, in one new write, and give it back; a deleted one comes back.

        Raises:
            UnknownFeatureError: if it did not exist then.
        """
        headers = {"X-OneMap-Reason": quote(reason)} if reason else {}
        body = {"version": version}
        return dict(self._send("POST", f"{self._address(feature_id)}/restore", json=body, headers=headers).json())

    def changes(self, limit: int = 100) -> pd.DataFrame:
        """The layer's last changesets, newest first, by version: when, who, why, how many features."""
        return self._table(f"/collections/{self._layer}/changes", "changes", limit)

    def change(self, version: int) -> dict[str, Any]:
        """One changeset with the first features it touched. Raises NotFound."""
        return dict(self._send("GET", f"/collections/{self._layer}/changes/{version}").json())

    def _table(self, address: str, name: str, limit: int | None = None) -> pd.DataFrame:
        import pandas as pd

        rows: list[dict[str, Any]] = []
        following: str | None = address
        parameters: dict[str, str] | None = {"limit": str(limit or 1000)}
        while following is not None and (limit is None or len(rows) < limit):
            page = self._send("GET", following, params=parameters).json()
            rows += page[name]
            following = next((entry["href"] for entry in page["links"] if entry["rel"] == "next"), None)
            parameters = None  # the link carries them
        frame = pd.DataFrame(rows[:limit]).drop(columns="links", errors="ignore")
        return frame.set_index("version") if len(frame) else frame

    def _address(self, feature_id: str) -> str:
        return f"/collections/{self._layer}/items/{quote(feature_id, safe='')}"
