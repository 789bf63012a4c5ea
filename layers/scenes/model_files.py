"""One file of a model to shapes: which reader takes it, alone or out of a zip archive, and what its coordinates were taken for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.frames import Frame
from scenes3d.models.shaping import Faults, Shape, shapes_of
from scenes3d.sources.citymodels.citygml import CityGML, open_citygml
from scenes3d.sources.citymodels.cityjson import CityJSON, open_cityjson
from scenes3d.sources.meshes.obj import ObjFile
from scenes3d.sources.reference import Anchored, Placing, Said, Stated, resolve
from twin.crs import CGCS2000
from twin.errors import BadCall
from twin.formats.archive import unpacked

MODELS = (".json", ".jsonl", ".gml", ".xml", ".obj")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What a file gave.

    Attributes:
        said: What its coordinates were taken for, for the record.
    """

    shapes: list[Shape]
    vertical_datum: str
    said: dict[str, Any]


def read_model_file(file: Path, stated: Stated, anchor: Frame | None, faults: Faults) -> ModelFile:
    """Read a model whole.

    Args:
        anchor: The place of the origin of a file in local metres, instead of a CRS.
        faults: Grows by what cannot be drawn.

    Raises:
        BadCall: if an archive does not hold one model.
        BadData: as the readers and `resolve` say.
    """
    with _unpacked(file) as path:
        model = _opened(path)
        first = next((f.surfaces[0].rings[0][0] for f in model.features() if f.surfaces), np.zeros(3))
        placing = placing_of(model.said, stated, file.name, first.tolist(), anchor)
        shapes = list(shapes_of(model.features(), placing, faults))
    overruled = {"axesExchanged": True} if isinstance(model, CityGML) and model.overruled else {}
    return ModelFile(shapes, placing.vertical_datum, placing.to_document() | overruled)


def placing_of(said: Said, stated: Stated, name: str, sample: Sequence[float], anchor: Frame | None) -> Placing:
    """What makes places of a file's coordinates: the anchor where there is one, else its reference system.

    Raises:
        MissingCRSError, UnknownCRSError, VerticalDatumError: as `resolve`.
    """
    if anchor is None:
        return resolve(said, stated, name, sample)
    datum = resolve(Said(CGCS2000), Stated(None, stated.vertical_datum), name, sample).vertical_datum
    return Anchored(anchor, datum)


def _opened(path: Path) -> CityJSON | CityGML | ObjFile:
    suffix = path.suffix.lower()
    if suffix == ".obj":
        return ObjFile(path)
    return open_cityjson(path) if suffix in {".json", ".jsonl"} else open_citygml(path)


@contextmanager
def _unpacked(file: Path) -> Iterator[Path]:
    """The file, or the one model inside of an archive."""
    if file.suffix.lower() != ".zip":
        yield file
        return
    with unpacked(file) as folder:
        inside = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in MODELS]
        if len(inside) != 1:
            raise BadCall(
                "The archive does not hold one model.",
                value=f"{file.name}: {len(inside)} files that could be one",
                limit=f"one of {', '.join(MODELS)}",
                remedy="Unpack it and import the files.",
            )
        yield inside[0]
