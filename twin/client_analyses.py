"""Analyses of a running server for notebooks: what there is, answers as frames, jobs that are waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from twin.client_jobs import ServerJob

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


class AnalysisJob(ServerJob):
    """An analysis that the server works out."""

    __slots__ = ()

    def wait(self, timeout_s: float = 600.0) -> geopandas.GeoDataFrame:
        """The answer, as `TownAnalyses.run` gives it, when the job is done.

        Raises:
            Unavailable: if it is not done in time.
            BadData, NotFound: if it failed, or was dismissed.
        """
        return _frame(self._document(timeout_s, "The job is not done."))


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
