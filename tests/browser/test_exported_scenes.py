"""Exported scenes in loaders.gl, the reader inside of deck.gl: implicit tilings and clouds as 3D Tiles 1.0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from api.viewer.assets import BUNDLE
from box_town import box_town
from scenes3d.buildings.cleaning import footprints_of
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.heights import HeightRule
from scenes3d.editions.building import build_edition
from scenes3d.editions.edition import Edition
from scenes3d.editions.folder import SceneFolder, edition_opener
from scenes3d.editions.implicit import implicit_files
from scenes3d.frames import Frame
from scenes3d.points.building import build_cloud
from scenes3d.points.records import Chunk
from scenes3d.points.repacking import pnts_files
from scenes3d.tileset.folder import folder_opener

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Route

SITE = "http://tiles.test/"
COUNT = 2_000
READ = """async ([address, isTileset]) => {
  const { loader: said } = deck.Tile3DLayer.defaultProps, loader = said.value || said;
  const url = new URL(address, location.href).href, data = await (await fetch(url)).arrayBuffer();
  const context = {url, baseUrl: url.slice(0, url.lastIndexOf("/")), filename: "", queryString: "", fetch: fetch.bind(window)};
  const read = await loader.parse(data, {"3d-tiles": {isTileset}}, context);
  if (!isTileset) {
    const { positions, colors } = read.attributes;
    return {type: read.type, count: read.pointsLength, positions: [...positions], colors: [...(colors.value || colors)]};
  }
  const found = [], visit = (tile) => { found.push(tile.contentUrl); (tile.children || []).forEach(visit); };
  visit(read.root);
  return found;
}"""


class Few:
    """Points on a line to the east, each a shade brighter than the one before."""

    points = COUNT
    frame = Frame(120.0, 36.26, 20.0)

    def identity(self) -> dict[str, Any]:
        return {"points": self.points}

    def table(self) -> Chunk:
        number = np.arange(self.points)
        shade = np.repeat((number[:, None] % 256 * 257).astype(np.uint16), 3, axis=1)
        lon, lat = 120.0 + number * 1e-6, np.full(self.points, 36.26)
        return Chunk(lon, lat, 20.0 + number / 100, shade, shade[:, 0], np.zeros(self.points, dtype=np.uint8))

    def chunks(self) -> Iterator[Chunk]:
        yield self.table()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def site(browser_context: BrowserContext, folder: Path) -> Iterator[Page]:
    """A page with the bundle; below its address lie the files of `folder`."""

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path == "":
            route.fulfill(body="<!doctype html><script src='/deck.js'></script>", content_type="text/html")
        elif path == "deck.js":
            route.fulfill(path=str(BUNDLE), content_type="text/javascript")
        elif (folder / path).is_file():
            route.fulfill(body=(folder / path).read_bytes())
        else:
            route.fulfill(status=404)

    page = browser_context.new_page()
    page.route(f"{SITE}**", serve)
    page.goto(SITE)
    yield page
    page.close()


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    for name, data in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_an_implicit_tiling_has_the_contents_that_were_written(site, folder, tmp_path):
    parts = [footprints_of(batch, HeightRule("height"), None, BuildReport()) for batch in box_town(2_500)]
    scene = SceneFolder(tmp_path)
    edition = build_edition(scene, Footprints.concatenated(parts), Edition(1, ()))
    write(folder / "town", implicit_files(edition, edition_opener(scene, edition)))
    found = site.evaluate(READ, ["town/tileset.json", True])
    written = {f"{SITE}{path.relative_to(folder)}" for path in (folder / "town").rglob("*.glb")}
    assert set(found) == written
    assert len(found) == len(written) == len(edition.entries)


def test_points_are_read_where_they_are_in_their_colours(site, folder, tmp_path):
    source = Few()
    build_cloud(source, tmp_path / "cloud")
    names = [path.name for path in (tmp_path / "cloud").iterdir()]
    write(folder / "cloud", pnts_files(names, folder_opener(tmp_path / "cloud")))
    assert site.evaluate(READ, ["cloud/tileset.json", True]) == [f"{SITE}cloud/r.pnts"]
    read = site.evaluate(READ, ["cloud/r.pnts", False])
    assert (read["type"], read["count"]) == ("pnts", COUNT)
    places = np.array(read["positions"]).reshape(COUNT, 3)
    order = np.argsort(places[:, 0])
    apart = np.diff(places[order], axis=0)
    table = source.table()
    expected = np.diff(source.frame.place(table.lon, table.lat, table.height_m), axis=0)
    assert np.abs(apart - expected).max() < 0.005
    colours = np.array(read["colors"]).reshape(COUNT, -1)[order, :3]
    shades = np.arange(COUNT) % 256
    assert np.abs(colours[shades > 64].astype(int) - shades[shades > 64][:, None]).max() <= 1
