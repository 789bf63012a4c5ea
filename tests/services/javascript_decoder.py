"""Mapbox's JavaScript decoder of vector tiles in a process of its own, and its reading beside that of mapbox-vector-tile."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import shapely

from loud_skips import skip_loudly
from memory_layers import Drawn, decode
from processes import Spawned

PACKAGES = Path(sys.prefix) / "javascript"
PROGRAM = Path(__file__).with_name("javascript") / "decode.mjs"
REMEDY = "./onemap test installs it with npm (sudo apt-get install nodejs npm)"


class JavaScriptDecoder:
    """`@mapbox/vector-tile` and `pbf` in node."""

    def __init__(self, program: Spawned) -> None:
        self._program = program

    def decode(self, data: bytes) -> dict[str, list[Drawn]]:
        """Features of each layer of a tile; geometry in tile units, y down."""
        return {
            name: [Drawn(f["id"], f["properties"], shapely.geometry.shape(f["geometry"])) for f in layer["features"]]
            for name, layer in self.layers(data).items()
        }

    def layers(self, data: bytes) -> dict[str, Any]:
        """Each layer of a tile: extent, version, features as id, properties and GeoJSON geometry in tile units."""
        stdin = self._program.process.stdin
        assert stdin is not None
        stdin.write(base64.b64encode(data).decode("ascii") + "\n")
        stdin.flush()
        layers: dict[str, Any] = json.loads(self._program.read_line())
        return layers


@contextmanager
def running_decoder() -> Iterator[JavaScriptDecoder]:
    """The decoder for the length of the block; skips loudly where node or its packages are not installed."""
    node = shutil.which("node")
    if node is None or not (PACKAGES / "node_modules/@mapbox/vector-tile").is_dir():
        skip_loudly("tiles in the JavaScript decoder", REMEDY)
    program = Spawned([node, str(PROGRAM), str(PACKAGES)])
    try:
        yield JavaScriptDecoder(program)
    finally:
        program.stop()


def read_by_both(data: bytes, javascript: JavaScriptDecoder) -> dict[str, list[Drawn]]:
    """What both decoders read from a tile: the same layers, features in order, ids, attributes and geometries, vertex for vertex."""
    python, other = decode(data), javascript.decode(data)
    assert python.keys() == other.keys()
    for name, features in python.items():
        assert [f.id for f in features] == [f.id for f in other[name]]
        for one, twin in zip(features, other[name], strict=True):
            assert one.properties == twin.properties, (one.id, one.properties, twin.properties)
            assert one.geometry == twin.geometry, (one.id, one.geometry.wkt, twin.geometry.wkt)
    return python
