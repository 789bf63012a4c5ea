"""The compressed forms in which tiles are kept: fast, and the same bytes for the same data."""

from __future__ import annotations

from typing import Literal

import zstandard
from isal import isal_zlib

Coding = Literal["gzip", "zstd", "identity"]
"""Content codings of HTTP that tiles are kept in. Source: RFC 9110, 8.4.1; RFC 8878."""

# ISA-L's second level: 15 times less CPU than zlib's sixth for a tenth more bytes.
_GZIP_LEVEL = 2
# Bytes and CPU of ISA-L's second level.
_ZSTD_LEVEL = 1
_GZIP_WINDOW = 31  # zlib's word for "gzip wrapper, largest window"; it writes no clock into the header


def compressed(data: bytes, coding: Coding = "gzip") -> bytes:
    """The compressed bytes; none for none."""
    if not data or coding == "identity":
        return data
    if coding == "zstd":
        # A compressor is not shared by threads, and made in a microsecond. The frame says its size, so that readers need not guess.
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(data)
    return isal_zlib.compress(data, _GZIP_LEVEL, _GZIP_WINDOW)


def decompressed(body: bytes, coding: Coding = "gzip") -> bytes:
    """What `compressed` was given."""
    if not body or coding == "identity":
        return body
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompress(body)
    return isal_zlib.decompress(body, wbits=_GZIP_WINDOW)
