"""A dry run: what a manifest and a file would become, told before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from layers.city import City
from layers.holding import remedy_of
from layers.import_report import ImportReport
from layers.importing import ImportOptions, Origin, import_file
from layers.manifest import BASEMAP, Manifest, parse_manifest
from layers.policy import Actor
from layers.registry import Registry
from layers.sources import Upload, materialised
from twin.errors import Finding, OneMapError, UnknownLayerError
from twin.guard.belief import Hypothesis, Verdict
from twin.store.port import LayerRecord
from twin.text import LocalText


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome of a dry run.

    Attributes:
        findings: What must be cured before this is accepted.
        advice: What would be accepted, but a reader of the map would miss.
        data: What the import would do; None when there is no file or the manifest itself is not good.
    """

    layer_id: str
    findings: tuple[Finding, ...]
    advice: tuple[Finding, ...]
    data: ImportReport | None

    @property
    def ok(self) -> bool:
        return not self.findings

    def to_document(self) -> dict[str, Any]:
        return {
            "layer_id": self.layer_id,
            "ok": self.ok,
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": [finding.to_dict() for finding in self.advice],
            "data": None if self.data is None else self.data.to_document(),
        }


@dataclass(frozen=True, slots=True)
class Checker:
    """Judges manifests and files against the registry as `actor` sees it; writes nothing."""

    registry: Registry
    city: City
    actor: Actor

    def check_new(self, document: Mapping[str, Any], upload: Upload | None = None) -> CheckReport:
        """What registering this would meet."""
        layer_id = str(document.get("id", ""))
        try:
            manifest = parse_manifest(document)
        except OneMapError as error:
            return CheckReport(layer_id, findings_of_error(error), (), None)
        findings = _taken(self._record(manifest.id))
        advice = advice_on_manifest(manifest)
        if findings:
            return CheckReport(manifest.id, findings, advice, None)
        try:
            if upload is not None:
                return self._check_file(upload, ImportOptions(manifest.id, manifest=manifest), advice)
            with materialised(manifest, self.registry.sources) as fetched:
                if fetched is not None:
                    return self._check_file(fetched, ImportOptions(manifest.id, manifest=manifest), advice)
        except OneMapError as error:
            return CheckReport(manifest.id, findings_of_error(error), advice, None)
        if manifest.to_schema() is None:
            remedy = "Add geometry_type and schema, or send a file along."
            finding = Finding("/schema", "", "No data come along and the manifest does not describe them.", remedy)
            return CheckReport(manifest.id, (finding,), advice, None)
        return CheckReport(manifest.id, (), advice, None)

    def check_data(self, upload: Upload, options: ImportOptions) -> CheckReport:
        """What loading this file into the layer would do.

        Raises:
            UnknownLayerError: if there is none, or the actor may not know of it.
        """
        self.registry.registered_layer(options.layer_id, self.actor)
        return self._check_file(upload, options, ())

    def _check_file(self, upload: Upload, options: ImportOptions, advice: tuple[Finding, ...]) -> CheckReport:
        try:
            origin = Origin(self.actor, self.registry.policy, self.city)
            report = import_file(
                self.registry.store, upload.path, replace(options, name=upload.name, dry_run=True), origin=origin
            )
        except OneMapError as error:
            return CheckReport(options.layer_id, findings_of_error(error), advice, None)
        return CheckReport(options.layer_id, (), (*advice, *advice_on_data(report, self.city)), report)

    def _record(self, layer_id: str) -> LayerRecord | None:
        try:
            return self.registry.store.layer(layer_id)
        except UnknownLayerError:
            return None


def findings_of_error(error: OneMapError) -> tuple[Finding, ...]:
    """The findings an error carries, or the error itself as one."""
    return error.findings or (Finding("file", error.value or "", error.message, error.remedy),)


def advice_on_manifest(manifest: Manifest) -> tuple[Finding, ...]:
    """What is allowed to be missing and should not be."""
    advice: list[Finding] = []
    for language in ("zh", "en"):
        if not getattr(manifest.title, language):
            remedy = f"Add the title in {'Chinese' if language == 'zh' else 'English'}."
            advice.append(Finding(f"/title/{language}", "", "The title lacks one language.", remedy))
    if not manifest.contact:
        advice.append(
            Finding("/contact", "", "Nobody can be asked about this layer.", "Add a telephone number or an address.")
        )
    if not (manifest.description.zh or manifest.description.en):
        advice.append(Finding("/description", "", "Nothing says what this layer shows.", "Add a sentence."))
    if manifest.department != BASEMAP and manifest.order < 100:
        remedy = "Use 100 or more; the base map stays below."
        advice.append(Finding("/order", str(manifest.order), "This layer would lie under the base map.", remedy))
    for index, entry in enumerate(manifest.properties or ()):
        if not (entry.title.zh or entry.title.en):
            where = f"/schema/{index}/title"
            advice.append(
                Finding(where, entry.name, "Readers will see the bare name.", "Add a title in both languages.")
            )
    return tuple(advice)


def advice_on_data(report: ImportReport, city: City) -> tuple[Finding, ...]:
    """What looks odd about good rows."""
    advice = [Finding("file", report.crs, note, "Declare it if that is wrong.") for note in report.notes]
    belief = report.belief or {}
    if belief.get("verdict") == Verdict.SUSPICIOUS:
        text = LocalText.parse(belief["text"])
        what = "A new or empty layer is held until a person decides, a delivery to any other published one is refused"
        advice.append(Finding("coordinates", text.zh, f"This {text.en}. {what}.", remedy_of(belief)))
    elif belief.get("verdict") == Verdict.UNKNOWN and belief.get("hypothesis") != Hypothesis.AS_STATED:
        text = LocalText.parse(belief["text"])
        advice.append(Finding("coordinates", text.zh, f"This {text.en}.", "Check the CRS, its zone and the signs."))
    if report.bounds is not None and not report.bounds.intersects(city.bounds):
        where = ", ".join(f"{edge:.4f}" for edge in report.bounds.as_tuple())
        remedy = "Check the CRS and that longitude comes first."
        problem = f"All of it lies outside {city.name.en} ({city.name.zh})."
        advice.append(Finding("file", where, problem, remedy))
    if report.ids_from == "row number":
        remedy = 'Name the column with the ids: "id_property" in the manifest.'
        problem = "The rows have no ids: the next delivery replaces them by their place in the file."
        advice.append(Finding("/id_property", "", problem, remedy))
    return tuple(advice)


def _taken(record: LayerRecord | None) -> tuple[Finding, ...]:
    if record is None:
        return ()
    remedy = f"Choose another id, or check the data alone with POST /layers/{record.id}/check."
    return (Finding("/id", record.id, "There is a layer of this id already.", remedy),)
