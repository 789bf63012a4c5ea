"""The base map of a running server for notebooks: its releases as a frame, what changed between them, a check of its topology."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx
    import pandas as pd

_RELEASE_COLUMNS = ("at", "author", "notes", "previous", "layers", "feature_count", "errors", "sha256")
_CHANGE_COLUMNS = (
    *("before", "after", "added", "removed", "changed", "geometry_changed", "attributes_changed", "unchanged"),
    *("moved_m", "zh", "en"),
)


class TownBaseMap:
    """`town.basemap`: releases and checks of a running One Map.

    ::

        town.basemap.releases()
        town.basemap.report("2026.11", "2026.10")
        town.read("roads", as_of="release:2026.11")
        town.basemap.check(layers=["roads"])
    """

    def __init__(self, send: Callable[..., httpx.Response]) -> None:
        self._send = send

    def releases(self) -> pd.DataFrame:
        """One row for each release, newest first; the index its name."""
        import pandas as pd

        found = self._get("/basemap/releases")["releases"]
        index = pd.Index([entry["name"] for entry in found], name="release", dtype=object)
        frame = pd.DataFrame([{key: entry[key] for key in _RELEASE_COLUMNS} for entry in found], index=index)
        frame = frame.reindex(columns=list(_RELEASE_COLUMNS))
        frame["at"] = pd.to_datetime(frame["at"])
        return frame

    def release(self, name: str) -> dict[str, Any]:
        """A release as the server describes it. Raises NotFound if there is none."""
        return self._get(f"/basemap/releases/{quote(name)}")

    def report(self, name: str, since: str | None = None) -> pd.DataFrame:
        """What a release changed, one row for each layer; since the one before, or since another.

        `moved_m` is how far the farthest changed geometry lies from where it was; `frame.attrs["document"]` is the whole report.
        """
        import pandas as pd

        document = self._get(f"/basemap/releases/{quote(name)}/report", {} if since is None else {"since": since})
        rows = [{**layer, "moved_m": layer["moved"]["largest_m"], **layer["summary"]} for layer in document["layers"]]
        index = pd.Index([layer["layer"] for layer in document["layers"]], name="layer", dtype=object)
        frame = pd.DataFrame([{key: row[key] for key in _CHANGE_COLUMNS} for row in rows], index=index)
        frame.attrs["document"] = document
        return frame

    def make_release(
        self,
        name: str,
        notes: str = "",
        *,
        layers: Sequence[str] | None = None,
        max_errors: int = 0,
        force: bool = False,
        reason: str = "",
    ) -> dict[str, Any]:
        """Release the base map as it stands.

        Raises:
            Conflict: if the name is taken, or the check finds more errors than `max_errors` and `force` does not say otherwise.
        """
        body: dict[str, Any] = {
            "name": name,
            "notes": notes,
            "max_errors": max_errors,
            "force": force,
            "reason": reason,
        }
        if layers is not None:
            body["layers"] = list(layers)
        return dict(self._send("POST", "/basemap/releases", json=body).json())

    def verify(self, name: str) -> dict[str, Any]:
        """Whether a release still is what it was, layer by layer."""
        return self._get(f"/basemap/releases/{quote(name)}/verify")

    def stale(self) -> pd.DataFrame:
        """Layers that were checked against an older release, or never: one row each, the farthest behind first."""
        import pandas as pd

        columns = ["layer", "release", "at", "behind"]
        return pd.DataFrame(self._get("/basemap/stale")["layers"], columns=columns).set_index("layer")

    def check(
        self, layers: Sequence[str] | None = None, rules: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    ) -> pd.DataFrame:
        """Check the topology; one row for each layer, kind and severity found. The findings are the layer `basemap-findings`."""
        import pandas as pd

        body: dict[str, Any] = {} if layers is None else {"layers": list(layers)}
        if rules is not None:
            body["rules"] = rules
        summary = self._send("POST", "/basemap/check", json=body).json()["check"]
        rows = [
            {"layer": layer["layer"], "kind": found["kind"], "severity": found["severity"], "count": found["count"]}
            for layer in summary["layers"]
            for found in layer["found"]
        ]
        frame = pd.DataFrame(rows, columns=["layer", "kind", "severity", "count"])
        frame.attrs["document"] = summary
        return frame

    def _get(self, address: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
        return dict(self._send("GET", address, params=parameters).json())
