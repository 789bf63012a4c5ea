"""Proposals from geometry: certain ones become links, uncertain ones are told, and what somebody declared is never touched."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from quarter import CLERK, LAT, LON, NAMED, box, point, ref, tie
from twin.crs import parse_crs
from twin.errors import BadCall, VersionConflictError
from twin.feature import Feature, FeatureBatch
from twin.relations import deriving
from twin.relations.deriving import derive
from twin.relations.link import LinkSource
from twin.relations.port import LinkQuery
from twin.relations.sql import SqlRelations
from twin.schema import GeometryType, Schema
from twin.store.port import LayerSpec, Store

METRES = parse_crs("EPSG:4549")


def put(store: Store, layer: str, **shapes: shapely.Geometry | None) -> None:
    with store.write(layer, CLERK) as writer:
        writer.upsert(
            FeatureBatch.of(store.layer(layer).schema, [Feature(i, g, {"name": i}) for i, g in shapes.items()])
        )


def derived(store: Store, relations: SqlRelations, kind: str, from_layer: str, to_layer: str):
    return derive(store, relations.types()[kind], from_layer, to_layer, METRES)


def tied(relations: SqlRelations, kind: str) -> dict[str, str]:
    return {link.source.id: link.target.id for link in relations.links(LinkQuery(types=(kind,)))}


def test_points_fall_into_cells_and_what_lies_nowhere_is_counted(store: Store, relations: SqlRelations) -> None:
    put(store, "sensors", S4=None)
    found = derived(store, relations, "in-grid-cell", "sensors", "cells")
    assert {link.source.id: link.target.id for link in found.proposals.links} == {"S1": "C1", "S2": "C2"}
    assert (found.features, found.unplaced, found.unmatched, found.ambiguous) == (4, 1, 1, 0)
    settled = relations.settle(found.proposals, CLERK)
    assert (settled.added, settled.kept, settled.ended) == (2, 0, 0)
    (link,) = relations.links(LinkQuery(end=ref("sensors/S1")))
    assert (link.known_by, link.confidence) == (LinkSource.DERIVED, 1.0)


def test_a_point_in_two_cells_is_told_not_guessed(store: Store, relations: SqlRelations) -> None:
    put(store, "cells", C3=box(0, 0, 0.001))
    found = derived(store, relations, "in-grid-cell", "sensors", "cells")
    assert {link.source.id for link in found.proposals.links} == {"S2"}
    (unsure,) = found.examples
    assert unsure.feature == ref("sensors/S1")
    assert [(end.id, score) for end, score in unsure.candidates] == [("C1", 1.0), ("C3", 1.0)]


def test_an_area_belongs_where_most_of_it_lies(store: Store, relations: SqlRelations) -> None:
    put(store, "buildings", HALF=box(1.6, 0), MOST=shapely.box(LON + 0.0016, LAT, LON + 0.00185, LAT + 0.0004))
    found = derived(store, relations, "on-parcel", "buildings", "parcels")
    links = {link.source.id: (link.target.id, link.confidence) for link in found.proposals.links}
    assert links.keys() == {"B1", "B2", "B3", "B4", "MOST"}
    assert links["B1"] == ("P1", 1.0)
    assert links["MOST"] == ("P1", 0.8)
    assert [unsure.feature.id for unsure in found.examples] == ["HALF"]


def test_the_nearest_is_certain_only_when_the_second_is_clearly_further(store: Store, relations: SqlRelations) -> None:
    metre = 1 / 110_970
    edge = LAT + 0.0004
    put(
        store,
        "entrances",
        CLEAR=shapely.Point(LON + 0.0002, edge + 2 * metre),
        FAR=shapely.Point(LON + 0.0002, edge + 9 * metre),
    )
    put(store, "buildings", NEXT=shapely.box(LON + 0.0044, LAT, LON + 0.0048, LAT + 0.0004))
    put(store, "entrances", TIE=shapely.Point(LON + 0.0033, LAT + 0.0002), E1=point(0.2, 0.0))
    put(store, "buildings", LEFT=shapely.box(LON + 0.00326, LAT, LON + 0.00328, LAT + 0.0004))
    put(store, "buildings", RIGHT=shapely.box(LON + 0.00332, LAT, LON + 0.00334, LAT + 0.0004))
    with store.write("buildings", CLERK) as writer:
        writer.delete("B4")
    found = derived(store, relations, "entrance-of", "entrances", "buildings")
    links = {link.source.id: (link.target.id, link.confidence) for link in found.proposals.links}
    assert links == {"E1": ("B1", 1.0), "CLEAR": ("B1", pytest.approx(5 / 7, abs=0.003))}
    assert [unsure.feature.id for unsure in found.examples] == ["TIE"]
    assert found.unmatched == 1, "nine metres is further than the type looks"


def test_deriving_again_touches_derived_links_alone(store: Store, relations: SqlRelations) -> None:
    relations.settle(derived(store, relations, "in-grid-cell", "sensors", "cells").proposals, CLERK)
    again = relations.settle(derived(store, relations, "in-grid-cell", "sensors", "cells").proposals, CLERK)
    assert (again.kept, again.added, again.ended, again.version) == (2, 0, 0, 1)
    (old,) = relations.links(LinkQuery(end=ref("sensors/S2")))
    relations.end([old.id], CLERK)
    relations.record([tie("sensors/S2", "in-grid-cell", "cells/C1")], CLERK)
    put(store, "sensors", S1=point(2.6, 0.2))
    moved = relations.settle(derived(store, relations, "in-grid-cell", "sensors", "cells").proposals, CLERK)
    assert (moved.kept, moved.added, moved.ended, moved.overruled) == (0, 1, 1, 1)
    assert tied(relations, "in-grid-cell") == {"S1": "C2", "S2": "C1"}


def test_a_layer_that_moved_meanwhile_refuses_the_proposals(store: Store, relations: SqlRelations) -> None:
    found = derived(store, relations, "in-grid-cell", "sensors", "cells")
    with store.write("sensors", CLERK) as writer:
        writer.delete("S1")
    with pytest.raises(VersionConflictError, match="while links were being derived"):
        relations.settle(found.proposals, CLERK)


def test_geometry_is_not_asked_where_it_cannot_tell(store: Store, relations: SqlRelations) -> None:
    with pytest.raises(BadCall, match="does not tell"):
        derived(store, relations, "monitors", "sensors", "buildings")
    with pytest.raises(BadCall, match="'to' end"):
        derived(store, relations, "in-grid-cell", "sensors", "parcels")


def test_many_points_get_the_cell_that_brute_force_finds(store: Store, relations: SqlRelations) -> None:
    """Second opinion: every point against every cell, without an index."""
    rng = np.random.default_rng(11)
    edges = np.linspace(0, 0.01, 11)
    cells = {f"G{i}-{j}": shapely.box(119 + a, 36 + b, 119 + a + 0.001, 36 + b + 0.001) for i, a in enumerate(edges[:-1]) for j, b in enumerate(edges[:-1])}  # fmt: skip
    put(store, "cells", **cells)
    points = shapely.points(119 + rng.uniform(-0.001, 0.011, 2_000), 36 + rng.uniform(-0.001, 0.011, 2_000))
    spec = LayerSpec("dots", Schema(GeometryType.POINT, NAMED), {"id": "dots"})
    with store.write("dots", CLERK, create=spec) as writer:
        writer.upsert(FeatureBatch.of(spec.schema, [Feature(str(i), p, {}) for i, p in enumerate(points)]))
    relations.settle(derived(store, relations, "in-grid-cell", "dots", "cells").proposals, CLERK)
    expected = {}
    for i, place in enumerate(points):
        hits = [name for name, cell in cells.items() if cell.intersects(place)]
        if len(hits) == 1:
            expected[str(i)] = hits[0]
    assert tied(relations, "in-grid-cell") == expected
    assert len(expected) > 1_000


def test_a_reach_in_which_everything_lies_is_refused_not_computed(store, relations, monkeypatch) -> None:
    put(store, "entrances", **{f"M{i}": point(i / 10, 0.2) for i in range(10)})
    few = derived(store, relations, "entrance-of", "entrances", "buildings")
    monkeypatch.setattr(deriving, "MAX_CANDIDATES", 12)
    assert derived(store, relations, "entrance-of", "entrances", "buildings") == few, "found in parts"
    kind = relations.types()["entrance-of"]
    with pytest.raises(BadCall, match="smaller within_m"):
        derive(store, kind, "entrances", "buildings", METRES, 100_000)
