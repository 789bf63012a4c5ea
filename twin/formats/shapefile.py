"""Shapefile: the files that belong together, whole and in the right encoding, before GDAL reads them.

Source: ESRI Shapefile Technical Description (July 1998), main file header.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

from twin.errors import UnreadableFileError
from twin.formats.dbf_text import judge_text
from twin.formats.gdal import GdalFile, GdalSource
from twin.formats.source import ReadOptions

_HEADER_BYTES = 100
_FILE_CODE = 9994


def open_shapefile(path: Path, options: ReadOptions) -> GdalSource:
    """The features of a .shp file.

    Raises:
        UnreadableFileError: if .shx or .dbf are missing, or one of the files is cut off.
    """
    parts = {p.suffix.lower(): p for p in path.parent.iterdir() if p.stem == path.stem}
    for suffix, purpose in ((".shx", "the index of the shapes"), (".dbf", "the attributes")):
        if suffix not in parts:
            raise UnreadableFileError(
                f"The shapefile has no {suffix} file, {purpose}.",
                value=", ".join(sorted(p.name for p in parts.values())),
                limit=".shp, .shx and .dbf together, .prj and .cpg where there are any",
                remedy="Pack all files of the same name into the zip.",
            )
    for suffix in (".shp", ".shx"):
        _check_length(parts[suffix])
    cpg = parts[".cpg"].read_text("latin-1") if ".cpg" in parts else None
    verdict = judge_text(parts[".dbf"], cpg, options.encoding)
    reason = f"the attribute text is not {verdict.encoding}"
    return GdalSource(
        path,
        _within_file(options),
        GdalFile(
            "Shapefile",
            encoding=verdict.encoding,
            trusts_type=False,
            bad_rows=dict.fromkeys(verdict.bad_rows, reason),
            notes=verdict.notes,
            numbers_by_fid=True,
        ),
    )


def _within_file(options: ReadOptions) -> ReadOptions:
    return replace(options, layer=None)


def _check_length(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES or struct.unpack_from(">i", head)[0] != _FILE_CODE:
        raise UnreadableFileError(
            "This is not a shapefile.",
            value=f"{path.name}, {size} bytes",
            limit="file code 9994",
            remedy="Send the real .shp file.",
        )
    stated = 2 * struct.unpack_from(">i", head, 24)[0]
    if stated > size:
        raise UnreadableFileError(
            f"The {path.suffix} file is cut off.",
            value=f"{size} of {stated} bytes",
            remedy="Copy the shapefile again from where it was made.",
        )
