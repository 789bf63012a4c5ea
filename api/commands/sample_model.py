"""The sample town in 3D: made-up heights on the terrain shelf, and the buildings as a published scene that stands on them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from api.commands.terminal import remarks

if TYPE_CHECKING:
    from tiles.terrain.shelf import TerrainShelf
    from twin.store.port import Store

TERRAIN, SCENE = "relief", "buildings"
_BY = "onemap demo"
_REASON = "示例数据，由程序生成 · sample data, made by a program"


def bring_sample_model(store: Store, folder: Path) -> None:
    """Make what is missing of terrain and scene; a layer that somebody has changed is built as it stands.

    Args:
        store: With the layers of the sample town.
        folder: The data folder of the server.
    """
    from layers.policy import Actor
    from layers.reviewing import parse_decision
    from layers.scenes.desk import SceneDesk, SceneWish
    from tiles.terrain.shelf import TerrainShelf

    terrains = TerrainShelf(folder / "terrain")
    try:
        desk = SceneDesk(store, folder / "scenes", terrains)
        if not terrains.ids():
            _bring_relief(store, terrains)
        if not desk.scenes(Actor()) and store.layer(SCENE).feature_count:
            remarks().print("Building the 3D scene (once, some seconds) · 首次运行，正在构建三维场景")
            desk.build(SCENE, SceneWish(height="height_m", floors="floors"), Actor(_BY))
            desk.review(SCENE, parse_decision({"decision": "accept", "reason": _REASON}), Actor(_BY))
    finally:
        terrains.close()


def _bring_relief(store: Store, terrains: TerrainShelf) -> None:
    import numpy as np

    from data_samples.town.relief import waters_of, write_relief
    from data_samples.town.sample import SEED
    from twin.query import FeatureQuery
    from twin.text import LocalText

    bounds = store.layer("districts").bounds
    if bounds is None:
        return
    water, rivers = (store.select(layer, FeatureQuery()) for layer in ("water", "rivers"))
    kinds = np.array(water.columns["kind"], dtype=object)
    waters = waters_of(water.geometries, kinds, rivers.geometries)
    with tempfile.TemporaryDirectory(prefix="onemap-relief-") as name:
        drawn = Path(name) / "relief.tif"
        write_relief(drawn, bounds.as_tuple(), waters, SEED)
        title = LocalText("示例地形", "Sample relief")
        terrains.add(drawn, TERRAIN, title, "EPSG:5737", "示例数据，由程序生成 · made by a program")
