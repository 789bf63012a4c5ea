"""Where tiles meet: a translucent area is of one colour, with no line at the edge of a tile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO

import httpx
import morecantile
import numpy as np
import pytest
from PIL import Image

from map_page import MapPage
from server_process import ServerProcess
from small_town import LAT, LON, square

FEATURE = {"type": "Feature", "id": "1", "geometry": {"type": "Polygon", "coordinates": square(LON, LAT, 0.2)}}
MANIFEST = {
    "id": "area",
    "title": {"zh": "区域", "en": "Area"},
    "department": "tests",
    "owner": "o",
    "licence": "l",
    "style": {"kind": "fill", "color": "#7a5c99", "opacity": 0.5},
    "source": {"type": "inline", "features": {"type": "FeatureCollection", "features": [FEATURE]}},
}


@pytest.fixture(scope="module")
def area_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("area"))
    try:
        answer = httpx.post(f"{server.url}/layers", json=MANIFEST, timeout=60, trust_env=False)
        assert answer.status_code == httpx.codes.CREATED, json.dumps(answer.json())
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("zoom", [14, 14.37])
def test_no_line_shows_between_tiles(open_map: Callable[..., MapPage], area_server: ServerProcess, zoom: float) -> None:
    grid = morecantile.tms.get("WebMercatorQuad")
    corner = grid.ul(grid.tile(LON, LAT, 14))
    address = f"at={corner.x},{corner.y},{zoom}&layers=area&embed=1"
    shown = open_map(address, server=area_server, width=401, height=401)  # the corner lies on the middle of a pixel
    picture = np.asarray(Image.open(BytesIO(shown.picture())).convert("L")).astype(int)
    assert picture.mean() < 220, "the area is drawn"
    for rows in (picture, picture.T):
        between = rows[:, 1:-1]
        line = (np.abs(between - rows[:, :-2]) > 2) & (np.abs(between - rows[:, 2:]) > 2)
        assert line.mean(axis=0).max() < 0.2
