"""The elevation rasters of a folder: `<id>.tif`, and beside each a description `<id>.json`.

A description is `{"title": {"zh": …, "en": …}, "vertical_datum": "EPSG:5737", "attribution": …}`, every word of it optional.
Files are looked at anew at every question, so whatever is put into the folder is served at once, and a replaced file is another edition.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from threading import Lock

import orjson

from tiles.terrain.archives import raster_inside
from tiles.terrain.elevation import open_elevation
from tiles.terrain.surface import Surface
from twin.errors import BadManifestError, UnknownTerrainError, UnreadableFileError
from twin.files import put_file
from twin.text import LocalText
from twin.vertical import parse_vertical_datum

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Terrain:
    """One elevation raster that is served.

    Attributes:
        id: Name in addresses.
        title: For people.
        attribution: Whose data it is; may be empty.
        surface: Its ground.
        edition: Another one whenever file or description changed.
    """

    id: str
    title: LocalText
    attribution: str
    surface: Surface
    edition: str


@dataclass
class TerrainShelf:
    """The rasters of a folder, kept open. Thread-safe. A missing folder is an empty one."""

    folder: Path
    _lock: Lock = field(default_factory=Lock, repr=False)
    _open: dict[str, Terrain] = field(default_factory=dict, repr=False)

    def ids(self) -> list[str]:
        """Ids of all rasters, in order."""
        return sorted(path.stem for path in self.folder.glob("*.tif") if _ID.fullmatch(path.stem))

    def terrain(self, terrain_id: str) -> Terrain:
        """The raster of that id.

        Raises:
            UnknownTerrainError: if there is none.
            UnreadableFileError, MissingCRSError, BadManifestError: if its file or description cannot be used.
        """
        path = self.folder / f"{terrain_id}.tif"
        if not _ID.fullmatch(terrain_id) or not path.is_file():
            raise UnknownTerrainError(
                f"没有地形“{terrain_id}”。There is no terrain '{terrain_id}'.",
                value=terrain_id,
                remedy="GET /terrain lists them. 可用的地形见 GET /terrain。",
            )
        edition = _edition(path)
        with self._lock:
            held = self._open.get(terrain_id)
            if held is None or held.edition != edition:
                # The one before it is left to its readers, and closes with the last of them.
                held = _opened(terrain_id, path, edition)
                self._open[terrain_id] = held
            return held

    def close(self) -> None:
        with self._lock:
            for held in self._open.values():
                held.surface.elevation.close()
            self._open.clear()

    def add(self, source: Path, terrain_id: str, title: LocalText, datum: str, attribution: str = "") -> Terrain:
        """Put a raster on the shelf as a tiled GeoTIFF with overviews; one of that id is replaced.

        Args:
            source: The first band of any north-up file that GDAL reads, with a reference system; or a zip archive of one.
            datum: What its heights count from; see `twin.vertical`.

        Raises:
            BadManifestError: if id or datum are none.
            UnreadableFileError, UnsafeArchiveError, MissingCRSError: if the file cannot be used; the shelf is as it was then.
        """
        if not _ID.fullmatch(terrain_id):
            raise BadManifestError(
                "This cannot be the id of a terrain. 地形标识无效。",
                value=terrain_id,
                limit="small letters, digits and hyphens, 63 at most",
                remedy="Write for instance dem-2024.",
            )
        described = {
            "title": title.to_dict(),
            "vertical_datum": parse_vertical_datum(datum),
            "attribution": attribution,
        }
        with raster_inside(source) as raster:
            self._put(raster, terrain_id, described)
        return self.terrain(terrain_id)

    def _put(self, source: Path, terrain_id: str, described: Mapping[str, object]) -> None:
        import rasterio.shutil
        from rasterio._err import CPLE_BaseError  # what copying raises; it has no public name
        from rasterio.errors import RasterioError

        open_elevation(source).close()
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{terrain_id}.tif"
        draft = self.folder / f".{terrain_id}.{os.getpid()}.part"
        try:
            with rasterio.Env(GDAL_NUM_THREADS="1"):
                rasterio.shutil.copy(source, draft, driver="COG", COMPRESS="DEFLATE", BIGTIFF="IF_SAFER")
            open_elevation(draft).close()
            put_file(target.with_suffix(".json"), orjson.dumps(described))
            draft.replace(target)
        except (RasterioError, CPLE_BaseError) as error:
            raise UnreadableFileError(
                "The elevation raster cannot be read to its end. 高程文件不完整。",
                value=source.name,
                limit="a whole file",
                remedy=str(error),
            ) from error
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()


def _edition(path: Path) -> str:
    told = blake2b(digest_size=8)
    for each in (path, path.with_suffix(".json")):
        with suppress(FileNotFoundError):
            status = each.stat()
            told.update(f"{status.st_mtime_ns},{status.st_size},{status.st_ino};".encode())
    return told.hexdigest()


def _opened(terrain_id: str, path: Path, edition: str) -> Terrain:
    description = path.with_suffix(".json")
    try:
        told = orjson.loads(description.read_bytes()) if description.is_file() else {}
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise BadManifestError(
            "The description of a terrain is not a JSON object. 地形说明不是 JSON 对象。",
            value=description.name,
            limit='{"title": …, "vertical_datum": …, "attribution": …}',
            remedy="Write it anew with onemap terrain add.",
        )
    elevation = open_elevation(path, told.get("vertical_datum"))
    title = LocalText.parse(told.get("title") or terrain_id)
    return Terrain(terrain_id, title, str(told.get("attribution") or ""), Surface(elevation), edition)
