"""Analyses of a running server for notebooks: what there is, answers as frames, jobs that are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from twin.errors import Unavailable

if TYPE_CHECKING:
    import geopandas
    import httpx
    import pandas as pd


class TownAnalyses:
    """`town.analyses`: questions to terrain, buildings and cameras.

    ::

        town.analyses.processes()
        seen = town.analyses.run("who-sees", place=[120.002, 36.276])
        seen.attrs["answer"]["values"]["seenBy"]
        town.analyses.start("viewshed", {"from": {"type": "Point", "coordinates": [120.0, 36.28]}}).wait()
    """

    def __init__(self, send: Callable[..., httpx.Response]) -> None:
        self._send = send

    def processes(self) -> pd.DataFrame:
        """One row for each analysis; the index its id."""
        import pandas as pd

        found = self._send("GET", "/processes").json()["processes"]
        index = pd.Index([entry["id"] for entry in found], name="process", dtype=object)
        return pd.DataFrame([{key: entry[key] for key in ("title", "description")} for entry in found], index=index)

    def describe(self, process: str) -> dict[str, Any]:
        """Inputs, output and an example of an analysis. Raises NotFound if there is none."""
        document: dict[str, Any] = self._send("GET", f"/processes/{quote(process)}").json()
        return document

    def run(self, process: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> geopandas.GeoDataFrame:
        """The answer: what can be drawn as a frame in EPSG:4490, the numbers and what they rest on in `attrs["answer"]`.

        Args:
            inputs: By name; those whose name is no word of Python (`from`) go here, the others may be keywords.

        Raises:
            BadCall: if the inputs cannot be used.
        """
        body = {"inputs": {**(inputs or {}), **more}}
        return _frame(self._send("POST", f"/processes/{quote(process)}/execution", json=body).json())

    def raster(self, process: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> bytes:
        """The cells behind an answer as a Cloud Optimized GeoTIFF, for viewsheds, coverage, shadows, sunlight, floods, cut and fill.

        ::

            Path("pond.tif").write_bytes(town.analyses.raster("flood", area=area, sources=[place], level_m=20))

        Raises:
            BadCall: if the inputs cannot be used, or the answer has no cells.
        """
        wanted = {"result": {"format": {"mediaType": "image/tiff"}}}
        body = {"inputs": {**(inputs or {}), **more}, "outputs": wanted}
        return bytes(self._send("POST", f"/processes/{quote(process)}/execution", json=body).content)

    def start(self, process: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> AnalysisJob:
        """The same as a job of the server."""
        body = {"inputs": {**(inputs or {}), **more}}
        headers = {"Prefer": "respond-async"}
        answer = self._send("POST", f"/processes/{quote(process)}/execution", json=body, headers=headers)
        return AnalysisJob(self._send, answer.json()["jobID"])


class AnalysisJob(NamedTuple):
    """A job of the server."""

    send: Callable[..., httpx.Response]
    id: str

    def status(self) -> dict[str, Any]:
        """How far it is."""
        document: dict[str, Any] = self.send("GET", f"/jobs/{self.id}").json()
        return document

    def wait(self, timeout_s: float = 600.0) -> geopandas.GeoDataFrame:
        """The answer, as `TownAnalyses.run` gives it, when the job is done.

        Raises:
            Unavailable: if it is not done in time.
            BadData, NotFound: if it failed, or was dismissed.
        """
        end = time.monotonic() + timeout_s
        while self.status()["status"] in ("accepted", "running"):
            if time.monotonic() > end:
                raise Unavailable(
                    "The job is not done.", value=self.id, limit=f"{timeout_s:.0f} s", remedy="Wait longer."
                )
            time.sleep(0.2)
        return _frame(self.send("GET", f"/jobs/{self.id}/results").json())

    def dismiss(self) -> None:
        """Stop it, or forget it with its result."""
        self.send("DELETE", f"/jobs/{self.id}")


def _frame(document: Mapping[str, Any]) -> geopandas.GeoDataFrame:
    import geopandas

    features = document["features"]
    frame = (
        geopandas.GeoDataFrame.from_features(features, crs="EPSG:4490")
        if features
        else geopandas.GeoDataFrame(geometry=[], crs="EPSG:4490")
    )
    frame.attrs["answer"] = document["answer"]
    return frame
