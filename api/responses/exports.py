"""A whole selection in a bulk format: written to a file beside the server, then sent and forgotten."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import shapely
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api.crs_edge import EdgeCRS
from api.deps import Parts
from api.item_query import ItemsRequest
from twin.crs import from_cgcs2000
from twin.errors import StoreBusyError, TooLargeError
from twin.feature import FeatureBatch
from twin.formats.export import ExportFormat, write_features
from twin.schema import Schema

_CHUNK = 256 * 1024
_PATIENCE_S = 20.0


def export_answer(parts: Parts, wanted: ItemsRequest, headers: dict[str, str]) -> Response:
    """The selection as one file. Inside it x comes before y whatever the CRS declares, as GIS files have it.

    Raises:
        TooLargeError: if the selection has more features than the operator allows in one file.
        StoreBusyError: if other exports have not ended after a while.
    """
    _check_size(parts, wanted)
    if not parts.export_slots.acquire(timeout=_PATIENCE_S):
        raise StoreBusyError("Too many exports at once.")
    try:
        file, name = _written(parts, wanted)
    finally:
        parts.export_slots.release()
    sent = headers | {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(os.fstat(file.fileno()).st_size),
    }
    return StreamingResponse(_chunks(file), headers=sent, media_type=wanted.format.media_type)


def _written(parts: Parts, wanted: ItemsRequest) -> tuple[BinaryIO, str]:
    """The file, open and already without a name on disk: nothing is left behind, however the client goes away."""
    record, kind = wanted.record, ExportFormat(wanted.format.name)
    names = record.schema.names if wanted.shown is None else wanted.shown
    schema = Schema(record.schema.geometry_type, tuple(record.schema.property(name) for name in names))
    batches = _moved(parts.store.iterate(record.id, wanted.query), wanted.crs)
    with tempfile.TemporaryDirectory(prefix="onemap-export-") as folder:
        path = Path(folder) / f"{record.id}{kind.suffix}"
        write_features(batches, path, kind, schema=schema, crs=wanted.crs.uri, layer=record.id)
        return path.open("rb"), path.name


def _check_size(parts: Parts, wanted: ItemsRequest) -> None:
    limit = parts.settings.export_rows_max
    if wanted.limited or (wanted.query.as_of is None and wanted.record.feature_count <= limit):
        return
    count = wanted.record.feature_count if wanted.whole_layer else parts.store.count(wanted.record.id, wanted.query)
    if count > limit:
        raise TooLargeError(
            f"The selection has {count} features.",
            value=count,
            limit=f"{limit} features in one file",
            remedy="Narrow it by bbox or filter, or name a limit; the operator can raise ONEMAP_EXPORT_ROWS_MAX.",
        )


def _moved(batches: Iterator[FeatureBatch], crs: EdgeCRS) -> Iterator[FeatureBatch]:
    """The batches with their geometries in `crs`, x before y."""
    for batch in batches:
        if crs.same_place:
            yield batch
        else:
            yield replace(batch, wkb=list(shapely.to_wkb(from_cgcs2000(batch.geometries, crs.crs), flavor="iso")))


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await run_in_threadpool(file.read, _CHUNK):
            yield chunk
