"""The shipped layers filled from a folder of files: how `onemap demo` puts the sample town on the map.

The built-in base map and departments come through the same door as strangers: a manifest and a file each.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from layers.import_report import ImportReport
from layers.importing import ImportOptions, Origin, Progress, import_file
from layers.manifest import Manifest, parse_manifest
from layers.policy import Actor, OpenPolicy
from layers.relating import RelationDesk
from twin.errors import BadManifestError, DuplicateLayerError
from twin.store.port import Store

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent
SUFFIXES = (".parquet", ".fgb", ".gpkg", ".geojson", ".geojsonl", ".csv", ".zip")
SEEDER = "sample town"
# Relation type, layer it starts from, layer it leads to: what geometry says for certain of the sample town.
SAMPLE_RELATIONS = (
    ("in-grid-cell", "facilities", "grid-cells"),
    ("in-grid-cell", "cameras", "grid-cells"),
    ("in-grid-cell", "sensors", "grid-cells"),
    ("in-grid-cell", "pollution-sources", "grid-cells"),
    ("in-grid-cell", "buildings", "grid-cells"),
    ("on-parcel", "buildings", "landuse"),
    ("located-in", "poi", "buildings"),
    ("located-in", "sensors", "buildings"),
)


def shipped_manifests(folder: Path = SHIPPED) -> list[Manifest]:
    """The manifests of the base map and of every department folder, bottom of the map first.

    Raises:
        BadManifestError: if one has faults, or two carry the same id; the message names the files.
    """
    found: dict[str, tuple[Path, Manifest]] = {}
    for path in sorted([*folder.glob("basemap/*.json"), *folder.glob("departments/*/*.json")]):
        manifest = _read(path)
        if manifest.id in found:
            raise DuplicateLayerError(
                f"Two manifests carry the id '{manifest.id}': {found[manifest.id][0].name} and {path.name}.",
                value=manifest.id,
                remedy="Give one of them another id.",
            )
        found[manifest.id] = path, manifest
    return sorted((manifest for _, manifest in found.values()), key=lambda manifest: (manifest.order, manifest.id))


def data_file(folder: Path, layer_id: str) -> Path | None:
    """The file in `folder` named after the layer, in the first readable format; None where there is none."""
    candidates = (folder / f"{layer_id}{suffix}" for suffix in SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def seed_layers(
    store: Store, folder: Path, *, progress: Callable[[str, Progress], None] | None = None
) -> list[ImportReport]:
    """Register every shipped layer that the store lacks and that `folder` has a file for, each in one transaction.

    Args:
        progress: Called with the layer's id and how far it is.

    Returns:
        One report for each layer that was made now; none at the second run.
    """
    present = {record.id for record in store.layers()}
    reports = []
    for manifest in shipped_manifests():
        path = data_file(folder, manifest.id)
        if manifest.id in present:
            continue
        if path is None:
            log.warning("The folder %s has no file for the layer '%s'.", folder.name, manifest.id)
            continue
        options = ImportOptions(manifest.id, manifest=manifest, new_layer=True)
        told = None if progress is None else partial(progress, manifest.id)
        origin = Origin(Actor(SEEDER), OpenPolicy())
        reports.append(import_file(store, path, options, progress=told, origin=origin))
    return reports


def seed_relations(store: Store, projected_crs: str) -> int:
    """Tie the shipped layers together where no link has ever been recorded; give the number of links.

    Args:
        projected_crs: Of the city, in metres.

    Returns:
        Links recorded now; 0 at the second run, and where somebody has begun to record links.
    """
    desk, count = RelationDesk.open(store, OpenPolicy(), projected_crs), 0
    if desk.relations.version():
        return 0
    present = {record.id for record in store.layers()}
    for type_id, from_layer, to_layer in SAMPLE_RELATIONS:
        if {from_layer, to_layer} <= present:
            settled = desk.derive(type_id, from_layer, to_layer, Actor(SEEDER)).settled
            count += settled.added if settled else 0
    return count


def _read(path: Path) -> Manifest:
    try:
        return parse_manifest(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise BadManifestError(
            f"{path.name} is not JSON: {error}", value=path.name, remedy="Correct the file."
        ) from error
    except BadManifestError as error:
        raise BadManifestError(
            f"{path.name}: {error.message}", value=path.name, remedy=error.remedy, findings=error.findings
        ) from error
