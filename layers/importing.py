"""The import service: one file into one layer, or an OpenStreetMap extract into the layers of a base map."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from layers.import_options import ImportOptions, Origin, Progress
from layers.import_report import ImportReport
from layers.import_source import import_source
from layers.manifest import ID_PATTERN, Manifest, parse_manifest
from twin.errors import BadCall, BadFeatureError
from twin.files import file_sha256
from twin.store.port import Store

__all__ = ["ImportOptions", "Origin", "Progress", "import_file", "import_osm"]

log = logging.getLogger(__name__)
BASEMAP_MANIFESTS = Path(__file__).parent / "basemap"
MAX_PREFIX = 30


def import_file(
    store: Store,
    path: Path,
    options: ImportOptions,
    *,
    progress: Callable[[Progress], None] | None = None,
    origin: Origin | None = None,
) -> ImportReport:
    """Read a file into a layer, in one transaction, and say what became of it.

    Raises:
        UnreadableFileError, UnsafeArchiveError, TooLargeError: from the reader; nothing is written.
        OneMapError: as `layers.import_source.import_source` says; nothing is written.
    """
    # Imported late, as `open_osm` below: readers of files bring pandas, pyarrow and GDAL, which no server needs to start.
    from twin.formats.reading import open_source

    with open_source(path, crs=options.crs, encoding=options.encoding, layer=options.source_layer) as source:
        checksum = None if options.dry_run else file_sha256(path)
        named = replace(options, name=options.name or path.name, sha256=checksum)
        return import_source(store, source, named, progress=progress, origin=origin)


def import_osm(
    store: Store,
    path: Path,
    prefix: str,
    *,
    name: str | None = None,
    progress: Callable[[str, Progress], None] | None = None,
    origin: Origin | None = None,
) -> list[ImportReport]:
    """Read an OpenStreetMap extract into layers `<prefix>-roads`, `<prefix>-water` and so on, each in its own transaction.

    Schemas and styles are those of the base map; running it again updates by OSM id.

    Args:
        prefix: Begins the id of each layer: small letters, digits, hyphens.
        name: File name to show where the path is a spooled upload.
        progress: Called with the layer's id and how far it is.

    Raises:
        BadCall: if the prefix cannot begin a layer id.
        UnreadableFileError: if the file is damaged or no OpenStreetMap extract.
    """
    from twin.basemap.osm import open_osm

    if not re.fullmatch(ID_PATTERN, prefix) or len(prefix) > MAX_PREFIX:
        raise BadCall(
            "This cannot begin the ids of layers.",
            value=prefix,
            limit=f"small letters, digits and single hyphens, at most {MAX_PREFIX}",
            remedy="Take a short word such as andorra.",
        )
    reports, checksum = [], file_sha256(path)
    with open_osm(path) as sources:
        for layer, source in sources.items():
            manifest = osm_manifest(layer, prefix)
            options = ImportOptions(
                manifest.id, manifest=manifest, name=name or path.name, check_codes=False, sha256=checksum
            )
            report_progress = None if progress is None else partial(progress, manifest.id)
            try:
                reports.append(import_source(store, source, options, progress=report_progress, origin=origin))
            except BadFeatureError as error:  # a kind of object that the extract holds in pieces only
                log.warning("%s was left out: %s", manifest.id, error)
    return reports


def osm_manifest(layer: str, prefix: str) -> Manifest:
    """The manifest of a base-map layer, told as OpenStreetMap's."""
    document = json.loads((BASEMAP_MANIFESTS / f"{layer}.json").read_text(encoding="utf-8"))
    title = {language: f"{text} ({prefix})" for language, text in document["title"].items()}
    return parse_manifest(
        {
            **{key: value for key, value in document.items() if key not in ("id_property", "crs")},
            "id": f"{prefix}-{layer}",
            "title": title,
            "description": {"zh": "来自 OpenStreetMap 的底图数据。", "en": "Base map data from OpenStreetMap."},
            "owner": "OpenStreetMap",
            "contact": "https://www.openstreetmap.org/copyright",
            "licence": "ODbL 1.0",
            "attribution": "© OpenStreetMap contributors",
            "synthetic": False,
            "source": {"type": "upload"},
        }
    )
