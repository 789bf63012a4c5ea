"""Editions of a layer's buildings: a whole one from all rows, or the difference to one that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson

from layers.scenes.ground import Standing
from layers.scenes.record import lods_of
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.heights import HeightRule
from scenes3d.buildings.roof_rule import RoofRule
from scenes3d.editions.edition import Edition
from scenes3d.editions.folder import SceneFolder
from twin.crs import CGCS2000
from twin.errors import BadData, Finding
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.store.port import LayerRecord, Store
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Tasks
from twin.vertical import UNKNOWN, check_same_vertical

if TYPE_CHECKING:
    from scenes3d.buildings.footprints import Footprints
    from scenes3d.editions.building import Patch

MOST_TOUCHED = 2_000
"""Beyond so many changed features a whole build is the shorter way."""

_IDS_AT_ONCE = 2_000
Progress = Callable[[str, int], None]


class NothingToBuildError(BadData):
    """No feature of the layer can be raised."""

    code = "nothing-to-build"


@dataclass(frozen=True)
class Maker:
    """How the buildings of one layer become tiles.

    Attributes:
        layer: As it is registered now.
        made: What was told to it, as editions keep it.
    """

    store: Store
    layer: LayerRecord
    rule: HeightRule
    standing: Standing
    roofs: RoofRule | None = None

    @property
    def made(self) -> dict[str, Any]:
        """How editions are made; two that differ in it share nothing."""
        return {
            "rule": self.rule.to_dict(),
            **({} if self.roofs is None else {"roofs": self.roofs.to_dict()}),
            "terrain": self.standing.terrain,
            "terrain_edition": self.standing.edition,
            "schema": crc32(orjson.dumps(self.layer.schema.to_dict())),
            "copyright": self.layer.document.get("attribution") or "",
        }

    @classmethod
    def again(cls, store: Store, layer: LayerRecord, made: Mapping[str, Any], standing: Standing) -> Maker:
        """The maker of an edition, on the ground as it is now."""
        roofs = RoofRule(**made["roofs"]) if "roofs" in made else None
        return cls(store, layer, HeightRule(**made["rule"]), standing, roofs)

    @property
    def vertical_datum(self) -> str:
        """What the scene's heights count from: those of the property of feet and those of the terrain are the same, or refused.

        Raises:
            VerticalDatumError: if they differ.
        """
        if not self.rule.base:
            return self.standing.vertical_datum
        said = str(self.layer.document.get("vertical_datum") or UNKNOWN)
        check_same_vertical(self.standing.vertical_datum, said, f"terrain {self.standing.terrain}")
        return self.standing.vertical_datum if said == UNKNOWN else said

    @property
    def ground(self) -> str:
        """What the feet stand on, in words."""
        if not self.rule.base:
            return self.standing.words
        return f"property {self.rule.base}" + (f", else {self.standing.words}" if self.standing.terrain else "")

    def plan(self, version: int, report: Mapping[str, Any], valid: Interval | None = None) -> Edition:
        """The edition of a version, of its newest states or those of another time, without its tiles."""
        extras = {
            "layer": self.layer.id,
            "layerVersion": version,
            "horizontalDatum": f"CGCS2000 ({CGCS2000}), taken as WGS 84",
            "verticalDatum": self.vertical_datum,
            "ground": self.ground,
            "lod": lods_of(report)["lod"],
        }
        if valid is not None:
            extras["datetime"] = str(valid)
        return Edition(version, (), self.made, extras, dict(report), valid)

    def whole(
        self,
        folder: SceneFolder,
        version: int,
        progress: Progress = lambda what, count: None,
        valid: Interval | None = None,
        *,
        tasks: Tasks = IN_THREAD,
    ) -> Edition:
        """Read all features of a version and write all tiles, those that a killed build has not written.

        Raises:
            NothingToBuildError: if none can be raised; nothing that is served has changed then.
        """
        # With the first build, as `_patched` with the first edit: pyarrow comes along.
        from scenes3d.buildings.cleaning import footprints_of
        from scenes3d.buildings.footprints import Footprints
        from scenes3d.editions.building import build_edition

        report = BuildReport()
        parts: list[Footprints] = []
        query = FeatureQuery(as_of=version, interval=valid)
        with closing(self.store.iterate(self.layer.id, query)) as batches:
            for batch in batches:
                parts.append(footprints_of(batch, self.rule, self.standing.ground, report, self.roofs))
                progress("read", len(batch))
        parts = [part for part in parts if len(part)]
        if not parts:
            raise _nothing(self.layer, report)
        buildings = Footprints.concatenated(parts)
        parts.clear()
        plan = self.plan(version, report.to_dict(), valid)
        birth = self.layer.created_at.isoformat()
        return build_edition(folder, buildings, plan, lambda count: progress("built", count), tasks=tasks, birth=birth)

    def patch(self, folder: SceneFolder, before: Edition, version: int) -> Patch | None:
        """The edition of a version by what differs from another one; None where too much does, or it was made otherwise."""
        if before.made != self.made:
            return None
        touched = self._touched(before.version, version)
        if touched is None:
            return None
        return self._patched(folder, before, self.plan(version, before.report), touched)

    def held_then(self, folder: SceneFolder, newest: Edition, valid: Interval) -> Patch | None:
        """The edition of the states that hold at another time, by what differs from the newest states of the same version.

        None where too much does, or `newest` was made otherwise.
        """
        if newest.made != self.made:
            return None
        others = self.store.heads_not_holding(self.layer.id, valid, as_of=newest.version, limit=MOST_TOUCHED + 1)
        if len(others) > MOST_TOUCHED:
            return None
        return self._patched(folder, newest, self.plan(newest.version, newest.report, valid), set(others))

    def _patched(self, folder: SceneFolder, before: Edition, plan: Edition, touched: set[str]) -> Patch:
        from scenes3d.buildings.cleaning import footprints_of
        from scenes3d.buildings.footprints import Footprints
        from scenes3d.editions.building import patch_edition

        def fetch(ids: Sequence[str]) -> Footprints | None:
            report = BuildReport()
            found = []
            for start in range(0, len(ids), _IDS_AT_ONCE):
                query = FeatureQuery(
                    ids=tuple(ids[start : start + _IDS_AT_ONCE]), as_of=plan.version, interval=plan.valid
                )
                batch = self.store.select(self.layer.id, query)
                found.append(footprints_of(batch, self.rule, self.standing.ground, report, self.roofs))
            found = [part for part in found if len(part)]
            return Footprints.concatenated(found) if found else None

        return patch_edition(folder, before, plan, touched, fetch)

    def _touched(self, one: int, other: int) -> set[str] | None:
        """Ids of all features that writes between two versions touched; None where they are more than `MOST_TOUCHED`."""
        found: set[str] = set()
        for version in range(min(one, other) + 1, max(one, other) + 1):
            found |= {touched.feature_id for touched in self.store.touched(self.layer.id, version, MOST_TOUCHED + 1)}
            if len(found) > MOST_TOUCHED:
                return None
        return found


def _nothing(layer: LayerRecord, report: BuildReport) -> NothingToBuildError:
    findings = tuple(
        Finding(", ".join(report.examples[fault][:3]), str(count), f"{fault.words.zh} · {fault.words.en}", "")
        for fault, count in report.counts.items()
    )
    return NothingToBuildError(
        f"图层“{layer.id}”没有可建模的建筑。Not one of {report.seen} features can be raised.",
        value=layer.id,
        limit="at least one polygon with a height",
        remedy="See the findings; name another property with --height or --floors.",
        findings=findings,
    )
