"""Bytes of scenes as they go out, with their validators; what was made once is kept in memory."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from api.codings import accepts_gzip
from api.etags import is_fresh
from api.layer_parts import ACTOR_HEADER
from layers.scenes.desk import Scene, SceneDesk
from layers.scenes.pruning import is_due, prune_when_due
from layers.scenes.serving import ServedEdition
from scenes3d.editions.edition import FILES
from scenes3d.editions.files import read_file
from scenes3d.editions.keeping import Keep
from scenes3d.tileset.region import Region
from scenes3d.tileset.tile import Tile, Tileset
from tiles.cache import SingleFlightCache
from tiles.compression import compressed, decompressed
from twin.errors import BadMomentError, NotFound
from twin.moment import Moment

log = logging.getLogger(__name__)
GLB = "model/gltf-binary"
JSON = "application/json"
BEHIND_HEADER = "Onemap-Scene-Behind"
VERSION_HEADER = "Onemap-Scene-Version"
_FOR_GOOD = "private, max-age=31536000, immutable"


class UnknownTileError(NotFound):
    """The scene has no tile of that name."""

    code = "unknown-scene-tile"


@dataclass(frozen=True, slots=True)
class SceneFile:
    """A file of a scene.

    Attributes:
        gzipped: Its bytes, compressed.
        etag: Checksum of them as they are.
    """

    gzipped: bytes
    etag: str

    @property
    def size(self) -> int:
        return len(self.gzipped)

    @classmethod
    def of(cls, body: bytes) -> SceneFile:
        return cls(compressed(body), f'"{blake2b(body, digest_size=16).hexdigest()}"')


@dataclass(frozen=True)
class SceneFiles:
    """The files of the scenes of a desk.

    Attributes:
        keep: Which editions stay when a scene is pruned; None for all.
    """

    desk: SceneDesk
    cache: SingleFlightCache[SceneFile]
    keep: Keep | None = field(default_factory=Keep)

    def tileset(self, scene: Scene, moment: Moment) -> tuple[SceneFile, ServedEdition]:
        """tileset.json of a scene, and the edition it describes. Raises as `SceneDesk.served`."""
        served = self.desk.served(scene, moment.as_of, moment.interval)
        edition = served.edition
        # A scene built again with other rules has the same version and other tiles.
        key = (
            scene.id,
            scene.record["layer_birth"],
            edition.version,
            str(edition.valid),
            *(entry.content for entry in edition.entries),
            str(edition.made.get(FILES)),
        )
        return self.cache.get_or_make(key, lambda: SceneFile.of(edition.tileset().to_json())), served

    def pruning(self, scene: Scene) -> BackgroundTask | None:
        """What is to be done for the scene's folder once an answer has gone out; None where it is not due."""
        now = datetime.now(UTC)
        return BackgroundTask(prune_when_due, self.desk, scene, self.keep, now) if is_due(scene, now) else None

    def tile(self, scene: Scene, content: str) -> SceneFile:
        """A tile of a scene, of whatever edition.

        Raises:
            UnknownTileError: if it has none of that name.
        """

        def read() -> SceneFile:
            data = scene.folder.read_tile(content)
            if data is None:
                raise UnknownTileError(
                    f"场景“{scene.id}”没有此瓦片。The scene '{scene.id}' has no such tile.",
                    value=content,
                    remedy=f"Read GET /scenes/{scene.id}/tileset.json again: a tile that changed has another name.",
                )
            return SceneFile(compressed(data), f'"{content}"')

        return self.cache.get_or_make((scene.id, content), read)

    def file(self, scene: Scene, address: str) -> SceneFile:
        """A file of a scene that was delivered with names of its own.

        Raises:
            UnknownTileError: if it has none of that name.
        """

        def read() -> SceneFile:
            data = read_file(scene.folder.path, address)
            if data is None:
                raise UnknownTileError(
                    f"场景“{scene.id}”没有此文件。The scene '{scene.id}' has no such file.",
                    value=address,
                    remedy=f"Read GET /scenes/{scene.id}/tileset.json again: another delivery has other names.",
                )
            return SceneFile.of(data)

        return self.cache.get_or_make((scene.id, address), read)

    def whole_model(self, scenes: list[Scene], moment: Moment, query: str) -> SceneFile:
        """The reality model: one tileset of all these scenes, each an external tileset of its own.

        Args:
            moment: Scenes that had not begun then are left out.
            query: The moment as it was asked for, for the addresses of the scenes.
        """
        trees = [(scene.id, self._tree(scene, moment)) for scene in scenes]
        standing = [(name, tree) for name, tree in trees if tree is not None and tree.root.uri]
        more = f"?{query}" if query else ""
        children = tuple(
            Tile(tree.root.region, tree.geometric_error, f"{name}/tileset.json{more}") for name, tree in standing
        )
        error = max((tree.geometric_error for _, tree in standing), default=0.0)
        region = Region.union([child.region for child in children]) if children else Region(0, 0, 0, 0, 0, 0)
        return SceneFile.of(Tileset(Tile(region, error, children=children), error).to_json())

    def _tree(self, scene: Scene, moment: Moment) -> Tileset | None:
        try:
            return self.desk.served(scene, moment.as_of, moment.interval).edition.tileset()
        except BadMomentError as error:
            log.info("scene %s is not part of the model: %s", scene.id, error)
            return None


def file_response(
    request: Request, file: SceneFile, media_type: str, *, for_good: bool = False, more: dict[str, str] | None = None
) -> Response:
    """The answer: 304 where the client has it, gzipped where the client takes that. Kept by nobody but the client."""
    headers = {
        "ETag": file.etag,
        "Cache-Control": _FOR_GOOD if for_good else "private, no-cache",
        "Vary": f"Accept-Encoding, {ACTOR_HEADER}",
        **(more or {}),
    }
    if is_fresh(request, file.etag):
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.gzipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=media_type)
    return Response(decompressed(file.gzipped), headers=headers, media_type=media_type)
