"""The judge: a sample, the base map around it and the city's box in, a belief out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp

import numpy as np
import numpy.typing as npt
import shapely

from twin.crs import CGCS2000, CRS, offset_datum_of, short_name, to_cgcs2000
from twin.datums.offset_datums import BD09, GCJ02
from twin.guard.belief import Belief, Hypothesis, Verdict, direction, nothing_to_compare
from twin.guard.comparing import Comparison, Corrections, compare
from twin.text import LocalText

_DATUMS = {Hypothesis.GCJ02: GCJ02, Hypothesis.BD09: BD09}
_NAMES = {
    Hypothesis.GCJ02: LocalText("GCJ-02 坐标", "GCJ-02"),
    Hypothesis.BD09: LocalText("BD-09 坐标", "BD-09"),
    Hypothesis.WGS84: LocalText("WGS 84/CGCS2000 坐标", "WGS 84/CGCS2000"),
}
# A comparison this strong ends the search for more witnesses.
_DECISIVE_Z = 10.0
# A layer of which fewer features lie on the base map is not said to fit it, however clear the peak is.
LEAST_FITTING = 0.1


@dataclass(frozen=True)
class Witness:
    """A layer of the base map.

    Attributes:
        layer_id: Its id.
        geometries: What it has around the sample, lon/lat degrees, object (n,).
    """

    layer_id: str
    geometries: npt.NDArray[np.object_]


def judge_position(delivered: npt.NDArray[np.object_], stated: CRS, witnesses: Iterable[Witness]) -> Belief:
    """Whether geometries that fall into the city lie where they say, by the witness of the base map.

    Args:
        delivered: Geometries in the coordinates of the file, object (n,), none missing or empty.
        stated: CRS they were taken to be in.
        witnesses: Layers of the base map, the best first; no more are asked than needed.
    """
    sample = to_cgcs2000(delivered, stated)
    keep = np.isfinite(shapely.bounds(sample)).all(axis=1)
    delivered, sample = delivered[keep], sample[keep]
    if len(sample) == 0:
        return nothing_to_compare()
    corrected = other_datums(delivered, sample, stated)
    heard: list[tuple[str, Comparison]] = []
    for witness in witnesses:
        if len(witness.geometries) == 0:
            continue
        heard.append((witness.layer_id, _compared(sample, corrected, witness.geometries)))
        if heard[-1][1].z >= _DECISIVE_Z:
            break
    return _concluded(heard, stated)


def other_datums(delivered: npt.NDArray[np.object_], sample: npt.NDArray[np.object_], stated: CRS) -> Corrections:
    """What the geometries would be, lon/lat degrees, if their numbers were of another datum than stated."""
    claimed = offset_datum_of(stated)
    read: dict[Hypothesis, npt.NDArray[np.object_]] = {}
    plain = delivered if claimed is not None and not claimed.metres else sample
    for name, datum in _DATUMS.items():
        if claimed is None or claimed.name != datum.name:
            read[name] = _moved(plain, datum.to_wgs84)
    if claimed is not None and not claimed.metres:
        read[Hypothesis.WGS84] = delivered
    return {name: moved for name, moved in read.items() if not _same(moved, sample)}


def _moved(geometries: npt.NDArray[np.object_], move: object) -> npt.NDArray[np.object_]:
    assert callable(move)
    moved: npt.NDArray[np.object_] = shapely.transform(geometries, lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1])))
    return moved


def _same(a: npt.NDArray[np.object_], b: npt.NDArray[np.object_]) -> bool:
    return bool(np.allclose(shapely.bounds(a), shapely.bounds(b), atol=1e-4, equal_nan=True))


def _compared(
    sample: npt.NDArray[np.object_], corrected: Corrections, reference: npt.NDArray[np.object_]
) -> Comparison:
    """At a tolerance of 25 to 50 m, and where that shows nothing because the map is crowded, of 10 to 20 m."""
    found = compare(sample, corrected, reference, 25.0)
    crowded = found.evidence is not None and found.evidence["background"] > 0.1
    if (found.hypothesis is None and crowded) or (found.z < _DECISIVE_Z and crowded):
        finer = compare(sample, corrected, reference, 10.0)
        if finer.z > found.z:
            return finer
    return found


def _concluded(heard: list[tuple[str, Comparison]], stated: CRS) -> Belief:
    """The strongest witness is believed, unless another that is nearly as strong sees the layer in its place."""
    speaking = [(layer, found) for layer, found in heard if found.hypothesis is not None]
    if not speaking:
        asked = tuple(layer for layer, _ in heard)
        text = LocalText("与底图比对无定论", "nothing on the base map speaks for or against it") if asked else None
        return nothing_to_compare(text)
    layer, found = max(speaking, key=lambda pair: pair[1].z)
    fitting = max((f.z for _, f in speaking if f.hypothesis is Hypothesis.AS_STATED), default=0.0)
    if found.hypothesis is not Hypothesis.AS_STATED and not found.partly and fitting > 0.6 * found.z:
        layer, found = max(
            (pair for pair in speaking if pair[1].hypothesis is Hypothesis.AS_STATED), key=lambda pair: pair[1].z
        )
    return _belief(layer, found, stated)


def _belief(layer: str, found: Comparison, stated: CRS) -> Belief:
    assert found.hypothesis is not None
    suspicious, enough = found.hypothesis is not Hypothesis.AS_STATED, found.share >= LEAST_FITTING
    verdict = Verdict.SUSPICIOUS if suspicious else Verdict.FITS if enough else Verdict.UNKNOWN
    return Belief(
        verdict=verdict,
        hypothesis=found.hypothesis,
        text=_sentence(found, short_name(stated)),
        confidence=0.0 if verdict is Verdict.UNKNOWN else min(0.99, 1 - exp(-found.z / 6)),
        share=found.share,
        counted=found.counted,
        of=found.of,
        unit=found.unit,
        shift_m=found.shift_m,
        correction=_correction(found),
        compared_with=(layer,),
        partly=found.partly,
        evidence=found.evidence,
    )


def _correction(found: Comparison) -> str | Mapping[str, object] | None:
    if found.hypothesis is Hypothesis.AS_STATED or found.shift_m is None:
        return None
    if found.hypothesis is Hypothesis.SHIFTED:
        return {"shift_m": [-round(found.shift_m[0], 1), -round(found.shift_m[1], 1)]}
    datum = _DATUMS.get(found.hypothesis) if found.hypothesis is not None else None
    return CGCS2000 if datum is None else datum.name


def _sentence(found: Comparison, stated: str) -> LocalText:
    unit_zh, unit_en = ("个要素", "features") if found.unit == "features" else ("个位置", "places")
    of_zh = f"{found.of} {unit_zh}中有 {found.counted} 个可判断，其中 {found.share:.0%} 支持"
    of_en = f"{found.share:.0%} of the {found.counted} of {found.of} {unit_en} that tell"
    if found.hypothesis is Hypothesis.AS_STATED and found.share < LEAST_FITTING:
        return LocalText(f"与底图比对无定论，{of_zh}", f"fits the base map only in small part, {of_en}: no verdict")
    if found.hypothesis is Hypothesis.AS_STATED:
        return LocalText(f"与底图吻合，{of_zh}", f"fits the base map, {of_en}")
    assert found.hypothesis is not None
    assert found.shift_m is not None
    where = direction(found.shift_m)
    if found.hypothesis is Hypothesis.SHIFTED:
        return LocalText(f"整体偏移，{of_zh}，{where.zh}", f"looks moved as a whole, {of_en}, shift {where.en}")
    name = _NAMES[found.hypothesis]
    part_zh, part_en = ("部分内容", "in part ") if found.partly else ("", "")
    return LocalText(
        f"{part_zh}疑似将 {name.zh}当作 {stated} 使用，{of_zh}，{where.zh}",
        f"looks {part_en}like {name.en} read as {stated}, {of_en}, shift {where.en}",
    )
