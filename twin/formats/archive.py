"""Zip archives unpacked with suspicion."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from twin.disk import told_when_full
from twin.errors import TooLargeError, UnreadableFileError, UnsafeArchiveError

_NESTED = {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".kmz"}
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_CHUNK_BYTES = 1 << 20
_RATIO_FREE_BYTES = 1 << 20
_REMEDY = "Pack the data files again into one plain zip, without folders above them."


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold.

    Attributes:
        members: Most files and folders.
        total_bytes: Most bytes when unpacked.
        ratio: Most bytes a member may have for each byte it takes in the archive (members under 1 MiB are not judged).
    """

    members: int = 1_000
    total_bytes: int = 8 << 30
    ratio: float = 200.0


@contextmanager
def unpacked(path: Path, limits: ArchiveLimits | None = None) -> Iterator[Path]:
    """A temporary folder with the archive's files, removed when the block ends, however it ends.

    Raises:
        UnreadableFileError: if the file is not a zip archive, is cut off, or fails its checksums.
        UnsafeArchiveError: if a member leaves the folder (`..`, absolute, drive letter, link), is encrypted, is itself an
            archive, or is packed so tightly that it looks like a bomb; or if there are too many members.
        TooLargeError: if the files together are larger than the limit.
    """
    with tempfile.TemporaryDirectory(prefix="onemap-archive-", ignore_cleanup_errors=True) as folder:
        target = Path(folder)
        try:
            with zipfile.ZipFile(path) as archive, told_when_full(path.name):
                _unpack(archive, target, limits or ArchiveLimits())
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
            raise UnreadableFileError(
                "This zip archive is damaged or cut off.",
                value=f"{path.name}: {error}",
                remedy="Pack and send it again.",
            ) from error
        yield target


def _unpack(archive: zipfile.ZipFile, target: Path, limits: ArchiveLimits) -> None:
    members = archive.infolist()
    if len(members) > limits.members:
        raise UnsafeArchiveError(
            f"The archive has {len(members)} members.",
            value=len(members),
            limit=f"{limits.members} members",
            remedy=_REMEDY,
        )
    places = [(member, _safe_place(member)) for member in members]
    left = limits.total_bytes
    for member, place in places:
        _check_member(member, place, limits)
        if member.is_dir() or _is_litter(place):
            continue
        left -= _extract(archive, member, target / place, left, limits)


def _safe_place(member: zipfile.ZipInfo) -> PurePosixPath:
    name = member_name(member).replace("\\", "/")
    place = PurePosixPath(name)
    outside = place.is_absolute() or ".." in place.parts or (len(name) > 1 and name[1] == ":") or not place.parts
    if outside or "\0" in name:
        raise UnsafeArchiveError(
            "A member of the archive would be written outside its folder.", value=name, remedy=_REMEDY
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UnsafeArchiveError("A member of the archive is a symbolic link.", value=name, remedy=_REMEDY)
    return place


def member_name(member: zipfile.ZipInfo) -> str:
    """Name of a member; names without the UTF-8 flag are tried as UTF-8, then as GBK, as Chinese tools write them."""
    if member.flag_bits & _UTF8_FLAG:
        return member.filename
    try:
        raw = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _check_member(member: zipfile.ZipInfo, place: PurePosixPath, limits: ArchiveLimits) -> None:
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise UnsafeArchiveError(
            "A member of the archive is encrypted.", value=str(place), remedy="Pack it without a password."
        )
    if place.suffix.lower() in _NESTED and not member.is_dir():
        raise UnsafeArchiveError(
            "The archive holds another archive.", value=str(place), limit="one level", remedy=_REMEDY
        )
    _check_ratio(member, member.file_size, limits)


def _check_ratio(member: zipfile.ZipInfo, size: int, limits: ArchiveLimits) -> None:
    if size > _RATIO_FREE_BYTES and size > limits.ratio * max(member.compress_size, 1):
        raise UnsafeArchiveError(
            "A member of the archive is packed too tightly to be data.",
            value=f"{member_name(member)}: {size} bytes from {member.compress_size}",
            limit=f"{limits.ratio:g} bytes for each packed byte",
            remedy=_REMEDY,
        )


def _is_litter(place: PurePosixPath) -> bool:
    return "__MACOSX" in place.parts or place.name.startswith("._") or place.name in {".DS_Store", "Thumbs.db"}


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int, limits: ArchiveLimits) -> int:
    """Write one member and count what really comes out: the sizes in the directory may lie."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with archive.open(member) as packed, target.open("xb") as file:
            while chunk := packed.read(_CHUNK_BYTES):
                written += len(chunk)
                if written > left:
                    raise TooLargeError(
                        "The archive is too large when unpacked.",
                        value=member_name(member),
                        limit=f"{limits.total_bytes} bytes in all",
                        remedy="Send the layers in several archives.",
                    )
                _check_ratio(member, written, limits)
                file.write(chunk)
    except FileExistsError as error:
        raise UnsafeArchiveError(
            "Two members of the archive have the same name.", value=str(target.name), remedy=_REMEDY
        ) from error
    except RuntimeError as error:
        raise UnsafeArchiveError(
            "A member of the archive is encrypted.", value=str(target.name), remedy=_REMEDY
        ) from error
    return written


def pack(files: list[Path], target: Path) -> None:
    """Zip these files, flat, with a fixed time stamp: the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file.name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with file.open("rb") as source, archive.open(entry, "w") as packed:
                shutil.copyfileobj(source, packed, _CHUNK_BYTES)
