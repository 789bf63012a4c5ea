"""Instances of a model as nodes of a glTF: every viewer draws nodes, few draw the extension for instances.

Source: OGC 18-053r2, section 10.3 (instanced 3D model).
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from scenes3d.glb.container import broken
from scenes3d.sources.tilesets.containers import Packed
from scenes3d.sources.tilesets.gltf import Gltf
from twin.ellipsoid import Floats, east_north_up, geodetic

MOST_INSTANCES = 50_000
# From y up to z up, for columns.
_UPRIGHT = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


def instance_matrices(packed: Packed) -> tuple[Floats, Floats]:
    """The way from the model's frame (z up) to that of the tile, (n, 4, 4), and the centre they count from, (3,).

    Raises:
        UnreadableFileError: if there are more than a scene should hold in one tile.
        KeyError, ValueError: if the table does not say what it must.
    """
    table = packed.features
    count = int(table.document["INSTANCES_LENGTH"])
    if count > MOST_INSTANCES:
        raise broken(table.name, f"it claims {count:,} instances", f"{MOST_INSTANCES:,}")
    positions = table.array("POSITION", count, "<f4", 3)
    if positions is None:
        steps = table.array("POSITION_QUANTIZED", count, "<u2", 3)
        if steps is None:
            raise KeyError("POSITION")
        offset, scale = (
            np.array(table.document[f"QUANTIZED_VOLUME_{key}"], dtype=np.float64) for key in ("OFFSET", "SCALE")
        )
        positions = steps / 65535 * scale + offset
    places = positions.astype(np.float64)
    centre = places.mean(axis=0) if count else np.zeros(3)
    matrices = np.tile(np.identity(4), (count, 1, 1))
    matrices[:, :3, :3] = _turns(packed, count, places)
    even = table.array("SCALE", count, "<f4", 1)
    uneven = table.array("SCALE_NON_UNIFORM", count, "<f4", 3)
    if uneven is not None or even is not None:
        matrices[:, :3, :3] *= (uneven if uneven is not None else np.repeat(even, 3, axis=1))[:, None, :]  # type: ignore[arg-type]
    matrices[:, :3, 3] = places - centre
    return matrices, centre


def spread_instances(gltf: Gltf, matrices: Floats) -> None:
    """Put a copy of the scene's nodes for each matrix in the place of the nodes; meshes are shared."""
    document = gltf.document
    scene = document["scenes"][document.get("scene", 0)]
    roots, nodes = list(scene["nodes"]), document["nodes"]
    made: list[dict[str, object]] = []
    tops: list[int] = []
    for matrix in matrices:
        # The tile turns its contents from y up to z up; an instance is moved in between.
        turned = _UPRIGHT.T @ matrix @ _UPRIGHT
        start = len(made)
        copied = deepcopy(nodes)
        for node in copied:
            if "children" in node:
                node["children"] = [child + start for child in node["children"]]
        made += copied
        made.append({"matrix": turned.T.ravel().tolist(), "children": [root + start for root in roots]})
        tops.append(len(made) - 1)
    document["nodes"] = made
    scene["nodes"] = tops


def _turns(packed: Packed, count: int, places: Floats) -> Floats:
    """Rotation of each instance, (n, 3, 3), columns right, forward, up."""
    up = packed.features.array("NORMAL_UP", count, "<f4", 3)
    right = packed.features.array("NORMAL_RIGHT", count, "<f4", 3)
    if up is not None and right is not None:
        ups, rights = up.astype(np.float64), right.astype(np.float64)
        return np.stack([rights, np.cross(ups, rights), ups], axis=-1)
    if packed.features.document.get("EAST_NORTH_UP"):
        lon, lat, _ = geodetic(places + packed.centre)
        return np.stack([east_north_up(a, b).T for a, b in zip(lon.tolist(), lat.tolist(), strict=True)])
    return np.tile(np.identity(3), (count, 1, 1))
