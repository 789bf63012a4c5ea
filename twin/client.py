"""The client for notebooks and scripts: any layer of a running One Map as a GeoDataFrame, and the map itself.

::

    import twin

    town = twin.connect("http://127.0.0.1:8000")
    town.layers                                             # what there is
    broken = town.read("facilities", filter="status = 'damaged'")
    town.show(layers=["roads", "facilities"], bbox=broken.total_bounds)
    town.codes.at(120.0335, 36.2645)                        # map sheets, grid codes, divisions of a place
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import httpx

from twin.client_analyses import TownAnalyses
from twin.client_basemap import TownBaseMap
from twin.client_codes import Codes
from twin.client_errors import raise_for_problem, unreachable
from twin.client_history import LayerHistory
from twin.client_layers import Layer, Layers
from twin.client_places import TownPlaces
from twin.client_relations import TownRelations
from twin.client_reviews import decision_document
from twin.client_scenes import TownScenes
from twin.client_view import View, view_url
from twin.errors import BadBoundsError, NotFound, UnknownLayerError

if TYPE_CHECKING:
    import geopandas

PAGE_ROWS = 10_000
AsOf = str | int | date | datetime
When = str | date | datetime | tuple[date | datetime | str | None, date | datetime | str | None]


def connect(url: str = "http://127.0.0.1:8000", *, actor: str = "", timeout_s: float = 300.0) -> Town:
    """A running One Map.

    Args:
        url: Its address.
        actor: Who writes, for the changesets.
        timeout_s: Seconds to wait for an answer.

    Raises:
        Unavailable: if nothing answers there.
    """
    town = Town(url, actor=actor, timeout_s=timeout_s)
    town.refresh()
    return town


class Town:
    """A running One Map, seen through its HTTP interface. Use `connect`."""

    def __init__(self, url: str, *, actor: str = "", timeout_s: float = 300.0) -> None:
        self.url = url.rstrip("/")
        headers = {"X-OneMap-Actor": quote(actor)} if actor else {}
        local = urlsplit(self.url).hostname in ("127.0.0.1", "localhost", "::1")
        # A proxy for the outside world must not stand between a notebook and its own machine.
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s, trust_env=not local)
        self._layers: Layers | None = None

    def refresh(self) -> Layers:
        """Ask the server again what layers there are."""
        document = self._get("/layers").json()
        self._layers = Layers(document["layers"], document.get("city") or {})
        return self._layers

    @property
    def layers(self) -> Layers:
        """All layers by id, as they are now."""
        return self.refresh()

    @property
    def basemap(self) -> TownBaseMap:
        """Releases of the base map, what changed between them, and checks of its topology."""
        return TownBaseMap(self._send)

    @property
    def places(self) -> TownPlaces:
        """Names found, points told."""
        return TownPlaces(self._send)

    @property
    def relations(self) -> TownRelations:
        """What belongs to what, by id."""
        return TownRelations(self._send)

    @property
    def codes(self) -> Codes:
        """Codes of places, and places of codes."""
        return Codes(self._send)

    @property
    def scenes(self) -> TownScenes:
        """The reality model: scenes built, delivered, reviewed."""
        return TownScenes(self._send)

    @property
    def analyses(self) -> TownAnalyses:
        """Sight, light, heights, water and earth, with numbers."""
        return TownAnalyses(self._send)

    def history(self, layer: str) -> LayerHistory:
        """The past of a layer: versions of its features, differences, changesets, and putting a version back.

        Raises:
            UnknownLayerError: if there is no such layer.
        """
        self._layer(layer)
        return LayerHistory(self._send, layer)

    def read(
        self,
        layer: str,
        *,
        bbox: Sequence[float] | None = None,
        filter: str | Mapping[str, Any] | None = None,  # noqa: A002 (OGC's word)
        datetime: When | None = None,
        as_of: AsOf | None = None,
        properties: Sequence[str] | None = None,
        limit: int | None = None,
        crs: str | None = None,
    ) -> geopandas.GeoDataFrame:
        """Features of a layer, the index their ids, the columns typed by the schema, EPSG:4490 unless `crs` says otherwise.

        Args:
            layer: Its id.
            bbox: West, south, east, north in degrees; `frame.total_bounds` does.
            filter: CQL2, as text (`"height_m > 30 AND use = 'public'"`) or in its JSON form.
            datetime: An instant, a day, or a pair with None for an open end: of each feature what held then.
            as_of: An instant, a day (its end), a version, or "release:2026.11": the layer as it stood then.
            properties: Columns wanted; None for all.
            limit: At most so many; None for all.
            crs: CRS of the geometries, east or longitude first.

        Raises:
            UnknownLayerError, UnknownPropertyError, BadFilterError, BadBoundsError, BadMomentError: as the server or this client finds it.
        """
        from twin.client_frames import frame_of_features, frame_of_parquet, reprojected, wanted

        known = self._layer(layer)
        wanted(known.schema, properties)
        asked = _query(bbox, filter, datetime, properties)
        if as_of is not None:
            asked["as_of"] = f"v{as_of}" if isinstance(as_of, int) else _instant(as_of)
        address = f"/collections/{layer}/items"
        if limit is None:
            content = self._get(address, {**asked, "f": "parquet"}).content
            frame = frame_of_parquet(content, known.schema, properties)
        else:
            frame = frame_of_features(self._pages(address, asked, limit), known.schema, properties)
        return frame if crs is None else reprojected(frame, crs)

    def show(
        self,
        layers: Sequence[str] | str | None = None,
        bbox: Sequence[float] | None = None,
        *,
        datetime: str | date | datetime | None = None,
        as_of: str | date | datetime | None = None,
        three_d: bool = False,
        height_px: int = 560,
    ) -> View:
        """The map with these layers switched on (None: as the page opens), looking at `bbox`, for a notebook's output.

        Args:
            layers: Ids; one alone may stand for itself.
            bbox: West, south, east, north in degrees.
            datetime: A day or an instant: what held in the world then.
            as_of: A day or an instant: what had been recorded by then.
            three_d: Whether buildings stand up.
            height_px: Of the frame.

        Raises:
            UnknownLayerError: if one of the layers is not there.
        """
        names = [layers] if isinstance(layers, str) else layers
        for name in names or ():
            self._layer(name)
        dates = {name: _instant(when) for name, when in (("datetime", datetime), ("as_of", as_of)) if when is not None}
        box = None if bbox is None else _four_numbers(bbox)
        return View(view_url(self.url, names, box, three_d, dates), height_px)

    def register(self, manifest: Mapping[str, Any] | str | Path, file: str | Path | None = None) -> Layer:
        """A new layer from its manifest (a dict, or a JSON file) and a file with its data; empty without one.

        Raises:
            BadManifestError: with every fault in `findings`.
            DuplicateLayerError: if the id is taken.
            BadData: if the file cannot be taken; then there is no layer either.
        """
        document = _manifest(manifest)
        if file is None:
            answer = self._send("POST", "/layers", json=document)
        else:
            answer = self._send_file("POST", "/layers", file, data={"manifest": json.dumps(document)})
        return Layer(answer.json())

    def check(self, manifest: Mapping[str, Any] | str | Path, file: str | Path | None = None) -> dict[str, Any]:
        """What `register` with the same arguments would meet; nothing is written."""
        document = _manifest(manifest)
        if file is None:
            return dict(self._send("POST", "/layers/check", json=document).json())
        return dict(self._send_file("POST", "/layers/check", file, data={"manifest": json.dumps(document)}).json())

    def load(self, layer: str, file: str | Path, *, mode: str = "upsert", crs: str | None = None) -> dict[str, Any]:
        """Bring a file into a layer and give the report; `mode="replace"` leaves exactly the rows of the file."""
        parameters = {"mode": mode} | ({} if crs is None else {"crs": crs})
        return dict(self._send_file("PUT", f"/layers/{layer}/data", file, params=parameters).json())

    def doctor(self, layer: str) -> dict[str, Any]:
        """What the server believes of where a layer lies: verdict, text in both languages, share, shift, correction."""
        return dict(self._get(f"/layers/{quote(layer, safe='')}/doctor").json()["belief"])

    def review(
        self,
        layer: str,
        decision: str | None = None,
        *,
        reason: str,
        correction: str | Mapping[str, Any] | None = None,
        shift_m: Sequence[float] | None = None,
    ) -> Layer:
        """Decide on a layer that is held: "accept", "reject", or a correction ("GCJ-02", "EPSG:4528", "swap-axes", a shift).

        Raises:
            BadCall: if the decision is none, or has no reason.
        """
        document = decision_document(decision, correction, shift_m, reason)
        return Layer(self._send("POST", f"/layers/{quote(layer, safe='')}/review", json=document).json())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        count = "" if self._layers is None else f", {len(self._layers)} layers"
        return f"<One Map at {self.url}{count}>"

    def _layer(self, name: str) -> Layer:
        """The layer called so, asked for once more before it is called unknown."""
        known = self._layers if self._layers is not None and name in self._layers else self.refresh()
        if name not in known:
            raise UnknownLayerError(
                f"There is no layer '{name}'.", value=name, limit=", ".join(known), remedy="town.layers lists them."
            )
        return known[name]

    def _pages(self, address: str, asked: dict[str, str], limit: int) -> list[dict[str, Any]]:
        features: list[dict[str, Any]] = []
        following: str | None = address
        parameters: dict[str, str] | None = {**asked, "f": "json", "limit": str(max(1, min(limit, PAGE_ROWS)))}
        while following is not None and len(features) < limit:
            page = self._get(following, parameters).json()
            features += page["features"]
            following = next((link["href"] for link in page.get("links", ()) if link.get("rel") == "next"), None)
            parameters = None  # the link carries them
        return features[:limit]

    def _get(self, address: str, parameters: Mapping[str, str] | None = None) -> httpx.Response:
        return self._send("GET", address, params=parameters)

    def _send_file(self, method: str, address: str, file: str | Path, **parts: Any) -> httpx.Response:
        path = Path(file)
        with path.open("rb") as content:
            return self._send(method, address, files={"file": (path.name, content)}, **parts)

    def _send(self, method: str, address: str, **parts: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, address, **parts)
        except httpx.TransportError as error:
            raise unreachable(self.url, error) from error
        raise_for_problem(answer)
        return answer


def _query(
    bbox: Sequence[float] | None,
    condition: str | Mapping[str, Any] | None,
    when: When | None,
    names: Sequence[str] | None,
) -> dict[str, str]:
    asked: dict[str, str] = {}
    if bbox is not None:
        asked["bbox"] = ",".join(repr(number) for number in _four_numbers(bbox))
    if isinstance(condition, str):
        asked |= {"filter": condition, "filter-lang": "cql2-text"}
    elif condition is not None:
        asked |= {"filter": json.dumps(condition, ensure_ascii=False), "filter-lang": "cql2-json"}
    if when is not None:
        asked["datetime"] = "/".join(map(_instant, when)) if isinstance(when, tuple) else _instant(when)
    if names is not None:
        asked["properties"] = ",".join(names)
    return asked


def _four_numbers(bbox: Sequence[float]) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(number) for number in bbox)
    except (TypeError, ValueError) as error:
        raise BadBoundsError(
            "A bbox is four numbers.", value=bbox, limit="west, south, east, north", remedy="frame.total_bounds is one."
        ) from error
    return west, south, east, north


def _instant(value: date | datetime | str | None) -> str:
    if value is None:
        return ".."
    if isinstance(value, str):
        return value
    if not isinstance(value, datetime):
        return value.isoformat()
    return (value if value.tzinfo else value.astimezone()).isoformat()


def _manifest(manifest: Mapping[str, Any] | str | Path) -> dict[str, Any]:
    if isinstance(manifest, Mapping):
        return dict(manifest)
    path = Path(manifest)
    if not path.is_file():
        raise NotFound(
            "There is no such manifest file.", value=str(path), remedy="Give a dict, or the path of a JSON file."
        )
    return dict(json.loads(path.read_text(encoding="utf-8")))
