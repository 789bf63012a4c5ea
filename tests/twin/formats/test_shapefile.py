from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow as pa
import pyogrio
import pytest
import shapely

from twin.errors import UnreadableFileError
from twin.formats.dbf_text import judge_text
from twin.formats.reading import open_source

# GDAL warns of what these tests do on purpose: cut text, missing .prj, bytes that are no text.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")

NAMES = ["胶州市三里河街道办事处", "李哥庄镇", "plain"]


def make(
    folder: Path, encoding: str, *, cpg: str | None, names: list[str] = NAMES, crs: str | None = "EPSG:4490"
) -> Path:
    """A shapefile of points with one text column in `encoding`; `cpg` is what its .cpg file claims, None for no such file."""
    table = pa.table(
        {"名称": names, "geometry": [shapely.to_wkb(shapely.Point(120, 36 + i)) for i in range(len(names))]}
    )
    path = folder / "points.shp"
    pyogrio.write_arrow(table, path, geometry_name="geometry", geometry_type="Point", crs=crs, encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg"),
    [
        ("UTF-8", "UTF-8"),
        ("UTF-8", None),
        ("GBK", None),
        ("GBK", "GBK"),
        ("GBK", "936"),
        ("GBK", "UTF-8"),
        ("UTF-8", "GB2312"),
    ],
)
def test_chinese_attributes_are_read_whatever_the_cpg_claims(tmp_path: Path, encoding: str, cpg: str | None) -> None:
    with open_source(make(tmp_path, encoding, cpg=cpg)) as source:
        (batch,) = source.batches()
        info = source.info
    assert batch.columns == {"名称": NAMES}
    assert batch.rejected == ()
    assert info.crs == "EPSG:4490"
    assert bool(info.notes) == ((encoding, cpg) in {("GBK", "UTF-8"), ("UTF-8", "GB2312")})


def test_a_row_whose_text_is_in_no_known_encoding_is_rejected_alone(tmp_path: Path) -> None:
    path = make(tmp_path, "GBK", cpg=None)
    dbf = path.with_suffix(".dbf")
    raw = dbf.read_bytes()
    dbf.write_bytes(raw.replace("李哥庄镇".encode("gbk"), b"\xff\xfe\xff\xfe\xff\xfe\xff\xff"))
    with open_source(path) as source:
        (batch,) = source.batches()
    assert batch.columns == {"名称": [NAMES[0], NAMES[2]]}
    assert [(r.row, r.reason) for r in batch.rejected] == [(2, "the attribute text is not gb18030")]


def test_text_cut_inside_a_character_at_the_end_of_its_field_is_forgiven(tmp_path: Path) -> None:
    path = make(tmp_path, "UTF-8", cpg=None, names=["路" * 90])
    assert judge_text(path.with_suffix(".dbf"), None, None).encoding == "utf-8"
    assert judge_text(path.with_suffix(".dbf"), None, None).bad_rows == frozenset()


@pytest.mark.parametrize("missing", [".shx", ".dbf"])
def test_a_missing_part_is_named(tmp_path: Path, missing: str) -> None:
    path = make(tmp_path, "UTF-8", cpg="UTF-8")
    path.with_suffix(missing).unlink()
    with pytest.raises(UnreadableFileError, match=rf"no \{missing} file"):
        open_source(path)


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_part_that_is_cut_off_is_told(tmp_path: Path, part: str) -> None:
    path = make(tmp_path, "UTF-8", cpg="UTF-8")
    file = path.with_suffix(part)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(UnreadableFileError, match="cut off"), open_source(path) as source:
        list(source.batches())


def test_a_shapefile_without_prj_has_no_crs(tmp_path: Path) -> None:
    with open_source(make(tmp_path, "UTF-8", cpg="UTF-8", crs=None)) as source:
        assert source.info.crs is None


def test_one_of_several_shapefiles_in_a_zip_is_chosen_by_name(tmp_path: Path) -> None:
    make(tmp_path, "GBK", cpg=None)
    archive = tmp_path / "both.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for part in tmp_path.glob("points.*"):
            packed.write(part, f"甲/{part.name}")
            packed.write(part, f"乙/other{part.suffix}")
    with pytest.raises(UnreadableFileError, match="holds 2 data files"):
        open_source(archive)
    with open_source(archive, layer="other") as source:
        (batch,) = source.batches()
        unpacked_to = source.path  # type: ignore[attr-defined]
        assert unpacked_to.exists()
    assert batch.columns == {"名称": NAMES}
    assert not unpacked_to.exists()


def test_deleted_records_are_passed_over_and_numbers_still_name_the_record(tmp_path: Path) -> None:
    path = make(tmp_path, "UTF-8", cpg="UTF-8")
    dbf = path.with_suffix(".dbf")
    raw = bytearray(dbf.read_bytes())
    start, width = int.from_bytes(raw[8:10], "little"), int.from_bytes(raw[10:12], "little")
    raw[start + width] = ord("*")
    dbf.write_bytes(bytes(raw))
    with open_source(path) as source:
        (batch,) = source.batches()
    assert batch.columns == {"名称": [NAMES[0], NAMES[2]]}
    assert list(batch.rows) == [1, 3]


def test_a_geopackage_with_several_layers_asks_which_one(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    for layer in ("路灯", "cameras"):
        table = pa.table({"n": [1], "geometry": [shapely.to_wkb(shapely.Point(120, 36))]})
        pyogrio.write_arrow(
            table,
            path,
            layer=layer,
            geometry_name="geometry",
            geometry_type="Point",
            crs="EPSG:4490",
            append=path.exists(),
        )
    with pytest.raises(UnreadableFileError, match="holds 2 layers") as caught:
        open_source(path)
    assert "路灯" in caught.value.limit
    with open_source(path, layer="路灯", id_property="fid") as source:
        (batch,) = source.batches()
    assert batch.ids == ["1"]
    assert batch.columns == {"n": [1]}
