"""Layers of very many areas: outlines are drawn where they can be told apart, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from map_page import MapPage
from small_town import LAT, LON

STROKED = """([layer, count]) => {
  window.onemap.view.entries.get(layer).feature_count = count;
  window.onemap.map.refresh();
  return window.onemap.map.layers.find(({ id }) => id === layer).props.stroked;
}"""


def test_outlines_of_a_crowd_wait_for_its_zoom(open_map: Callable[..., MapPage]) -> None:
    near, far = (open_map(f"at={LON},{LAT},{zoom}&embed=1", width=320, height=240) for zoom in (16, 14))
    assert far.evaluate(STROKED, ["blocks", 9]) is True
    assert far.evaluate(STROKED, ["blocks", 20_000]) is False
    assert near.evaluate(STROKED, ["blocks", 20_000]) is True
