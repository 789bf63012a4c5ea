"""The engine for a bag of triangles: Embree through embreex, Open3D where that is missing, else our own kernels."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from scenes3d.rays.batches import Batched, Engine
from scenes3d.rays.port import Rays, Triangles
from twin.errors import BadAnalysisError

AUTO = "auto"
# Best first. Open3D runs the same Embree, but takes a second and 100 MB to load.
_MODULES = {"embreex": "scenes3d.rays.embree", "open3d": "scenes3d.rays.open3d", "numba": "scenes3d.rays.kernel"}
ENGINES = tuple(_MODULES)


def open_rays(triangles: Triangles, engine: str = AUTO) -> Rays:
    """Rays against these triangles.

    Args:
        engine: One of `ENGINES`, or `AUTO` for the best that is installed.

    Raises:
        BadAnalysisError: if there is no such engine, or it is not installed.
    """
    for name in ENGINES if engine == AUTO else (engine,):
        if name not in _MODULES:
            raise BadAnalysisError(
                "There is no such ray engine. 没有这种光线引擎。", value=name, limit=", ".join(ENGINES)
            )
        try:
            make: Callable[[Triangles], Engine] = importlib.import_module(_MODULES[name]).make
            return Batched(make(triangles), triangles.middle)
        except (ImportError, OSError) as error:
            if engine != AUTO:
                raise BadAnalysisError(
                    f"The ray engine {name} cannot be loaded: {error}. 光线引擎无法加载。",
                    value=name,
                    limit="an installed package with the system libraries it needs",
                    remedy="Use auto, or install it: pip install 'onemap-twin[scenes3d]' for open3d.",
                ) from error
    raise AssertionError("numba is a dependency")  # pragma: no cover
