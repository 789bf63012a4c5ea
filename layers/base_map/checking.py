"""A topology check of the base map: its layers judged by their rules, what was found written down as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from layers.base_map.findings_layer import authorise_findings, write_findings
from layers.city import City
from layers.manifest import BASEMAP
from layers.policy import Actor
from layers.registry import Registry
from layers.turns import one_at_a_time
from twin.basemap.release_book import open_releases
from twin.crs import parse_crs
from twin.errors import BadReleaseError
from twin.store.port import LayerRecord
from twin.topology.faults import TopologyFinding
from twin.topology.report import TopologyReport
from twin.topology.rules import Check, RuleSet, default_rules, parse_checks
from twin.topology.run import Progress, RunOptions, check_layers


@dataclass(frozen=True)
class CheckRequest:
    """What to check.

    Attributes:
        layers: Ids; None: every layer of the base map.
        rules: For this run only; they stand above a manifest's, and those above the shipped ones.
    """

    layers: tuple[str, ...] | None = None
    rules: RuleSet = field(default_factory=dict)


def base_map_layers(registry: Registry, actor: Actor, wanted: Sequence[str] | None = None) -> list[LayerRecord]:
    """The layers of the base map that the actor may read, or those wanted, whoever's they are.

    Raises:
        UnknownLayerError: if a wanted layer is not there.
        BadReleaseError: if there is no layer at all.
    """
    if wanted is not None:
        records = [registry.layer(layer_id, actor) for layer_id in dict.fromkeys(wanted)]
    else:
        records = _base_map(registry, actor)
    if not records:
        raise BadReleaseError(
            "The base map has no layers.",
            value="0 layers",
            limit=f"at least one layer of the department '{BASEMAP}'",
            remedy="Import the base map first, or name the layers.",
        )
    return records


def check_base_map(
    registry: Registry,
    city: City,
    actor: Actor,
    request: CheckRequest,
    *,
    at: datetime,
    progress: Progress | None = None,
) -> TopologyReport:
    """Judge layers and put the findings into the layer `basemap-findings`, and the summary beside it.

    Findings give away ids and places, and everybody reads that layer. So a rule may read only its own layer and those of
    the base map that the actor may read, whoever wrote the rule; and what concerns a layer of a department is in the report alone.

    Raises:
        UnknownLayerError: if a layer is not there, or the actor may not know of it.
        PolicyError: if the actor may not write the findings; asked before anything is read.
        AlreadyRunningError: if this server is checking already.
        BadRulesError: if a manifest brings rules that cannot be read.
    """
    authorise_findings(registry, actor)
    records, base_map = base_map_layers(registry, actor, request.layers), _base_map(registry, actor)
    rules, options = _rules(records, request), RunOptions(parse_crs(city.projected_crs))
    with one_at_a_time(registry.store, "a check of the base map"):
        report = check_layers(registry.store, records, rules, options, at=at, others=base_map, progress=progress)
        judged = None if request.layers is None else [record.id for record in records]
        write_findings(registry, actor, _open_findings(report.findings, base_map), judged)
        open_releases(registry.store).add_check(report.to_dict(), actor.name)
    return report


def _base_map(registry: Registry, actor: Actor) -> list[LayerRecord]:
    """The published layers of the base map that the actor may read."""
    return [record for record in registry.layers(actor) if record.document.get("department") == BASEMAP]


def _open_findings(findings: Sequence[TopologyFinding], base_map: Sequence[LayerRecord]) -> list[TopologyFinding]:
    """Those that speak of the base map alone."""
    open_layers = {record.id for record in base_map}
    return [f for f in findings if f.layer in open_layers and (f.other_layer or f.layer) in open_layers]


def _rules(records: Sequence[LayerRecord], request: CheckRequest) -> RuleSet:
    found: dict[str, tuple[Check, ...]] = dict(default_rules())
    for record in records:
        if record.document.get("topology") is not None:
            found[record.id] = parse_checks(record.document["topology"], f"/{record.id}/topology")
    return {**found, **request.rules}
