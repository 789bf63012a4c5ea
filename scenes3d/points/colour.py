"""Colours of points as delivered, in 8 bits as a screen shows them (sRGB) or as glTF wants them (linear)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

_EIGHT_BITS = 255


def srgb_bytes(colour: npt.NDArray[np.uint16], brightest: int) -> npt.NDArray[np.uint8]:
    """Red, green, blue (n, 3) in 8 bits.

    LAS wants 16 bits (1.4-R15, section 2.6); many files hold 8: `brightest`, the greatest value of the whole cloud, tells them apart.
    """
    if brightest <= _EIGHT_BITS:
        return colour.astype(np.uint8)
    return ((colour.astype(np.uint32) + 128) // 257).astype(np.uint8)


def linear_bytes(colour: npt.NDArray[np.uint16], brightest: int) -> npt.NDArray[np.uint8]:
    """Red, green, blue (n, 3) in 8 bits, linear in light. Source: IEC 61966-2-1; glTF 2.0, section 3.7.2.1 (COLOR_0)."""
    return _linear()[srgb_bytes(colour, brightest)]


def shown_bytes(light: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The way back from `linear_bytes`, as far as 8 linear bits can tell: 1 off, and up to 6 near black."""
    return _shown()[light]


@lru_cache(maxsize=1)
def _shown() -> npt.NDArray[np.uint8]:
    light = np.arange(256) / 255
    share = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.array(np.rint(share * 255), dtype=np.uint8)


@lru_cache(maxsize=1)
def _linear() -> npt.NDArray[np.uint8]:
    share = np.arange(256) / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.array(np.rint(light * 255), dtype=np.uint8)
