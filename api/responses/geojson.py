"""Features as GeoJSON: the page of a collection, and one feature.

Source: RFC 7946; foreign members as in OGC 17-069r4, 7.16; `time` as in OGC 21-045r1 (JSON-FG).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from api.crs_edge import EdgeCRS
from api.links import Link
from api.responses.coordinates import encode_wkb
from twin.feature import Feature, FeatureBatch
from twin.schema import Schema

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def encode_collection(
    batch: FeatureBatch,
    crs: EdgeCRS,
    *,
    shown: Sequence[str] | None,
    links: Sequence[Link],
    matched: int | None,
    now: datetime,
    note: str = "",
) -> bytes:
    """A FeatureCollection of one page.

    Args:
        batch: The page, CGCS2000 lon/lat.
        crs: System to write.
        shown: Property names to show; None for all.
        links: self, alternates, next, collection.
        matched: How many features the whole selection has; None where nobody counted, and then it is left out.
        now: For `timeStamp`.
        note: What a reader should know of the answer, for people.
    """
    document: dict[str, Any] = {"type": "FeatureCollection", "timeStamp": now, "numberReturned": len(batch)}
    if note:
        document["note"] = note
    if matched is not None:
        document["numberMatched"] = matched
    document["links"] = links
    document["features"] = feature_objects(batch, crs, shown)
    return orjson.dumps(document, option=_OPTIONS | orjson.OPT_OMIT_MICROSECONDS if now.microsecond == 0 else _OPTIONS)


def encode_feature(feature: Feature, schema: Schema, crs: EdgeCRS, links: Sequence[Link]) -> bytes:
    """One Feature with its links."""
    (made,) = feature_objects(FeatureBatch.of(schema, [feature]), crs, None)
    return orjson.dumps(made | {"links": links}, option=_OPTIONS)


def feature_objects(batch: FeatureBatch, crs: EdgeCRS, shown: Sequence[str] | None) -> list[dict[str, Any]]:
    """GeoJSON features whose geometry is already text (`orjson.Fragment`)."""
    geometries = map(orjson.Fragment, encode_wkb(batch.wkb, crs))
    names = list(batch.columns) if shown is None else list(shown)
    values = zip(*(batch.columns[name] for name in names), strict=True) if names else iter([()] * len(batch))
    made = [
        {"type": "Feature", "id": id_, "geometry": geometry, "properties": dict(zip(names, properties, strict=True))}
        for id_, geometry, properties in zip(batch.ids, geometries, values, strict=True)
    ]
    if any(batch.valid_from) or any(batch.valid_to):
        for feature, start, end in zip(made, batch.valid_from, batch.valid_to, strict=True):
            if start or end:
                feature["time"] = {"interval": [_instant(start), _instant(end)]}
    return made


def _instant(value: datetime | None) -> str:
    return ".." if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
