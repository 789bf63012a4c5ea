"""Which content coding a client takes."""

from __future__ import annotations

from functools import lru_cache

from tiles.compression import Coding


@lru_cache(maxsize=256)
def coding_for(accept_encoding: str) -> Coding:
    """The coding that a tile goes out in: gzip, unless zstd is liked better or alone. Source: RFC 9110, 12.5.3.

    Of a tile ISA-L's gzip is as small and as quick as zstd's first level: one form for everybody is one entry in every cache.

    >>> coding_for("gzip, deflate, br, zstd"), coding_for("br, gzip;q=0.5"), coding_for("zstd;q=0.1, gzip"), coding_for("br")
    ('gzip', 'gzip', 'gzip', 'identity')
    """
    quality = _qualities(accept_encoding)
    gzip = quality.get("gzip", quality.get("x-gzip", quality.get("*", 0.0)))
    zstd = quality.get("zstd", 0.0)  # never by "*": those who say so may be older than it
    if zstd > 0.0 and zstd > gzip:
        return "zstd"
    return "gzip" if gzip > 0.0 else "identity"


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip. Source: RFC 9110, 12.5.3.

    >>> accepts_gzip("br, gzip;q=0.5"), accepts_gzip("gzip;q=0, *"), accepts_gzip("identity")
    (True, False, False)
    """
    quality = _qualities(accept_encoding)
    return quality.get("gzip", quality.get("x-gzip", quality.get("*", 0.0))) > 0.0


def _qualities(accept_encoding: str) -> dict[str, float]:
    """Weight by coding; what cannot be read is not wanted."""
    quality: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        try:
            quality[coding.strip()] = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            quality[coding.strip()] = 0.0
    return quality
