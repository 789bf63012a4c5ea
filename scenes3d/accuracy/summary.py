"""What residuals sum up to: mean square errors, means, greatest values, and whether they keep within limits.

    m_x = √(Σ dx² / n)      m_plane = √(m_x² + m_y²)      m_z = √(Σ dz² / n)

is the mean square error (中误差) of a check by a survey that is much more accurate than the scene, and the RMSE of ISO 19157. Where the
check is as accurate as what is checked, both take their share of the differences and the sums are divided by 2n (GB/T 24356, checks of
higher and of equal accuracy). A residual of more than twice the limit is a gross error: it is named and counted, and not part of the
mean, as the same standard has it. Limits depend on product, scale and terrain; they are given by who checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenes3d.frames import Floats

GROSS = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed, as mean square errors in metres; None where nothing is said.

    Attributes:
        equal_accuracy: The survey is as accurate as the scene, not much more.
    """

    plane_m: float | None = None
    height_m: float | None = None
    equal_accuracy: bool = False


@dataclass(frozen=True)
class Summary:
    """The figures, and which residuals are gross errors, bool (n,)."""

    figures: Mapping[str, Any]
    gross: np.ndarray


def summarise(residuals: Floats, limits: Limits) -> Summary:
    """Sum residuals up.

    Args:
        residuals: float64 (n, 3), metres east, north and up, the scene less the survey; NaN where unknown.
    """
    plane = np.hypot(residuals[:, 0], residuals[:, 1])
    off_plane = _beyond(plane, limits.plane_m)
    off_height = _beyond(np.abs(residuals[:, 2]), limits.height_m)
    share = 2.0 if limits.equal_accuracy else 1.0
    flat = residuals[np.isfinite(plane) & ~off_plane, :2]
    tall = residuals[np.isfinite(residuals[:, 2]) & ~off_height, 2]
    x, y, z = (_square_mean(values, share) for values in (flat[:, 0], flat[:, 1], tall))
    both = None if x is None or y is None else float(np.hypot(x, y))
    figures: dict[str, Any] = {
        "plane": {
            "count": len(flat),
            "gross": int(off_plane.sum()),
            "rmse_x_m": x,
            "rmse_y_m": y,
            "rmse_m": both,
            "mean_x_m": _mean(flat[:, 0]),
            "mean_y_m": _mean(flat[:, 1]),
            "max_m": _greatest(plane),
        },
        "height": {
            "count": len(tall),
            "gross": int(off_height.sum()),
            "rmse_m": z,
            "mean_m": _mean(tall),
            "max_m": _greatest(np.abs(residuals[:, 2])),
        },
    }
    for part, limit, error in (("plane", limits.plane_m, both), ("height", limits.height_m, z)):
        if limit is not None:
            within = None if error is None else bool(error <= limit and not figures[part]["gross"])
            figures[part] |= {"limit_m": limit, "within": within}
    return Summary(figures, off_plane | off_height)


def _beyond(size: Floats, limit: float | None) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.zeros(len(size), dtype=np.bool_) if limit is None else np.asarray(size > GROSS * limit)


def _square_mean(values: Floats, share: float) -> float | None:
    return float(np.sqrt(np.mean(values**2) / share)) if len(values) else None


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _greatest(size: Floats) -> float | None:
    known = size[np.isfinite(size)]
    return float(known.max()) if len(known) else None
