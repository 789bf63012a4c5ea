"""Relations of a running server for notebooks: what a feature is tied to as a frame, links recorded, derived and followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx
    import pandas as pd

Feature = tuple[str, str]
_COLUMNS = (
    *("id", "type", "from_layer", "from_id", "to_layer", "to_id"),
    *("valid_from", "valid_to", "source", "confidence", "properties"),
)
_TIE_COLUMNS = (
    "level",
    "relation",
    "layer",
    "id",
    "title",
    "stands",
    "now",
    "link",
    "source",
    "confidence",
    "properties",
)
_PAGE = 10_000


class TownRelations:
    """`town.relations`: the links of a running One Map.

    ::

        town.relations.of("sensors", "JZ-AQ-0001", depth=2)
        town.relations.link("floor-of", ("floors", "F2"), ("buildings", "1041"), floor_number=2)
        town.relations.derive("in-grid-cell", "sensors", "grid-cells", dry_run=True)
    """

    def __init__(self, send: Callable[..., httpx.Response]) -> None:
        self._send = send

    @property
    def types(self) -> pd.DataFrame:
        """What may be tied to what: one row for each relation type, the index its id."""
        import pandas as pd

        found = self._get("/relations/types")["types"]
        rows = [
            {
                "zh": kind["title"]["zh"],
                "en": kind["title"]["en"],
                "inverse": kind["inverse"]["id"],
                "cardinality": kind["cardinality"],
                "acyclic": kind["acyclic"],
                "derives": (kind.get("derive") or {}).get("method"),
                "shipped": kind["shipped"],
            }
            for kind in found
        ]
        return pd.DataFrame(rows, index=pd.Index([kind["id"] for kind in found], name="type"))

    def of(
        self,
        layer: str,
        id: str,  # noqa: A002 (the word of the interface)
        *,
        type: str | None = None,  # noqa: A002 (the word of the interface)
        depth: int = 1,
    ) -> pd.DataFrame:
        """What a feature is tied to: one row for each far end, `level` says how many links away.

        Raises:
            UnknownLayerError, UnknownFeatureError: if there is none such.
        """
        import pandas as pd

        parameters = {"depth": str(depth), "limit": "1000"} | ({} if type is None else {"type": type})
        found = self._get(f"/collections/{_path(layer)}/items/{_path(id)}/relations", parameters)
        return pd.DataFrame(list(_ties(found["relations"], 1)), columns=list(_TIE_COLUMNS))

    def links(
        self,
        layer: str | None = None,
        id: str | None = None,  # noqa: A002 (the word of the interface)
        *,
        type: str | None = None,  # noqa: A002 (the word of the interface)
        datetime: str | None = None,
        as_of: str | int | None = None,
    ) -> pd.DataFrame:
        """Links as a frame: of a layer, of a feature, of a type, that hold at a time, as recorded at an instant."""
        import pandas as pd

        asked = {"layer": layer, "id": id, "type": type, "datetime": datetime, "as_of": as_of}
        parameters: dict[str, str] | None = {k: str(v) for k, v in asked.items() if v is not None} | {
            "limit": str(_PAGE)
        }
        rows: list[dict[str, Any]] = []
        address: str | None = "/relations"
        while address is not None:
            page = self._get(address, parameters)
            rows += [_flat(link) for link in page["relations"]]
            address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
            parameters = None  # the link carries them
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def link(
        self,
        type: str,  # noqa: A002 (the word of the interface)
        source: Feature,
        target: Feature,
        *,
        valid_from: str | None = None,
        valid_to: str | None = None,
        confidence: float | None = None,
        **properties: Any,
    ) -> dict[str, Any]:
        """Record one link and give it back as the server has it.

        Raises:
            BadData: if it cannot be; the reason in words.
            Conflict: if another link stands against it.
        """
        document = {
            "type": type,
            "from": dict(zip(("layer", "id"), source, strict=True)),
            "to": dict(zip(("layer", "id"), target, strict=True)),
            "valid_from": valid_from,
            "valid_to": valid_to,
            "confidence": confidence,
            "properties": properties,
        }
        return dict(self._send("POST", "/relations", json=document).json())

    def record(self, links: Sequence[Mapping[str, Any]] | pd.DataFrame, *, partial: bool = False) -> dict[str, Any]:
        """Record many: dicts as the server takes them, or a frame with `type`, `from_layer`, `from_id`, `to_layer`, `to_id`."""
        import pandas as pd

        if isinstance(links, pd.DataFrame):
            rows = [{k: v for k, v in row.items() if not _is_nothing(v)} for row in links.to_dict("records")]
        else:
            rows = [dict(link) for link in links]
        parameters = {"partial": "true"} if partial else None
        return dict(self._send("POST", "/relations", json={"links": rows}, params=parameters).json())

    def end(self, link: int) -> None:
        """End a link; its past stays. Raises UnknownRelationError."""
        self._send("DELETE", f"/relations/{int(link)}")

    def derive(
        self,
        type: str,  # noqa: A002 (the word of the interface)
        source: str,
        target: str,
        *,
        within_m: float | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Propose links from geometry and, unless only tried, record the certain ones; gives the report."""
        document = {"type": type, "from": source, "to": target, "dry_run": dry_run}
        return dict(
            self._send(
                "POST", "/relations/derive", json=document | ({} if within_m is None else {"within_m": within_m})
            ).json()
        )

    def resolve(self, layer: str, id: str, *, at: str | int | None = None) -> dict[str, Any]:  # noqa: A002 (as above)
        """What an entity is now, or was at an instant, a version of its layer, or a base-map release."""
        parameters = {"layer": layer, "id": id} | ({} if at is None else {"at": str(at)})
        return self._get("/relations/resolve", parameters)

    def check(self) -> dict[str, Any]:
        """The integrity report."""
        return self._get("/relations/check")

    def joined(self, frame: pd.DataFrame, layer: str, type: str) -> pd.DataFrame:  # noqa: A002 (as above)
        """`frame`, whose index holds ids of `layer`, with the id of the feature each row is tied to by `type` as a new column.

        The column is called like the type; where a feature has several, they stand as a list.
        """
        links = self.links(layer, type=type)
        ours = links[links["from_layer"] == layer]
        several = ours.groupby("from_id")["to_id"].agg(lambda ids: ids.iloc[0] if len(ids) == 1 else list(ids))
        return frame.assign(**{type: several.reindex(frame.index)})

    def _get(self, address: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
        return dict(self._send("GET", address, params=parameters, headers={"Accept": "application/json"}).json())


def _ties(groups: Sequence[Mapping[str, Any]], level: int) -> Iterator[dict[str, Any]]:
    for group in groups:
        for tie in group["ties"]:
            feature, link = tie["feature"], tie["link"]
            yield {
                "level": level,
                "relation": group["relation"],
                "layer": feature["layer"],
                "id": feature["id"],
                "title": feature["title"],
                "stands": feature["stands"],
                "now": [entity["id"] for entity in tie.get("now", ())],
                "link": link["id"],
                "source": link["source"],
                "confidence": link["confidence"],
                "properties": link["properties"],
            }
            yield from _ties(tie.get("relations", ()), level + 1)


def _flat(link: Mapping[str, Any]) -> dict[str, Any]:
    ends = {f"{side}_{key}": link[side][key] for side in ("from", "to") for key in ("layer", "id")}
    return {name: ends.get(name, link.get(name)) for name in _COLUMNS}


def _is_nothing(value: Any) -> bool:
    return value is None or value != value  # NaN is not itself  # noqa: PLR0124


def _path(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
