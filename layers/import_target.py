"""The layer an import writes to, and what that layer's own settings say about how."""

from __future__ import annotations

from dataclasses import dataclass

from layers.column_plan import derive_properties
from layers.import_options import ImportOptions
from layers.manifest import GeometryFaults
from layers.manifest_draft import complete_document, draft_manifest
from twin.crs import offset_datum_of, parse_crs
from twin.formats.port import SourceInfo
from twin.schema import Schema
from twin.store.port import LayerRecord, LayerSpec


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """The layer to write to: `create` is set when it is born in this import."""

    schema: Schema
    id_property: str | None
    create: LayerSpec | None


def import_target(existing: LayerRecord | None, options: ImportOptions, info: SourceInfo, crs: str) -> ImportTarget:
    """The layer that stands, or the one to be born from the manifest, or from the file where there is none."""
    if existing is not None:
        known = existing.document.get("id_property")
        return ImportTarget(existing.schema, options.id_property or (str(known) if known else None), None)
    manifest = options.manifest or draft_manifest(options.layer_id, options.name or info.layer, options.id_property)
    geometry_type = manifest.geometry_type or info.geometry_type
    if manifest.properties is None:
        schema = Schema(geometry_type, derive_properties(info))
    else:
        schema = Schema(geometry_type, tuple(entry.to_property() for entry in manifest.properties))
    document = complete_document(manifest, schema, crs)
    return ImportTarget(
        schema, options.id_property or manifest.id_property, LayerSpec(options.layer_id, schema, document)
    )


def manifest_crs(existing: LayerRecord | None, options: ImportOptions) -> str | None:
    """The manifest's CRS of a new layer; of one that stands only GCJ-02 and BD-09, in which it goes on being delivered."""
    if existing is None:
        return options.manifest.crs if options.manifest else None
    known = existing.document.get("crs")
    return str(known) if known and offset_datum_of(parse_crs(str(known))) is not None else None


def vertical_datum(existing: LayerRecord | None, options: ImportOptions) -> str | None:
    """What the layer says its heights count from."""
    if existing is None:
        return options.manifest.vertical_datum if options.manifest else None
    known = existing.document.get("vertical_datum")
    return str(known) if known else None


def validity_columns(existing: LayerRecord | None, options: ImportOptions) -> dict[str, str] | None:
    """Names of the columns with the rows' validity, as the layer's manifest has them."""
    if existing is not None:
        return existing.document.get("validity")
    named = options.manifest.validity if options.manifest else None
    return None if named is None else named.model_dump(mode="json", by_alias=True, exclude_none=True)


def repairs(existing: LayerRecord | None, options: ImportOptions) -> bool:
    """Whether rings that cross themselves are mended: the caller's word, else the layer's setting."""
    if options.repair is not None:
        return options.repair
    if existing is not None:
        return existing.document.get("geometry_faults") != GeometryFaults.REFUSE
    return options.manifest is None or options.manifest.geometry_faults is not GeometryFaults.REFUSE
