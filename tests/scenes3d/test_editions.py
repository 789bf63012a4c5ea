"""Scenes on disk: valid, contained, the same bytes every time, and an edit ends in what a whole build ends in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.quadtree import assign, place_codes
from scenes3d.buildings.tiling import Rows, build_tile, layout_of, order_of, sizes_mm
from scenes3d.editions.building import build_edition, patch_edition
from scenes3d.editions.edition import Edition, cell_name
from scenes3d.editions.folder import SceneFolder, edition_opener
from scenes3d.editions.standing import Standing
from scenes3d.glb.reading import read_model
from scenes3d.tileset.checking import check_tileset
from twin.errors import UnreadableFileError

PLAN = Edition(1, (), {"rule": "height"}, {"verticalDatum": "EPSG:5737"}, {"seen": 2500})


@pytest.fixture(scope="module")
def scene(town, tmp_path_factory) -> tuple[SceneFolder, Edition]:
    folder = SceneFolder(tmp_path_factory.mktemp("scene"))
    return folder, build_edition(folder, town, PLAN)


def ids_of(footprints: Footprints) -> list[str]:
    return footprints.columns[0].values.to_pylist()


def test_every_vertex_lies_inside_all_its_volumes(scene, town):
    checked = check_tileset("tileset.json", edition_opener(*scene))
    assert checked.faults == ()
    assert checked.tiles == checked.contents == len(scene[1].entries) > 10
    assert checked.vertices == 5 * len(town.xy)


def test_khronos_finds_nothing_wrong(scene, gltf_problems):
    folder, edition = scene
    files = {entry.content: folder.read_tile(entry.content) for entry in edition.entries}
    assert gltf_problems(files) == []


def test_every_building_is_in_one_tile_with_its_attributes(scene, town):
    folder, edition = scene
    found = {}
    for entry in edition.entries:
        model = read_model(folder.read_tile(entry.content))
        (primitive,) = model.primitives
        assert np.unique(primitive.feature_ids).tolist() == list(range(entry.count))
        for row, name in enumerate(model.table["id"]):
            assert name not in found
            found[name] = {key: values[row] for key, values in model.table.items()}
    assert sorted(found) == sorted(ids_of(town))
    names = {column.name: column.values.to_pylist() for column in town.columns}
    row = 1234
    told = found[names["id"][row]]
    assert told == {key: values[row] for key, values in names.items()}


def test_errors_fall_from_the_root_to_zero_at_the_leaves(scene, town):
    tileset = scene[1].tileset()
    assert tileset.geometric_error == pytest.approx(town.sizes_m.max(), abs=0.001)
    for tile in tileset.root.walk():
        assert all(child.geometric_error <= tile.geometric_error for child in tile.children)
        assert (tile.geometric_error == 0.0) == (not tile.children)


def test_the_order_of_arrival_does_not_matter(scene, town):
    shuffled = town.take(np.random.default_rng(3).permutation(len(town)))
    layout = layout_of(shuffled)
    again = {cell: build_tile(layout.tile(number)).content for number, cell in enumerate(layout.cells)}
    folder, edition = scene
    assert {entry.cell: folder.read_tile(entry.content) for entry in edition.entries} == again


def test_an_edition_survives_being_kept(scene):
    folder, edition = scene
    folder.save(edition)
    assert folder.edition(1) == edition
    assert folder.versions() == [1]
    assert edition.buildings == 2500


def test_a_broken_edition_is_refused(scene, tmp_path):
    other = SceneFolder(tmp_path)
    other.save(scene[1])
    (tmp_path / "editions/1.json.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(UnreadableFileError):
        other.edition(1)
    with pytest.raises(UnreadableFileError):
        other.edition(2)
    with pytest.raises(UnreadableFileError):
        other.standing(scene[1].entries)


def edited(town: Footprints, how: str) -> tuple[Footprints, set[str]]:
    """Another state of the town, and the ids that differ."""
    heights, rows = town.height_m.copy(), np.arange(len(town))
    if how == "one grows above all":
        heights[1700] = 300.0
        touched = [1700]
    elif how == "one shrinks":
        touched = [int(np.argmax(town.sizes_m))]
        heights[touched] = 3.0
    elif how == "some go":
        touched = [3, 4, 900, 2499]
        rows = np.delete(rows, touched)
    else:
        touched = list(range(len(town)))
        rows = rows[:0]
    changed = Footprints(town.xy, town.rings, town.polygons, town.features, town.base_m, heights, town.columns)
    return changed.take(rows), {ids_of(town)[row] for row in touched}


@pytest.mark.parametrize("how", ["one grows above all", "one shrinks", "some go", "all go"])
def test_an_edit_ends_in_what_a_whole_build_ends_in_and_back(scene, town, tmp_path, how):
    folder, before = scene
    after, touched = edited(town, how)
    asked: list[int] = []

    def fetch_from(state: Footprints):
        place = {name: row for row, name in enumerate(ids_of(state))}

        def fetch(ids):
            rows = [place[name] for name in ids if name in place]
            asked.append(len(rows))
            return state.take(np.array(rows, dtype=np.int64)) if rows else None

        return fetch

    patch = patch_edition(folder, before, PLAN, touched, fetch_from(after))
    whole = build_edition(SceneFolder(tmp_path), after, PLAN)
    assert patch.edition == whole
    kept = {entry.content for entry in before.entries} & {entry.content for entry in whole.entries}
    assert len(patch.rewritten) == len(whole.entries) - len(kept)
    if len(touched) == 1:
        assert 0 < len(patch.rewritten) <= 12, "the path of one building, and that of the one it pushed out"
    back = patch_edition(folder, patch.edition, PLAN, touched, fetch_from(town))
    assert back.edition == before


def crowd(chance: np.random.Generator, count: int, spread: float = 0.02) -> Rows:
    """Buildings round one place, some of them at exactly the same one."""
    middle = np.column_stack([chance.normal(120, spread, count), chance.normal(36.2, spread, count)])
    middle[: count // 50] = middle[0]
    names = [f"b{number:06d}" for number in chance.permutation(count)]
    rows = Rows(
        pa.array(names, pa.large_string()), place_codes(np.tile(middle, 2)), sizes_mm(chance.gamma(2, 10, count))
    )
    return rows.take(order_of(rows))


@pytest.mark.parametrize(
    "how", ["here and there", "far away", "back from far away", "most of them", "at one place", "sizes"]
)
def test_an_edit_is_worked_out_as_if_all_were_looked_at(how, monkeypatch):
    chance = np.random.default_rng(8)
    rows = crowd(chance, 9_000)
    # So many and so large that the widest cell is full of them.
    spots = np.column_stack([chance.normal(-60, 0.01, 150), chance.normal(-10, 0.01, 150)])
    far = Rows(
        pa.array([f"x{n}" for n in range(150)], pa.large_string()),
        place_codes(np.tile(spots, 2)),
        sizes_mm(chance.uniform(900, 990, 150)),
    )
    if how == "back from far away":
        rows = Rows.joined([rows, far])
        rows = rows.take(order_of(rows))
    before = Standing(rows, assign(rows.codes, rows.sizes_mm).levels)
    chosen = chance.choice(len(rows.codes), 6_000 if how == "most of them" else 40, replace=False)
    gone, new = rows.take(np.sort(chosen)), Rows.joined([])
    if how == "far away":
        gone, new = rows.take(np.arange(0)), far
    elif how == "back from far away":
        gone = far
    elif how == "here and there":
        fresh = crowd(chance, 60)
        new = Rows(pa.array([f"c{n}" for n in range(60)], pa.large_string()), fresh.codes, fresh.sizes_mm)
    elif how == "at one place":
        crowded = np.bincount(np.unique(rows.codes, return_inverse=True)[1]).argmax()
        code = np.unique(rows.codes)[crowded]
        new = Rows(pa.array(["b0000005", "a", "z"], pa.large_string()), np.array([code] * 3), np.array([7, 90_000, 5]))
    elif how == "sizes":
        new = Rows(gone.ids, gone.codes, np.maximum(gone.sizes_mm * chance.choice([0.1, 9.0], 40), 1).astype(np.int64))
    # What is told of the footprints is all that counts here.
    monkeypatch.setattr("scenes3d.editions.standing.rows_of", lambda footprints: footprints.rows)
    after, cells = before.edited({*gone.ids.to_pylist(), *new.ids.to_pylist()}, Told(new))
    kept = ~np.isin(rows.ids.to_pylist(), gone.ids.to_pylist())
    expected = Rows.joined([rows.take(np.flatnonzero(kept)), new])
    expected = expected.take(order_of(expected))
    assert after.rows.ids.to_pylist() == expected.ids.to_pylist()
    assert (after.rows.codes == expected.codes).all()
    whole = assign(expected.codes, expected.sizes_mm)
    assert (after.levels == whole.levels).all()
    # Cells that are not named hold what they held.
    for cell in {(int(level), int(code)) for level, code in zip(whole.levels, whole.codes, strict=True)} - cells:
        assert after.members(cell) == before.members(cell)


@dataclass(frozen=True)
class Told:
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows.codes)


def test_cells_of_crowds_stay_within_their_limits():
    chance = np.random.default_rng(4)
    middle = np.column_stack([chance.normal(120, 0.05, 30_000), chance.normal(36.2, 0.05, 30_000)])
    codes = np.sort(place_codes(np.tile(middle, 2)))
    cells = assign(codes, sizes_mm(chance.gamma(2, 10, 30_000)))
    _, counts = np.unique(np.column_stack([cells.levels, cells.codes]), axis=0, return_counts=True)
    assert counts.max() <= 1200
    assert counts.sum() == 30_000


def test_cells_have_names_that_people_can_find_on_the_grid():
    (code,) = place_codes(np.array([[120.0, 36.2, 120.0, 36.2]])).tolist()
    assert cell_name((15, code >> 32)) == f"15/{int(300 / 360 * 2**15)}/{int((36.2 + 180) / 360 * 2**15)}"
