"""The registry: the one door through which layers are made, described, filled and removed.

Every write asks the policy first. A layer that comes with data is born in the transaction that writes them: there is
never a layer without its data, nor data without their layer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from layers.belief_cache import BeliefCache
from layers.city import City
from layers.code_indexes import index_codes
from layers.import_report import ImportReport
from layers.importing import ImportOptions, Origin, Progress, import_file, import_osm
from layers.lineage import LINEAGE
from layers.manifest import Manifest, OgcFeaturesSource, UploadSource, parse_manifest
from layers.manifest_draft import complete_document
from layers.manifest_patch import merge_manifest
from layers.policy import Action, Actor, OpenPolicy, Policy, may_read, require_readable
from layers.position_check import examine_layer
from layers.reviewing import Decision, review_layer
from layers.sources import SourceSettings, Upload, materialised
from twin.basemap.checked import CHECKED_AGAINST
from twin.errors import BadManifestError, DuplicateLayerError, Finding, UnknownLayerError
from twin.guard.belief import Belief
from twin.standing import STANDING, is_shown, require_shown
from twin.store.port import LayerRecord, LayerSpec, LayerWriter, Store

log = logging.getLogger(__name__)
ProgressReporter = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Registered:
    """A new layer, and what became of the data that came along (None when it was born empty)."""

    record: LayerRecord
    report: ImportReport | None


@dataclass(frozen=True)
class Registry:
    """All layers of one store.

    Attributes:
        policy: Asked before every read and write.
        sources: What the operator allows data to be read from.
        city: Where most layers are; None where nobody knows.
        beliefs: What the guard found of layers that were asked about.
    """

    store: Store
    policy: Policy = field(default_factory=OpenPolicy)
    sources: SourceSettings = field(default_factory=SourceSettings)
    city: City | None = None
    beliefs: BeliefCache = field(default_factory=BeliefCache, compare=False, repr=False)

    def layers(self, actor: Actor) -> list[LayerRecord]:
        """The published layers that `actor` may read, in order of their ids: what every output shows."""
        return [record for record in self.registered(actor) if is_shown(record.document)]

    def registered(self, actor: Actor) -> list[LayerRecord]:
        """All layers that `actor` may read, those that wait for a decision too, in order of their ids."""
        return [record for record in self.store.layers() if may_read(self.policy, actor, record.id)]

    def layer(self, layer_id: str, actor: Actor) -> LayerRecord:
        """One published layer.

        Raises:
            UnknownLayerError: if there is none, or `actor` may not know of it.
            HeldLayerError: if it waits for a person's decision.
        """
        record = self.registered_layer(layer_id, actor)
        require_shown(layer_id, record.document)
        return record

    def registered_layer(self, layer_id: str, actor: Actor) -> LayerRecord:
        """One layer, published or not.

        Raises:
            UnknownLayerError: if there is none, or `actor` may not know of it.
        """
        require_readable(self.policy, actor, layer_id)
        return self.store.layer(layer_id)

    def register(self, document: Mapping[str, Any], actor: Actor, upload: Upload | None = None) -> Registered:
        """Make a layer from its manifest, with the data of an upload or of the manifest's source, or empty.

        Raises:
            BadManifestError: with every fault of the manifest at once.
            DuplicateLayerError: if the id is taken.
            PolicyError: if the actor may not.
            BadData: if the data cannot be taken; then there is no layer either.
        """
        manifest = parse_manifest(document)
        self.policy.authorise(actor, Action.REGISTER_LAYER, manifest.id)
        if self._exists(manifest.id):
            raise _duplicate(manifest.id)
        if upload is not None:
            _refuse_second_source(manifest)
            report = self._import(upload, ImportOptions(manifest.id, manifest=manifest, new_layer=True), actor)
            return Registered(self.store.layer(manifest.id), report)
        with materialised(manifest, self.sources) as fetched:
            if fetched is None:
                return Registered(self._create_empty(manifest, actor), None)
            report = self._import(fetched, ImportOptions(manifest.id, manifest=manifest, new_layer=True), actor)
            return Registered(self.store.layer(manifest.id), report)

    def describe(self, layer_id: str, patch: Mapping[str, Any], actor: Actor) -> LayerRecord:
        """Change the manifest by a merge patch (RFC 7396); data and version stay.

        Raises:
            BadManifestError: if a field of the patch cannot change this way, or the outcome is not a good manifest.
        """
        self.policy.authorise(actor, Action.DESCRIBE_LAYER, layer_id)
        schema = self.store.layer(layer_id).schema
        with self.store.write(layer_id, actor.author("description")) as writer:
            # Merged where other writers wait: a decision or a delivery that landed a moment ago stays.
            standing = writer.document
            manifest = merge_manifest(standing, patch)
            kept = {name: standing[name] for name in (STANDING, LINEAGE, CHECKED_AGAINST) if name in standing}
            writer.describe(complete_document(manifest, schema, manifest.crs) | kept)
        return self.store.layer(layer_id)

    def review(self, layer_id: str, decision: Decision, actor: Actor) -> LayerRecord:
        """Carry out a person's decision on a layer: accept, correct or reject it. Raises as `layers.reviewing.review_layer`."""
        self.policy.authorise(actor, Action.REVIEW_LAYER, layer_id)
        reason = f"review: {decision.verb.value}: {decision.reason}"
        record = review_layer(self.store, layer_id, decision, actor.author(reason), self.city)
        log.info("%s decided on layer %s: %s", actor.name, layer_id, decision.verb.value)
        return record

    def examine(self, layer_id: str, actor: Actor) -> Belief:
        """What the guard believes of a layer as it stands. Raises UnknownLayerError."""
        record = self.registered_layer(layer_id, actor)
        return self.beliefs.belief(self.store, record.id, lambda: examine_layer(self.store, record.id, self.city))

    def drop(self, layer_id: str, actor: Actor) -> None:
        """Remove a layer with its data and history. Raises UnknownLayerError, PolicyError."""
        self.policy.authorise(actor, Action.DROP_LAYER, layer_id)
        self.store.layer(layer_id)
        self.store.drop_layer(layer_id)
        log.info("%s dropped layer %s", actor.name, layer_id)

    def load(
        self, upload: Upload, options: ImportOptions, actor: Actor, progress: ProgressReporter | None = None
    ) -> ImportReport:
        """Bring a file into a layer that exists.

        Raises:
            UnknownLayerError: if it does not.
            BadData: if the file cannot be taken; then nothing is written.
        """
        self.store.layer(options.layer_id)
        return self._import(upload, options, actor, progress)

    def import_osm(self, upload: Upload, prefix: str, actor: Actor) -> list[ImportReport]:
        """Base-map layers out of an OpenStreetMap extract, each in its own transaction. Raises as `import_osm`."""
        return import_osm(self.store, upload.path, prefix, name=upload.name, origin=self._origin(actor))

    def refresh(self, layer_id: str, actor: Actor) -> ImportReport:
        """Read the layer's source again, and leave exactly what it holds now.

        Raises:
            BadManifestError: if the layer's data come by upload or stood in the manifest: there is nothing to read again.
        """
        manifest = parse_manifest(_manifest_part(self.store.layer(layer_id).document))
        self.policy.authorise(actor, Action.WRITE_FEATURES, layer_id)
        with materialised(manifest, self.sources) if _is_live(manifest) else _nothing() as fetched:
            if fetched is None:
                remedy = f"Send a file: PUT /layers/{layer_id}/data."
                problem = "This layer has no source that can be read again."
                finding = Finding("/source/type", manifest.source.type, problem, remedy)
                raise BadManifestError(problem, value=manifest.source.type, remedy=remedy, findings=(finding,))
            return self._import(fetched, ImportOptions(layer_id, mode="replace"), actor)

    @contextmanager
    def write(self, layer_id: str, actor: Actor, reason: str) -> Iterator[LayerWriter]:
        """A transaction on the features of a layer, after the policy was asked.

        Raises:
            PolicyError: if the actor may not.
            UnknownLayerError: if there is no such layer.
        """
        self.policy.authorise(actor, Action.WRITE_FEATURES, layer_id)
        with self.store.write(layer_id, actor.author(reason)) as writer:
            yield writer

    def _import(
        self, upload: Upload, options: ImportOptions, actor: Actor, progress: ProgressReporter | None = None
    ) -> ImportReport:
        named = replace(options, name=options.name or upload.name)
        report = import_file(self.store, upload.path, named, progress=progress, origin=self._origin(actor))
        self._index_codes(options.layer_id)
        return report

    def _index_codes(self, layer_id: str) -> None:
        if self.city is not None:
            index_codes(self.store, self.city.codes, layer_id)

    def _origin(self, actor: Actor) -> Origin:
        return Origin(actor, self.policy, self.city)

    def _create_empty(self, manifest: Manifest, actor: Actor) -> LayerRecord:
        schema = manifest.to_schema()
        if schema is None:
            raise _undescribed(manifest)
        spec = LayerSpec(manifest.id, schema, complete_document(manifest, schema, manifest.crs))
        record = self.store.create_layer(spec, actor.author("registration"))
        self._index_codes(record.id)
        return record

    def _exists(self, layer_id: str) -> bool:
        try:
            self.store.version(layer_id)
        except UnknownLayerError:
            return False
        return True


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


def _is_live(manifest: Manifest) -> bool:
    return isinstance(manifest.source, OgcFeaturesSource) or manifest.source.type == "inbox"


def _manifest_part(document: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.alias or name for name, field in Manifest.model_fields.items()}
    return {key: value for key, value in document.items() if key in known}


def _duplicate(layer_id: str) -> DuplicateLayerError:
    return DuplicateLayerError(
        f"There is a layer '{layer_id}' already.",
        value=layer_id,
        limit="one layer for each id",
        remedy=f"Choose another id, send new data to PUT /layers/{layer_id}/data, or change it with PATCH /layers/{layer_id}.",
    )


def _refuse_second_source(manifest: Manifest) -> None:
    if isinstance(manifest.source, UploadSource):
        return
    problem = f"A file came along, but the manifest names another source: {manifest.source.type}."
    remedy = "Send either the file or the source, not both."
    finding = Finding("/source/type", manifest.source.type, problem, remedy)
    raise BadManifestError(problem, value=manifest.source.type, remedy=remedy, findings=(finding,))


def _undescribed(manifest: Manifest) -> BadManifestError:
    missing = [("/geometry_type", manifest.geometry_type), ("/schema", manifest.properties)]
    remedy = "Add it, or send a file along that shows it."
    findings = tuple(
        Finding(where, "", "Without data the manifest itself has to say this.", remedy)
        for where, value in missing
        if value is None
    )
    return BadManifestError(
        "The layer is not described and no data come along.", value=manifest.id, remedy=remedy, findings=findings
    )
