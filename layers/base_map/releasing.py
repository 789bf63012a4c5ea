"""Making a release: the base map checked, its layers pinned and summed up, the changes told, all written down at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from layers.base_map.checking import CheckRequest, base_map_layers, check_base_map
from layers.city import City
from layers.policy import Action, Actor
from layers.registry import Registry
from twin.basemap.checksum import layer_checksum
from twin.basemap.release import Release, ReleasedLayer, check_name
from twin.basemap.release_book import open_releases
from twin.basemap.report import ReleaseReport, release_report
from twin.crs import parse_crs
from twin.errors import BadReleaseError, DuplicateReleaseError, ReleaseBlockedError
from twin.store.port import LayerRecord, Store
from twin.store.values import instant_text, to_milliseconds
from twin.text import LocalText
from twin.topology.kinds import Severity
from twin.topology.report import TopologyReport
from twin.topology.run import Progress

MAX_NOTES = 4_000


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What somebody wants to release.

    Attributes:
        layers: Ids; None: every layer of the base map.
        max_errors: More errors of topology than this hold the release back.
        force: Release in spite of errors; then `reason` says why, and stands in the release.
    """

    name: str
    notes: str = ""
    layers: tuple[str, ...] | None = None
    max_errors: int = 0
    force: bool = False
    reason: str = ""


def make_release(
    registry: Registry,
    city: City,
    actor: Actor,
    request: ReleaseRequest,
    *,
    at: datetime,
    progress: Progress | None = None,
) -> tuple[Release, ReleaseReport]:
    """Check, pin, sum up, compare with the release before, and write down.

    Raises:
        BadReleaseError: if the name does not fit, there is no layer, or a release is forced without a reason.
        DuplicateReleaseError: if the name is taken.
        ReleaseBlockedError: if the check finds too many errors, or a layer is edited, dropped or made anew meanwhile.
        PolicyError: if the actor may not release a layer.
    """
    _refuse_bad_request(request)
    records = base_map_layers(registry, actor, request.layers)
    for record in records:
        registry.policy.authorise(actor, Action.RELEASE_BASE_MAP, record.id)
    book = open_releases(registry.store)
    previous = book.current()
    if any(release.name == request.name for release in book.releases()):
        raise DuplicateReleaseError(
            f"There is a release '{request.name}' already, and releases never change.",
            value=request.name,
            limit="one release for each name",
            remedy="Choose another name.",
        )
    ids = tuple(record.id for record in records)
    report = check_base_map(registry, city, actor, CheckRequest(ids), at=at, progress=progress)
    forced = _forced_reason(request, report)
    pinned = tuple(_pinned(registry.store, record, city, progress) for record in records)
    release = Release(
        request.name,
        to_milliseconds(at),
        actor.name,
        request.notes.strip(),
        None if previous is None else previous.name,
        pinned,
        report.to_dict(),
        forced,
    )
    changes = release_report(registry.store, release, previous, parse_crs(city.projected_crs))
    book.add(release, changes.to_dict(), records)
    return release, changes


def _refuse_bad_request(request: ReleaseRequest) -> None:
    check_name(request.name)
    if len(request.notes) > MAX_NOTES or len(request.reason) > MAX_NOTES:
        raise BadReleaseError(
            "The notes or the reason are too long.",
            value=f"{max(len(request.notes), len(request.reason))} characters",
            limit=f"{MAX_NOTES} characters",
            remedy="Say the main thing; the report lists the changes.",
        )
    if request.force and not request.reason.strip():
        raise BadReleaseError(
            "A release in spite of errors needs a reason.",
            value="force without reason",
            limit="a reason that stands in the release",
            remedy="Say why, or release without force.",
        )


def _forced_reason(request: ReleaseRequest, report: TopologyReport) -> str | None:
    errors = report.count(Severity.ERROR)
    if errors <= request.max_errors:
        return None
    if request.force:
        return request.reason.strip()
    raise ReleaseBlockedError(
        f"The topology check found {errors} error{'' if errors == 1 else 's'}.",
        value=f"{errors} errors",
        limit=f"{request.max_errors} errors",
        remedy="Look at the layer basemap-findings and cure them, allow as many (max_errors), or force the release with a reason.",
    )


def _pinned(store: Store, record: LayerRecord, city: City, progress: Progress | None) -> ReleasedLayer:
    if progress is not None:
        progress(record.id, "checksum")
    found, said = layer_checksum(store, record.id, record.version), record.document
    return ReleasedLayer(
        record.id,
        LocalText.parse(said.get("title")),
        record.version,
        found.feature_count,
        found.bounds,
        city.crs,
        str(said.get("crs") or city.crs),
        said.get("vertical_datum"),
        said.get("accuracy_m"),
        said.get("vertical_accuracy_m"),
        found.sha256,
        _source(store, record.id, said),
    )


def _source(store: Store, layer_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Where the layer comes from: what its manifest says, and who wrote it last."""
    names = ("owner", "licence", "attribution", "update_cadence", "synthetic", "source", "lineage")
    source = {name: said[name] for name in names if said.get(name)}
    for change in store.changesets(layer_id, 1):
        source["last_change"] = {
            "at": instant_text(change.at),
            "author": change.author.name,
            "reason": change.author.reason,
        }
    return source
