"""Where a layer's data come from when they do not come with the request: the manifest itself, the inbox, another server.

A source is a typed description, never code. Each kind ends as a file on disk that the importer reads like any upload.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import orjson

from layers.fetch_limits import FetchLimits
from layers.manifest import InboxSource, InlineSource, Manifest, OgcFeaturesSource
from twin.errors import BadManifestError, Finding

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What the operator allows.

    Attributes:
        inbox: Folder from which `inbox` sources may read; None switches them off.
        hosts: Servers from which `ogc-features` sources may read, as "host" or "host:port"; empty switches them off.
        limits: Bounds on what is fetched.
    """

    inbox: Path | None = None
    hosts: frozenset[str] = frozenset()
    limits: FetchLimits = field(default_factory=FetchLimits)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file at hand: where it lies, and what its sender called it."""

    path: Path
    name: str


@contextmanager
def materialised(manifest: Manifest, settings: SourceSettings) -> Iterator[Upload | None]:
    """The source's data as a file for as long as the block lasts; None for `upload`, whose file comes with a request.

    Raises:
        BadManifestError: if the source names a file outside the inbox or a host that is not allowed.
        SourceUnreachableError: if the other server does not answer as it should.
        TooLargeError: if it sends more than the limits allow.
    """
    source = manifest.source
    if isinstance(source, InboxSource):
        path = find_in_inbox(settings.inbox, source.path)
        yield Upload(path, source.path)
        return
    with tempfile.TemporaryDirectory(prefix="onemap-source-") as folder:
        if isinstance(source, InlineSource):
            path = Path(folder) / "inline.geojson"
            path.write_bytes(orjson.dumps(_collection(source)))
            yield Upload(path, "inline")
        elif isinstance(source, OgcFeaturesSource):
            path = Path(folder) / "fetched.geojsonl"
            from layers.ogc_features import fetch_features  # with the first fetch: the client of HTTP comes along

            fetch_features(source.url, path, settings.hosts, settings.limits)
            yield Upload(path, source.url)
        else:
            yield None


def _collection(source: InlineSource) -> dict[str, object]:
    features = source.features
    if features.get("type") != "FeatureCollection" or not isinstance(features.get("features"), list):
        raise _refused(
            "/source/features",
            str(features.get("type")),
            "Inline features are a GeoJSON FeatureCollection.",
            'Write {"type": "FeatureCollection", "features": […]}.',
        )
    return features


def find_in_inbox(inbox: Path | None, relative: str) -> Path:
    """The file of that relative path below the inbox folder; links that lead out of it are not followed.

    Raises:
        BadManifestError: if the server has no inbox, the path leads outside it, or there is no such file.
    """
    where = "/source/path"
    if inbox is None:
        raise _refused(where, relative, "This server has no inbox folder.", "Ask the operator to set ONEMAP_INBOX.")
    pure = PurePosixPath(relative)
    if pure.is_absolute() or ".." in pure.parts or "\\" in relative or "\x00" in relative:
        remedy = "Give the path relative to the inbox, without '..', such as lamps/2026.geojson."
        raise _refused(where, relative, "The path leads outside the inbox.", remedy)
    root = inbox.resolve()
    path = (root / pure).resolve()
    if not path.is_relative_to(root):
        raise _refused(where, relative, "The path leads outside the inbox.", "Copy the file itself into the inbox.")
    if not path.is_file():
        raise _refused(where, relative, "The inbox has no such file.", "Put the file into the inbox and try again.")
    return path


def _refused(where: str, value: str, problem: str, remedy: str) -> BadManifestError:
    return BadManifestError(problem, value=value, remedy=remedy, findings=(Finding(where, value, problem, remedy),))
