"""Material libraries of OBJ: names, colours and where their pictures are.

Source: Wavefront Advanced Visualizer, MTL material format: newmtl, Kd, map_Kd with its options.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import MISSING_IMAGE, ODD_TEXTURE, Material

_MOST_BYTES = 16 << 20
# Options of a map and how many words follow each; -o, -s and -t take one to three numbers.
_ONE_WORD = {"-blendu", "-blendv", "-cc", "-clamp", "-texres", "-bm", "-imfchan", "-type", "-boost"}
_NUMBERS = {"-o": 3, "-s": 3, "-t": 3, "-mm": 2}
_HARMLESS = {"-blendu", "-blendv", "-cc", "-texres", "-bm", "-type", "-boost"}


def read_mtl(path: Path, faults: Faults) -> dict[str, Material]:
    """The materials of a library by name. Pictures that are not there are counted, by name.

    Nothing outside of the library's folder is opened: a path of somebody else's disk is looked for by its last name beside the file.
    """
    found: dict[str, Material] = {}
    name = ""
    with path.open("rb") as file:
        lines = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "newmtl":
            name = rest
            found[name] = Material(name)
        elif word == "Kd" and name in found:
            found[name] = replace(found[name], colour=_colour(rest) or found[name].colour)
        elif word.lower() == "map_kd" and name in found:
            image = find_beside(path.parent, _file_of(rest, name, faults))
            if image is None:
                faults.add(MISSING_IMAGE, f"{name}: {rest}")
            found[name] = replace(found[name], image=image, pictured=True)
    return found


def find_beside(folder: Path, said: str) -> Path | None:
    """A file that another one names: below the folder, by its path or its last name, in whatever case; None where there is none."""
    root = folder.resolve()
    parts = PureWindowsPath(said.strip().strip('"')).parts
    for tail in (parts, parts[-1:]):
        path = root.joinpath(*tail).resolve() if tail else root
        if path.is_relative_to(root) and path.is_file():
            return path
    last = parts[-1].casefold() if parts else ""
    same = sorted(entry for entry in root.iterdir() if entry.name.casefold() == last and entry.is_file())
    return same[0] if same else None


def _colour(text: str) -> tuple[int, int, int] | None:
    """Kd as bytes. Programs write sRGB there, whatever the format's age made of it."""
    try:
        values = [float(word) for word in text.split()[:3]]
    except ValueError:
        return None
    if len(values) != 3 or not all(math.isfinite(value) for value in values):
        return None
    red, green, blue = (round(min(max(value, 0.0), 1.0) * 255) for value in values)
    return red, green, blue


def _file_of(text: str, material: str, faults: Faults) -> str:
    """The name of a map's file: what is left when the options are gone; names may hold spaces."""
    words = text.split(" ")
    while words and words[0] in {*_ONE_WORD, *_NUMBERS}:
        option = words.pop(0)
        if option not in _HARMLESS:
            faults.add(ODD_TEXTURE, f"{material}: {option}")
        if option in _ONE_WORD:
            words = words[1:]
        for _ in range(_NUMBERS.get(option, 0)):
            if not words or not _is_number(words[0]):
                break
            words.pop(0)
    return " ".join(words)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
