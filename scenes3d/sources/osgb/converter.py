"""OpenSceneGraph's own converter: OSGB of any version and compression to the one text in which nothing is rounded.

`.osg` with a precision of 17 digits holds every double as it is, names of files of finer levels, matrices and ranges, and asks for
no other file. (`.osgjs` rounds matrices to six digits and loses the names of files that are not there; `.osgt` rounds everything.)
It knows nothing of the bytes of images: `images.py` takes them from the file itself.

The program is Debian's package `openscenegraph`; it is given little memory and little time, since broken files can claim anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from twin.errors import Unavailable, UnreadableFileError

PROGRAM = "osgconv"
PACKAGE = "openscenegraph"
_TEN_MINUTES = 600
# A photograph unpacks to some twenty times its bytes; what claims more than this is no model.
_MEMORY_KIB, _MEMORY_A_BYTE, _MOST_MEMORY_KIB = 1 << 20, 40, 4 << 20
# The limit is the shell's, so that it holds for the program alone.
_LIMITED = 'ulimit -v "$1" && shift && exec "$@"'
# What the optimiser of scenes would change is none of our business; plain numbers need plain C.
_SURROUNDINGS = {"OSG_OPTIMIZER": "OFF", "OSG_NOTIFY_LEVEL": "WARN", "LC_ALL": "C"}


class NoConverterError(Unavailable):
    """OpenSceneGraph's converter is not installed."""

    code = "converter-missing"


def require_converter() -> str:
    """Where the converter is.

    Raises:
        NoConverterError: if it is not installed.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise NoConverterError(
            "读取 OSGB 需要 osgconv,尚未安装。OSGB becomes a scene with the help of osgconv, which is not installed.",
            value=PROGRAM,
            limit=f"Debian's package {PACKAGE}",
            remedy=f"sudo apt-get install {PACKAGE}, or export the model as OBJ or 3D Tiles.",
        )
    return found


def scene_text(file: Path) -> str:
    """The scene of an OSGB as text, format `.osg`.

    Raises:
        NoConverterError: if the converter is not installed.
        UnreadableFileError: if it cannot read the file, or needs more than it is given.
    """
    program = require_converter()
    with tempfile.TemporaryDirectory(prefix="onemap-osgb-") as folder:
        made = Path(folder) / "scene.osg"
        memory = min(_MEMORY_KIB + (file.stat().st_size * _MEMORY_A_BYTE >> 10), _MOST_MEMORY_KIB)
        command = ["/bin/sh", "-c", _LIMITED, "sh", str(memory), program]
        command += ["-O", "precision 17", str(file.absolute()), str(made)]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, **_SURROUNDINGS},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TEN_MINUTES,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise osgb_unreadable(file.name, f"{PROGRAM} was not done after {_TEN_MINUTES} s") from error
        if done.returncode != 0 or not made.is_file():
            raise osgb_unreadable(file.name, _why(done))
        return made.read_text(encoding="utf-8", errors="replace")


def osgb_unreadable(name: str, what: str) -> UnreadableFileError:
    """The error for a file of a tree that cannot be used."""
    return UnreadableFileError(
        f"OSGB 文件无法读取。The OSGB cannot be read: {what}.",
        value=name,
        limit="a whole OSGB",
        remedy="Copy or export the file again.",
    )


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    """What the converter said first, or what ended it."""
    if done.returncode < 0 or done.returncode > 128:
        return f"{PROGRAM} broke down on it"
    said = done.stderr.decode("utf-8", "replace").splitlines()
    first = next((line.strip() for line in said if "rror" in line or "Failed" in line), "")
    return f"{PROGRAM} says: {first[:200]}" if first else f"{PROGRAM} gave nothing for it"
