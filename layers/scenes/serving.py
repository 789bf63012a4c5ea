"""Which edition answers: that of the layer as it stands, made from the one before by what changed; or that of another time.

A scene is never older than an acknowledged write of its layer, as long as the difference is one that people make by hand;
after a delivery of thousands of features it says by how many versions it is behind, or is built anew where that is quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from layers.scenes.editions import MOST_TOUCHED, Maker, NothingToBuildError
from scenes3d.editions.edition import Edition
from scenes3d.editions.files import FilesEdition, is_of_files
from scenes3d.editions.folder import SceneFolder
from twin.errors import BadMomentError, OneMapError, Unavailable
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.store.port import Store

MOST_AT_ONCE = 20_000
"""So many buildings are built anew while somebody waits, about a second; for more a person has to ask."""

PATIENCE_S = 2.0
"""So long somebody waits for another one's edition; a build of a whole city takes longer."""


class SceneBusyError(Unavailable):
    """An edition has to be made, and somebody else is building the scene."""

    code = "scene-busy"


@dataclass(frozen=True, slots=True)
class ServedEdition:
    """An edition, and by how many versions its layer is ahead of it."""

    edition: Edition
    behind: int = 0


def newest(maker: Maker, folder: SceneFolder) -> ServedEdition:
    """The edition of the present, made now where it is not there and can be made while somebody waits.

    While a whole build is under way the edition before is served.
    """
    version = maker.layer.version
    held = _held(maker, folder, version)
    if held is not None:
        return ServedEdition(held)
    with folder.writing_soon(PATIENCE_S) as mine:
        made = _made(maker, folder, version) if mine else _held(maker, folder, version)
    if made is not None:
        return ServedEdition(made)
    last = folder.edition(max(known for known in folder.versions() if known <= version))
    return ServedEdition(last, version - last.version)


def delivered_at(folder: SceneFolder, version: int) -> ServedEdition:
    """The last edition of a delivered scene up to a version of its layer.

    Raises:
        BadMomentError: if the scene was delivered later.
    """
    versions = [known for known in folder.versions() if known <= version]
    if not versions:
        raise BadMomentError(
            "当时还没有此三维场景。The scene was delivered later.",
            value=version,
            limit=f"versions from {min(folder.versions(), default=0)} on",
            remedy="Ask for a later time.",
        )
    edition = folder.edition(versions[-1])
    return ServedEdition(FilesEdition.of(edition, folder.path) if is_of_files(edition) else edition)


def edition_at(maker: Maker, folder: SceneFolder, version: int) -> ServedEdition:
    """The edition of a version.

    Raises:
        BadMomentError: if it is too far from all editions to be made while somebody waits.
        SceneBusyError: if a build is under way.
    """
    edition = _held(maker, folder, version)
    if edition is None:
        with _writing(maker, folder):
            edition = _made(maker, folder, version)
    if edition is None:
        raise BadMomentError(
            "该时刻的三维场景尚未构建。The scene of that time has not been built.",
            value=f"version {version}",
            limit="versions near one that was built: " + ", ".join(map(str, folder.versions()[-10:])),
            remedy=f"Build it: onemap scenes build {maker.layer.id} --as-of {version}.",
        )
    return ServedEdition(edition)


def held_then(maker: Maker, folder: SceneFolder, newest_states: ServedEdition, valid: Interval) -> ServedEdition:
    """Of each building the state that holds at another time, as known at the version of `newest_states`.

    It is made from that edition by the features whose newest state does not hold then, else by building all of a small layer.

    Raises:
        BadMomentError: if neither is quick.
        SceneBusyError: if a build is under way.
    """
    version = newest_states.edition.version
    held = folder.edition_valid(version, valid)
    if held is not None and held.made == maker.made:
        return ServedEdition(held, newest_states.behind)
    with _writing(maker, folder):
        patch = maker.held_then(folder, newest_states.edition, valid)
        if patch is not None:
            edition = patch.edition
        elif maker.store.count_at(maker.layer.id, version) <= MOST_AT_ONCE:
            edition = _whole_then(maker, folder, version, valid)
        else:
            raise BadMomentError(
                "该时刻的三维场景尚未构建。The scene of what held then has not been built.",
                value=f"version {version}, {valid}",
                limit=f"at most {MOST_TOUCHED:,} features whose newest state does not hold then",
                remedy=f"Build it: onemap scenes build {maker.layer.id} --as-of {version} --datetime {valid}.",
            )
        folder.save(edition)
    return ServedEdition(edition, newest_states.behind)


def delivered_then(store: Store, layer_id: str, version: int, served: ServedEdition, valid: Interval) -> ServedEdition:
    """A delivered scene as it held at another time: whole while any of its outlines holds, as known at a version, and empty else."""
    if store.count(layer_id, FeatureQuery(as_of=version, interval=valid)):
        return served
    return ServedEdition(
        Edition(served.edition.version, (), {}, served.edition.extras | {"datetime": str(valid)}, {}, valid)
    )


def _whole_then(maker: Maker, folder: SceneFolder, version: int, valid: Interval) -> Edition:
    try:
        return maker.whole(folder, version, valid=valid)
    except NothingToBuildError:
        return maker.plan(version, {}, valid)  # nothing stood then


@contextmanager
def _writing(maker: Maker, folder: SceneFolder) -> Iterator[None]:
    """The right to make an edition of another time. A build of a city holds it for minutes, which nobody waits for."""
    with folder.writing_soon(PATIENCE_S) as mine:
        if not mine:
            raise SceneBusyError(
                f"场景“{maker.layer.id}”正在构建。The scene '{maker.layer.id}' is being built.",
                value=maker.layer.id,
                limit=f"{PATIENCE_S:g} s",
                remedy="Ask again when the build is done, or for the present.",
            )
        yield


def nearest(versions: Iterable[int], version: int) -> list[int]:
    """The editions that one of a version is patched from, the first choice first."""
    return sorted(versions, key=lambda known: abs(known - version))[:2]


def _held(maker: Maker, folder: SceneFolder, version: int) -> Edition | None:
    return folder.edition(version) if version in folder.versions() else None


def _made(maker: Maker, folder: SceneFolder, version: int) -> Edition | None:
    """The edition of a version by a patch of the nearest one, else by building all of a small layer; None where neither is quick.

    Who asks holds `folder.writing`.
    """
    held = _held(maker, folder, version)  # another reader may have made it meanwhile
    if held is not None:
        return held
    for near in nearest(folder.versions(), version):
        patch = maker.patch(folder, folder.edition(near), version)
        if patch is not None:
            folder.save(patch.edition)
            return patch.edition
    if maker.store.count_at(maker.layer.id, version) > MOST_AT_ONCE:
        return None
    try:
        edition = maker.whole(folder, version)
    except OneMapError:
        return None
    folder.save(edition)
    return edition
