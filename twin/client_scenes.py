"""Scenes of a running server for notebooks: what there is, building one from a layer, delivering files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from twin.client_jobs import ServerJob
from twin.errors import BadCall

if TYPE_CHECKING:
    import httpx
    import pandas as pd

_COLUMNS = ("title", "state", "kind", "level", "lod", "date", "vertical_datum", "owner")


class TownScenes:
    """`town.scenes`: the reality model.

    ::

        town.scenes.list()
        town.scenes.build("buildings", height="height_m", ground="none").wait()["report"]
        town.scenes.import_("survey.laz", scene="old-town", crs="EPSG:4549", vertical_datum="EPSG:5737").wait()
        town.scenes.review("old-town", "accept", reason="compared with the survey")
        town.scenes.check_points("old-town", "survey.csv", crs="EPSG:4549", vertical_datum="EPSG:5737")["summary"]
    """

    def __init__(self, send: Callable[..., httpx.Response]) -> None:
        self._send = send

    def list(self) -> pd.DataFrame:
        """One row for each scene; the index its id."""
        import pandas as pd

        found = self._send("GET", "/scenes").json()["scenes"]
        index = pd.Index([entry["id"] for entry in found], name="scene", dtype=object)
        rows = [{key: entry.get(key) for key in _COLUMNS} for entry in found]
        return pd.DataFrame(rows, index=index, columns=list(_COLUMNS))

    def record(self, scene: str) -> dict[str, Any]:
        """All that is known of a scene, with its report. Raises NotFound if there is none."""
        document: dict[str, Any] = self._send("GET", f"/scenes/{quote(scene, safe='')}").json()
        return document

    def build(self, layer: str, **asked: Any) -> SceneJob:
        """Build the scene of a layer as it stands.

        Args:
            asked: height, floors, floor_height_m, ground, base, roofs, level, date, accuracy_m, as_of, datetime.

        Raises:
            BadData, NotFound: if it cannot be built; what goes wrong later is raised by `SceneJob.wait`.
        """
        return self._started(self._send("POST", "/scenes", json={"layer": layer, **asked}))

    def import_(
        self, file: str | Path | None = None, *, scene: str, inbox: Sequence[str] | None = None, **asked: Any
    ) -> SceneJob:
        """Deliver a file, or files of the server's inbox, as a scene.

        Args:
            scene: Its id; one that is there is replaced when the new one is whole.
            asked: crs, vertical_datum, height_unit, geoid_height_m, title, owner, level, date, accuracy_m, accept_because, anchor, pnts.

        Raises:
            BadCall: if there is neither a file nor an inbox, or both.
        """
        document: dict[str, Any] = {"id": scene, **asked}
        if (file is None) == (inbox is None):
            raise BadCall(
                "A delivery is one file, or files of the inbox.",
                value=scene,
                limit="file or inbox=…",
                remedy="Give one of the two.",
            )
        if file is None:
            return self._started(self._send("POST", "/scenes", json={**document, "inbox": list(inbox or ())}))
        path = Path(file)
        with path.open("rb") as content:
            parts = {"files": {"file": (path.name, content)}, "data": {"scene": json.dumps(document)}}
            return self._started(self._send("POST", "/scenes", **parts))

    def check_points(
        self, scene: str, file: str | Path | None = None, *, layer: str | None = None, **asked: Any
    ) -> dict[str, Any]:
        """Compare a scene with surveyed points of a file, or of a layer; the report, which stays with the scene.

        Args:
            asked: crs, vertical_datum, height, radius_m, reach_m, limit_plane_m, limit_z_m, equal_accuracy, register_as.

        Raises:
            BadCall: if there is neither a file nor a layer, or both.
            BadData: if the points cannot be compared with the scene.
        """
        if (file is None) == (layer is None):
            raise BadCall("The points are in a file or a layer.", value=scene, limit="one of them", remedy="Name it.")
        params = {name: _word(value) for name, value in asked.items() if value is not None}
        address = f"/scenes/{quote(scene, safe='')}/accuracy"
        if file is None:
            answer = self._send("POST", address, params=params | {"layer": layer})
        else:
            path = Path(file)
            with path.open("rb") as content:
                answer = self._send("POST", address, params=params, files={"file": (path.name, content)})
        said: dict[str, Any] = answer.json()
        return said

    def accuracy(self, scene: str) -> dict[str, Any]:
        """The last report of a scene against surveyed points. Raises NotFound if there is none since it was built."""
        said: dict[str, Any] = self._send("GET", f"/scenes/{quote(scene, safe='')}/accuracy").json()
        return said

    def review(self, scene: str, decision: str, *, reason: str) -> dict[str, Any]:
        """Publish a scene ("accept"), or show it no more ("reject")."""
        document = {"decision": decision, "reason": reason}
        said: dict[str, Any] = self._send("POST", f"/scenes/{quote(scene, safe='')}/review", json=document).json()
        return said

    def _started(self, answer: httpx.Response) -> SceneJob:
        return SceneJob(self._send, answer.json()["jobID"])


def _word(value: Any) -> str:
    """A value as query strings have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class SceneJob(ServerJob):
    """A build on the server."""

    __slots__ = ()

    def wait(self, timeout_s: float = 3600.0) -> dict[str, Any]:
        """The scene's record with its report, when it is built.

        Raises:
            Unavailable: if it is not done in time.
            BadData, NotFound: if it failed, or was dismissed.
        """
        return self._document(timeout_s, "The scene is not built yet.")
