"""Everything that can go wrong below the web, as one tree.

::

    OneMapError
    ├── BadCall            the caller asked for something that cannot be
    │   ├── BadBoundsError, BadIntervalError, BadMomentError, BadFilterError, BadSortError, BadLimitError
    │   ├── UnknownCRSError, OffsetDatumError, UnknownPropertyError, UnknownGridError, TileOutsideGridError
    │   ├── BadCodeError, UnknownCodeSystemError, OutsideCodeSystemError, TooManyCodesError
    │   ├── BadPlaceQueryError, BadLookError, BadAnalysisError
    ├── BadData            the data that was handed in cannot be taken
    │   ├── BadManifestError, BadFeatureError, BadGeometryError, GeometryTypeError, MissingCRSError
    │   ├── BallparkTransformError, VerticalDatumError, SuspiciousDatumError
    │   ├── UnreadableFileError, UnsafeArchiveError, TooLargeError
    │   ├── BadRelationTypeError, BadLinkError
    │   ├── BadRulesError, BadReleaseError
    ├── NotFound           UnknownLayerError (HeldLayerError), UnknownFeatureError, UnknownRelationError, UnknownCodeError
    │   ├── UnknownReleaseError, UnknownVersionError, UnknownRasterError, UnknownSceneError
    ├── Conflict           DuplicateLayerError, DuplicateFeatureError, VersionConflictError
    │   ├── OverlappingValidityError
    │   ├── DuplicateRelationTypeError, LinkConflictError, LinkedFeatureError, EditionConflictError
    │   ├── DuplicateReleaseError, DuplicateRasterError, DuplicateSceneError, ReleaseBlockedError, PinnedLayerError
    ├── Forbidden          PolicyError
    └── Unavailable        StoreBusyError, StoreBrokenError, SourceUnreachableError

A message carries the value, the limit and the remedy. `code` is stable: clients may match on it; the words may change.
Nobody here speaks HTTP: `api/errors.py` maps these families to status codes in one table.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with what was handed in.

    Attributes:
        where: Place in the input: a JSON pointer, a row number, a parameter's name.
        value: What was found there, as text, cut to a readable length.
        problem: What is wrong, in one sentence.
        remedy: What to do about it, in one sentence.
    """

    where: str
    value: str
    problem: str
    remedy: str

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


class OneMapError(Exception):
    """Base of all expected failures.

    Args:
        message: One sentence: what was found and what the limit is.
        value: The offending value, shown to the caller as text.
        limit: The rule or bound it broke.
        remedy: What the caller can do.
        findings: All findings at once, where there may be several.
    """

    code = "onemap-error"

    def __init__(
        self,
        message: str,
        *,
        value: object = None,
        limit: str = "",
        remedy: str = "",
        findings: tuple[Finding, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.value = None if value is None else shorten(value)
        self.limit = limit
        self.remedy = remedy
        self.findings = findings

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.remedy) if part)


def shorten(value: object, length: int = 200) -> str:
    """`value` as text of at most `length` characters, for messages."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else text[: length - 1] + "…"


class BadCall(OneMapError):
    code = "bad-call"


class BadBoundsError(BadCall):
    code = "bad-bbox"


class BadIntervalError(BadCall):
    code = "bad-datetime"


class BadMomentError(BadCall):
    """A time at which a layer cannot have stood."""

    code = "bad-moment"


class BadFilterError(BadCall):
    code = "bad-filter"


class BadSortError(BadCall):
    code = "bad-sortby"


class BadLimitError(BadCall):
    code = "bad-limit"


class UnknownCRSError(BadCall):
    code = "unknown-crs"


class OffsetDatumError(BadCall):
    code = "offset-datum"


class UnknownPropertyError(BadCall):
    code = "unknown-property"


class UnknownGridError(BadCall):
    code = "unknown-grid"


class TileOutsideGridError(BadCall):
    code = "tile-outside-grid"


class BadCodeError(BadCall):
    code = "bad-code"


class UnknownCodeSystemError(BadCall):
    code = "unknown-code-system"


class OutsideCodeSystemError(BadCall):
    code = "outside-code-system"


class TooManyCodesError(BadCall):
    code = "too-many-codes"


class BadPlaceQueryError(BadCall):
    code = "bad-place-query"


class BadAnalysisError(BadCall):
    """A question to an analysis that has no answer as it is put."""

    code = "bad-analysis"


class BadLookError(BadCall):
    """A raster asked to be drawn in a way that is none."""

    code = "bad-look"


class BadData(OneMapError):
    code = "bad-data"


class BadManifestError(BadData):
    code = "bad-manifest"


class BadRulesError(BadData):
    code = "bad-topology-rules"


class BadFeatureError(BadData):
    code = "bad-feature"


class BadGeometryError(BadData):
    code = "bad-geometry"


class GeometryTypeError(BadGeometryError):
    code = "wrong-geometry-type"


class MissingCRSError(BadData):
    code = "missing-crs"


class BallparkTransformError(BadData):
    code = "ballpark-transform"


class VerticalDatumError(BadData):
    code = "vertical-datum"


class SuspiciousDatumError(BadData):
    code = "suspicious-datum"


class UnreadableFileError(BadData):
    code = "unreadable-file"


class UnsafeArchiveError(BadData):
    code = "unsafe-archive"


class TooLargeError(BadData):
    code = "too-large"


class BadRelationTypeError(BadData):
    code = "bad-relation-type"


class BadLinkError(BadData):
    code = "bad-link"


class BadReleaseError(BadData):
    code = "bad-release"


class NotFound(OneMapError):
    code = "not-found"


class UnknownLayerError(NotFound):
    code = "unknown-layer"


class HeldLayerError(UnknownLayerError):
    code = "held-layer"


class UnknownFeatureError(NotFound):
    code = "unknown-feature"


class UnknownVersionError(NotFound):
    """A version of a layer that no write has made."""

    code = "unknown-version"


class UnknownRelationError(NotFound):
    code = "unknown-relation"


class UnknownCodeError(NotFound):
    code = "unknown-code"


class UnknownTerrainError(NotFound):
    """No elevation raster of that id is served."""

    code = "unknown-terrain"


class UnknownSceneError(NotFound):
    """No scene of that id has been built, or the one who asks may not know of it."""

    code = "unknown-scene"


class UnknownReleaseError(NotFound):
    code = "unknown-release"


class UnknownRasterError(NotFound):
    code = "unknown-raster"


class Conflict(OneMapError):
    code = "conflict"


class DuplicateLayerError(Conflict):
    code = "duplicate-layer"


class DuplicateFeatureError(Conflict):
    code = "duplicate-feature"


class VersionConflictError(Conflict):
    code = "version-conflict"


class OverlappingValidityError(Conflict):
    """A state of a feature whose validity overlaps that of another state; the message names both intervals."""

    code = "overlapping-validity"


class DuplicateRelationTypeError(Conflict):
    code = "duplicate-relation-type"


class LinkConflictError(Conflict):
    code = "link-conflict"


class LinkedFeatureError(Conflict):
    code = "linked-feature"


class EditionConflictError(Conflict):
    code = "edition-conflict"


class DuplicateReleaseError(Conflict):
    code = "duplicate-release"


class DuplicateRasterError(Conflict):
    code = "duplicate-raster"


class DuplicateSceneError(Conflict):
    """A folder that is there already and holds something else than the scene that would replace it."""

    code = "duplicate-scene"


class ReleaseBlockedError(Conflict):
    code = "release-blocked"


class PinnedLayerError(Conflict):
    code = "pinned-layer"


class AlreadyRunningError(Conflict):
    """Work that is done one at a time, asked for while it runs."""

    code = "already-running"


class Forbidden(OneMapError):
    code = "forbidden"


class PolicyError(Forbidden):
    code = "refused-by-policy"


class Unavailable(OneMapError):
    code = "unavailable"


class StoreBusyError(Unavailable):
    code = "store-busy"


class StoreBrokenError(Unavailable):
    code = "store-broken"


class SourceUnreachableError(Unavailable):
    code = "source-unreachable"
