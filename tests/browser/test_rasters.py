"""Imagery and elevation on the page: switched on, dated, faded, drawn in another way, explained, and shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote

import numpy as np
import pytest

from api import cli
from map_page import MapPage
from raster_files import photo, slope, write_raster
from server_process import ServerProcess

OpenMap = Callable[..., MapPage]
HOME = "at=120.03,36.28,14"
# Software draws it, and the panel must be there.
SMALL = {"width": 800, "height": 420}


@pytest.fixture(scope="module")
def raster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a photograph of two days and an elevation raster, and no layers."""
    place = tmp_path_factory.mktemp("rasters")
    data = place / "data"

    def add(name: str, pixels: np.ndarray, *more: str) -> None:
        file = write_raster(place / name, pixels)
        assert cli.run(["import", str(file), "--data", str(data), *more]) == 0

    old, about = photo(), ("--layer", "ortho", "--title-zh", "正射影像", "--title-en", "Orthophoto")
    old[2] = 250
    add("a.tif", old, "--day", "2020-05-01", *about)
    add("b.tif", photo(), "--day", "2024-05-01", *about)
    add("c.tif", slope(), "--layer", "dem", "--vertical-datum", "5737", "--title-zh", "高程", "--title-en", "Heights")
    server = ServerProcess(data)
    yield server
    server.stop()


DRAWN = "() => window.onemap.map.layers.some((layer) => layer.id === 'raster/ortho' && layer.isLoaded)"


def test_a_raster_is_switched_on_dated_faded_and_shared(open_map: OpenMap, raster_server: ServerProcess) -> None:
    shown = open_map(HOME, raster_server, **SMALL)
    bare = shown.picture()
    shown.page.check("#show-raster-ortho")
    shown.until(DRAWN)
    newest = shown.picture()
    assert shown.different_pixels(bare, newest) > 10_000
    shown.page.fill("[data-focus=opacity-raster-ortho]", "40")
    shown.page.select_option("[data-focus=day-raster-ortho]", "2020-05-01")
    shown.until("() => window.onemap.map.layers[0].props.data.includes('datetime=2020-05-01')")
    shown.until(DRAWN)
    assert shown.different_pixels(newest, shown.picture()) > 10_000
    assert shown.page.inner_text("[data-raster=ortho] output") == "40%"
    address = unquote(shown.until("() => location.search.includes(':0.4') && location.search"))
    assert "rasters=ortho@2020-05-01:0.4:plain" in address
    again = open_map(address.removeprefix("?"), raster_server, **SMALL)
    again.until(DRAWN)
    assert again.evaluate("() => window.onemap.map.layers[0].props.opacity") == 0.4
    assert shown.complaints == again.complaints == []
    assert shown.outside_requests == []


def test_heights_are_drawn_in_several_ways_with_their_legend_in_both_languages(
    open_map: OpenMap, raster_server: ServerProcess
) -> None:
    shown = open_map(f"{HOME}&rasters=dem", raster_server, **SMALL)
    shown.page.click("[data-focus=more-raster-dem]")
    shown.until("() => document.querySelector('[data-raster=dem] .ramp-ends')")
    relief = shown.picture()
    ends = shown.page.inner_text("[data-raster=dem] .ramp-ends")
    assert "≤" in ends
    assert ends.count("m") == 2
    shown.page.select_option("[data-focus=look-raster-dem]", "contour")
    shown.until("() => document.querySelector('[data-raster=dem] .legend')?.textContent.includes('等高距')")
    assert shown.different_pixels(relief, shown.picture()) > 1_000
    shown.page.click("#language")
    shown.until("() => document.querySelector('[data-raster=dem] .legend')?.textContent.includes('a line every')")
    assert shown.page.inner_text("[data-department=rasters] .group-name") == "Imagery and elevation"
    shown.page.fill("#search", "orthophoto")
    assert shown.evaluate(
        "() => [...document.querySelectorAll('[data-raster]')].map((node) => node.dataset.raster)"
    ) == ["ortho"]
    assert shown.complaints == []


def test_a_date_without_an_image_is_said(open_map: OpenMap, raster_server: ServerProcess) -> None:
    shown = open_map(f"{HOME}&rasters=ortho&datetime=2019-01-01", raster_server, **SMALL)
    shown.page.click("[data-focus=more-raster-ortho]")
    shown.until("() => document.querySelector('[data-raster=ortho] .belief')?.textContent === '该日期没有影像'")
    assert shown.layer_ids == []
