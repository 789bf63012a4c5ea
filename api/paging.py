"""Paging tokens: where a page ended, in a form that clients carry and cannot bend.

A token holds the sort values and the row number of the last feature (`Position`), and a check sum over them and over the
query it belongs to. It hides nothing: the client has just read those values.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import blake2s
from typing import Any

import orjson

from api.errors import BadTokenError
from twin.feature import FeatureBatch
from twin.query import Position, SortKey

_SUM_BYTES = 8


def position_of_last(batch: FeatureBatch, sort: Sequence[SortKey]) -> Position:
    """Where the last row of `batch` stands; the batch must carry the columns it is sorted by."""
    return Position(tuple(batch.columns[key.property][-1] for key in sort), int(batch.fids[-1]))


def encode_token(position: Position, query: str) -> str:
    """URL-safe text of `position`, valid only for the query that `query` describes."""
    body = orjson.dumps([position.fid, *(_tagged(value) for value in position.values)])
    return base64.urlsafe_b64encode(_check_sum(body, query) + body).rstrip(b"=").decode()


def decode_token(token: str, query: str) -> Position:
    """The position in `token`.

    Raises:
        BadTokenError: if the token was cut or changed, or belongs to another query.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad(token) from error
    stored_sum, body = raw[:_SUM_BYTES], raw[_SUM_BYTES:]
    if not body or _check_sum(body, query) != stored_sum:
        raise _bad(token)
    fid, *values = orjson.loads(body)
    return Position(tuple(_untagged(value) for value in values), int(fid))


def _check_sum(body: bytes, query: str) -> bytes:
    return blake2s(body + b"\x00" + query.encode("utf-8", "replace"), digest_size=_SUM_BYTES, person=b"onemap").digest()


def _tagged(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    return value


def _untagged(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["t"]) if "t" in value else date.fromisoformat(value["d"])
    return value


def _bad(token: str) -> BadTokenError:
    return BadTokenError(
        "This paging token is damaged or belongs to another query.",
        value=token,
        limit="the token of a next link, with the same bbox, datetime, filter and sortby",
        remedy="Start again from the first page and follow its next links.",
    )
