"""Tiles on disk: there after a restart, bounded, never damaged, never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiles.compression import compressed
from tiles.disk_cache import DiskCache
from tiles.stored import StoredTile


def tile(text: str, repeat: int = 1) -> StoredTile:
    return StoredTile(compressed(text.encode() * repeat, "zstd"), "zstd", 3, 1)


def test_a_tile_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "tiles.cache"
    first = DiskCache(path, 1 << 20)
    first.keep(("路", 1), tile("胶州"))
    first.keep(("路", 2), StoredTile(b"", "gzip", 0, 0))
    first.close()
    again = DiskCache(path, 1 << 20)
    found = again.get(("路", 1))
    assert found == tile("胶州")
    assert found.plain() == "胶州".encode()
    assert again.get(("路", 2)) == StoredTile(b"", "gzip", 0, 0)
    assert again.get(("路", 3)) is None
    again.close()
    assert again.get(("路", 1)) is None


def test_two_servers_share_it(tmp_path: Path) -> None:
    one, other = (DiskCache(tmp_path / "tiles.cache", 1 << 20) for _ in range(2))
    one.keep("a", tile("a"))
    other.keep("b", tile("b"))
    assert one.get("b") == tile("b")
    assert other.get("a") == tile("a")
    one.close()
    other.close()


def test_it_stays_within_its_room_and_the_first_go_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "tiles.cache", 100_000)
    big = StoredTile(bytes(range(256)) * 8, "gzip", 1, 0)
    for key in range(200):
        cache.keep(key, big)
    kept = [key for key in range(200) if cache.get(key) is not None]
    assert kept == list(range(200 - len(kept), 200))
    assert 100_000 * 7 / 8 - 3000 <= len(kept) * (len(big.body) + 200) <= 100_000
    cache.keep("giant", StoredTile(bytes(50_000), "gzip", 1, 0))
    assert cache.get("giant") is None
    cache.close()


@pytest.mark.parametrize("damage", ["foreign", "cut"])
def test_a_damaged_file_gives_way_to_a_new_one(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "tiles.cache"
    first = DiskCache(path, 1 << 20)
    for key in range(100):
        first.keep(key, tile(f"{key} ", 100))
    first.close()
    path.write_bytes(b"no database" * 1000 if damage == "foreign" else path.read_bytes()[:5000])
    cache = DiskCache(path, 1 << 20)
    cache.keep("a", tile("a"))
    assert cache.get("a") in {tile("a"), None}
    cache.close()
    assert "tiles.cache" in caplog.text


def test_a_damaged_tile_is_not_given(tmp_path: Path) -> None:
    path = tmp_path / "tiles.cache"
    first = DiskCache(path, 1 << 20)
    marker = b"find me " * 20
    first.keep("a", StoredTile(marker, "gzip", 1, 0))
    first.close()
    path.write_bytes(path.read_bytes().replace(b"find me find", b"find mf find"))
    again = DiskCache(path, 1 << 20)
    assert again.get("a") is None
    again.close()


def test_a_place_that_cannot_be_written_costs_the_caching_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way", "ascii")
    cache = DiskCache(tmp_path / "file" / "tiles.cache", 1 << 20)
    cache.keep("a", tile("a"))
    assert cache.get("a") is None
    cache.close()
