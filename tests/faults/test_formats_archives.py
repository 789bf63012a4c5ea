"""Archives that mean harm, or are broken: refused, and nothing stays behind."""

from __future__ import annotations

import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from twin.errors import OneMapError, TooLargeError, UnreadableFileError, UnsafeArchiveError
from twin.formats.archive import ArchiveLimits, unpacked
from twin.formats.reading import open_source


@pytest.fixture(autouse=True)
def nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    assert list(scratch.iterdir()) == []


def zipped(path: Path, *members: tuple[str, bytes], compress: bool = True) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:\\evil.csv", "..\\evil.csv", "\\\\host\\evil.csv"]
)
def test_a_member_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(UnsafeArchiveError, match="outside"),
        unpacked(zipped(tmp_path / "a.zip", ("ok.csv", b"x"), (name, b"x"))),
    ):
        pass
    assert not (tmp_path / "evil.csv").exists()


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (0o120777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchiveError, match="symbolic link"), unpacked(tmp_path / "a.zip"):
        pass


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("zeros.csv", bytes(8 << 20)))
    with pytest.raises(UnsafeArchiveError, match="too tightly") as caught, unpacked(path):
        pass
    assert "200" in caught.value.limit


def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("zeros.csv", bytes(8 << 20)))
    raw = bytearray(path.read_bytes())
    place = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<I", raw, place + 24, 10)
    path.write_bytes(bytes(raw))
    with pytest.raises((UnsafeArchiveError, UnreadableFileError)), unpacked(path):
        pass


def test_too_many_bytes_together_are_refused_with_the_limit(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", *((f"{i}.csv", bytes(range(256)) * 40) for i in range(10)), compress=False)
    with pytest.raises(TooLargeError) as caught, unpacked(path, ArchiveLimits(total_bytes=50_000)):
        pass
    assert caught.value.limit == "50000 bytes in all"


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", *((f"{i}.csv", b"x") for i in range(11)))
    with pytest.raises(UnsafeArchiveError, match="11 members"), unpacked(path, ArchiveLimits(members=10)):
        pass


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("a.csv", b"lon,lat\n1,2\n")).read_bytes()
    for name in ("inner.zip", "inner.csv"):
        with pytest.raises((UnsafeArchiveError, UnreadableFileError), match="archive"):
            open_source(zipped(tmp_path / "outer.zip", (name, inner)))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.csv", b"lon,lat\n1,2\n"))
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(UnsafeArchiveError, match="encrypted"), unpacked(path):
        pass


def flipped(raw: bytes) -> bytes:
    return raw[:60] + bytes([raw[60] ^ 0xFF]) + raw[61:]


@pytest.mark.parametrize("harm", [lambda raw: raw[: len(raw) // 2], lambda raw: raw[:10], flipped])
def test_a_damaged_archive_is_told(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    path = zipped(tmp_path / "a.zip", ("a.csv", b"lon,lat,n\n" + b"1,2,3\n" * 100), compress=False)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(UnreadableFileError, match=r"damaged|cut off"):
        open_source(path)


def test_an_archive_without_data_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(OneMapError) as caught:
        open_source(zipped(tmp_path / "a.zip", ("readme.md", b"hello")))
    assert caught.value.value == "readme.md"


def test_names_in_gbk_without_the_utf8_flag_are_understood(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("AAAA.csv", b"lon,lat\n1,2\n"))
    path.write_bytes(path.read_bytes().replace(b"AAAA", "路灯".encode("gbk")))
    with unpacked(path) as folder:
        assert [p.name for p in folder.iterdir()] == ["路灯.csv"]
    with open_source(path, layer="路灯") as source:
        assert source.info.layer == "路灯"
        assert source.info.feature_count == 1


def test_the_folder_goes_when_reading_fails_half_way(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.csv", b"name\nx\n"))
    with pytest.raises(UnreadableFileError, match="no coordinate columns"):
        open_source(path)
