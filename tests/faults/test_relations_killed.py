"""`kill -9` in the middle of writing links and features they end with: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

from pathlib import Path

import pytest

from processes import Spawned
from twin.crs import parse_crs
from twin.query import FeatureQuery
from twin.relations.opening import open_relations
from twin.relations.port import LinkQuery
from twin.relations.report import check_integrity
from twin.store import open_store

# Makes a post and two links to it, then removes the post before it with the links that end along; says so when it is done.
WRITER = """
import sys
from twin.feature import Feature
from twin.relations.link import NewLink, Ref
from twin.relations.opening import open_relations
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec

store = open_store(sys.argv[1])
relations = open_relations(store)
author = Author("writer")
with store.write("posts", author, create=LayerSpec("posts", Schema(GeometryType.POINT))) as writer:
    writer.insert(Feature("hub", None, {}))
    writer.insert(Feature("far", None, {}))
n = 0
while True:
    n += 1
    with store.write("posts", author) as writer:
        writer.insert(Feature(f"p{n}", None, {}))
    post = Ref("posts", f"p{n}")
    relations.record([NewLink("monitors", post, Ref("posts", end)) for end in ("hub", "far")], author)
    if n > 1:
        with store.write("posts", author) as writer:
            writer.delete(f"p{n - 1}")
    print(n, flush=True)
"""


def last_acknowledged(writer: Spawned, enough: int) -> int:
    while int(writer.read_line()) < enough:
        pass
    writer.kill()
    rest = writer.process.stdout.read() if writer.process.stdout else ""
    return max([enough, *(int(line) for line in rest.split())])


@pytest.mark.parametrize("kind", ["geopackage", "postgis"])
@pytest.mark.parametrize("enough", [1, 25])
def test_a_killed_writer_leaves_no_half_link(spawn, request, tmp_path: Path, kind: str, enough: int) -> None:
    target = str(tmp_path / "twin.gpkg") if kind == "geopackage" else request.getfixturevalue("postgis_url")
    done = last_acknowledged(spawn(WRITER, target), enough)
    store = open_store(target)
    try:
        relations = open_relations(store)
        links = relations.links(LinkQuery())
        posts = set(store.select("posts", FeatureQuery()).ids) - {"hub", "far"}
        by_post = {post: sum(link.source.id == post for link in links) for post in {link.source.id for link in links}}
        assert set(by_post.values()) <= {2}, "both links of a write, or none"
        assert by_post.keys() <= posts, "no link outlives its end"
        assert f"p{done}" in posts
        assert f"p{done}" in by_post
        assert posts <= {f"p{done}", f"p{done + 1}"}, "what was deleted stays deleted"
        assert check_integrity(store, relations, parse_crs("EPSG:4549")).counts == {}
        changes = relations.changes(limit=10_000)
        assert [change.version for change in changes] == list(range(len(changes), 0, -1))
        assert changes[0].version == relations.version()
    finally:
        store.close()
