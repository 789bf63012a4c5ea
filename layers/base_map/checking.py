"""A topology check of the base map: its layers judged by their rules, what was found written down as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from layers.base_map.findings_layer import write_findings
from layers.city import City
from layers.manifest import BASEMAP
from layers.policy import Actor
from layers.registry import Registry
from twin.basemap.release_book import open_releases
from twin.crs import parse_crs
from twin.errors import BadReleaseError
from twin.store.port import LayerRecord
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
        records = [r for r in registry.layers(actor) if r.document.get("department") == BASEMAP]
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

    Raises:
        UnknownLayerError: if a layer is not there, or the actor may not know of it.
        PolicyError: if the actor may not write the findings.
        BadRulesError: if a manifest brings rules that cannot be read.
    """
    records = base_map_layers(registry, actor, request.layers)
    options = RunOptions(parse_crs(city.projected_crs))
    report = check_layers(registry.store, records, _rules(records, request), options, at=at, progress=progress)
    judged = None if request.layers is None else [record.id for record in records]
    write_findings(registry, actor, report.findings, judged)
    open_releases(registry.store).add_check(report.to_dict(), actor.name)
    return report


def _rules(records: Sequence[LayerRecord], request: CheckRequest) -> RuleSet:
    found: dict[str, tuple[Check, ...]] = dict(default_rules())
    for record in records:
        if record.document.get("topology") is not None:
            found[record.id] = parse_checks(record.document["topology"], f"/{record.id}/topology")
    return {**found, **request.rules}
