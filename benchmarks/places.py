"""Search over 100,000 names: One Map on both stores, beside a plain FTS5 trigram table and pg_trgm on the same names.

The names are the real points of interest of Shanghai and names made of real words (`tests/services/place_corpus.py`). What people
type is drawn from them with a fixed seed: Chinese, beginnings, pinyin, initials, English, addresses and typing errors. Before the
times stands what was found: the share of texts whose name is among the first ten, for every contender.

One Map is asked in this process (`PlaceIndex.search` with its check for changes) and over HTTP (`GET /places`, one connection kept open).

    python benchmarks/places.py --work DIR [--postgis postgresql://…] [--names 100000] [--each 100]
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import psycopg
from machine import print_machine
from measure import CHECKOUT, print_table
from services import Spawned, database, execute, free_port, seconds_until_answer

sys.path.append(str(CHECKOUT / "tests/services"))

from place_corpus import CITY, SCHEMA, Named, Typed, batches, generated, shanghai, typed_for
from twin.places import open_place_index
from twin.places.forms import decode_keys
from twin.places.pinyin import read_aloud
from twin.places.port import PlaceIndex, PlaceQuery
from twin.places.words import split_words
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

SHARED = CHECKOUT.parent / "shared/data"
WAYS = (
    *("zh", "prefix", "pinyin", "pinyin, blanks and tones", "initials", "English", "address"),
    *("typo, Chinese", "typo, pinyin"),
)
LIMIT = 10
TARGET_MS = 20
Search = Callable[[str], list[str]]
Mix = dict[str, list[Typed]]


def main() -> None:
    """Build, compare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the stores (1 GB)")
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=100, help="texts for each way of typing")
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    real = shanghai(SHARED) if (SHARED / "poi").is_dir() else []
    made = generated(max(arguments.names - len(real), arguments.names // 2))
    names = (real[: arguments.names - len(made)] if len(real) + len(made) > arguments.names else real) + made
    print(f"{len(names):,} names, {len(names) - len(made):,} of them real", flush=True)
    mix = {way: typed_for(names, [way], arguments.each) for way in WAYS}
    with ExitStack() as stack:
        server = stack.enter_context(database(arguments.postgis, work))
        targets = {"GeoPackage": str(work / "places.gpkg"), "PostGIS": server.url}
        Path(targets["GeoPackage"]).unlink(missing_ok=True)
        contenders: dict[str, Search] = {}
        built: list[list[object]] = []
        for name, target in targets.items():
            store, index, seconds = build(stack, target, names)
            size = index_megabytes(name, target)
            built.append([f"One Map, {name}", f"{seconds:.1f}", f"{size:.0f}", f"{len(names) / seconds:,.0f}"])
            contenders[f"One Map, {name}"] = in_process(index, store)
        contenders["FTS5 trigram table"], row = trigram_table(stack, work / "trigram.sqlite", names)
        built.append(row)
        contenders["pg_trgm"], row = trigram_index(stack, server.url, names)
        built.append(row)
        print_table(["built", "s", "MB", "names/s"], built)
        compare(contenders, mix)
        report("in the process", {name: times(search, mix) for name, search in contenders.items()})
        over_http = {}
        for name, target in targets.items():
            with serving(work, target) as search:
                over_http[f"One Map, {name}"] = times(search, mix)
        report("over HTTP", over_http)


def build(stack: ExitStack, target: str, names: Sequence[Named]) -> tuple[Store, PlaceIndex, float]:
    """The layer in a store, then its index: store, index, seconds that the index took."""
    store = stack.enter_context(closing(open_store(target)))
    spec = LayerSpec("poi", SCHEMA, {"department": "basemap"})
    with store.write("poi", Author("benchmark"), create=spec) as writer:
        for batch in batches(names):
            writer.upsert(batch)
    index = stack.enter_context(closing(open_place_index(store)))
    for remembered in (read_aloud, split_words, decode_keys):
        remembered.cache_clear()  # the second store shall not profit from the first
    started = time.perf_counter()
    status = index.refresh(3_600)
    seconds = time.perf_counter() - started
    if status.is_stale or index.status().names != len(names):
        sys.exit(f"the index did not come to its end: {index.status()}")
    return store, index, seconds


def in_process(index: PlaceIndex, store: Store) -> Search:
    """One Map as its routes use it, without HTTP."""

    def search(text: str) -> list[str]:
        index.refresh()
        return [place.name.zh for place in index.search(PlaceQuery(text, CITY, {"poi": None}, limit=LIMIT))]

    return search


def trigram_table(stack: ExitStack, path: Path, names: Sequence[Named]) -> tuple[Search, list[object]]:
    """What one would write first with SQLite: FTS5 with its trigram tokenizer; shorter texts by LIKE."""
    path.unlink(missing_ok=True)
    connection = stack.enter_context(closing(sqlite3.connect(path)))
    started = time.perf_counter()
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(name, name_en, address, tokenize = 'trigram')")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [(n.name, n.english, n.address) for n in names])
    connection.commit()
    seconds = time.perf_counter() - started

    def search(text: str) -> list[str]:
        if len(text) < 3:
            rows = connection.execute("SELECT name FROM t WHERE name LIKE ? LIMIT ?", (f"%{text}%", LIMIT))
        else:
            quoted = '"' + text.replace('"', '""') + '"'
            rows = connection.execute("SELECT name FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?", (quoted, LIMIT))
        return [name for (name,) in rows]

    size = path.stat().st_size / 1e6
    return search, ["FTS5 trigram table", f"{seconds:.1f}", f"{size:.0f}", f"{len(names) / seconds:,.0f}"]


def trigram_index(stack: ExitStack, url: str, names: Sequence[Named]) -> tuple[Search, list[object]]:
    """What one would write first with PostgreSQL: pg_trgm, the most similar names first."""
    execute(url, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    execute(url, "CREATE SCHEMA IF NOT EXISTS peer")
    execute(url, "DROP TABLE IF EXISTS peer.names")
    connection = stack.enter_context(closing(psycopg.connect(url, autocommit=True)))
    started = time.perf_counter()
    connection.execute("CREATE TABLE peer.names (name text, said text)")
    with connection.cursor() as cursor, cursor.copy("COPY peer.names FROM STDIN") as copy:
        for named in names:
            copy.write_row((named.name, f"{named.name} {named.english} {named.address}"))
    connection.execute("CREATE INDEX alike ON peer.names USING gin (said gin_trgm_ops)")
    connection.execute("ANALYZE peer.names")
    seconds = time.perf_counter() - started

    def search(text: str) -> list[str]:
        rows = connection.execute(
            "SELECT name FROM peer.names WHERE said %%> %s ORDER BY said <->> %s LIMIT %s", (text, text, LIMIT)
        )
        return [name for (name,) in rows]

    (size,) = execute(url, "SELECT pg_total_relation_size('peer.names')")[0]
    return search, ["pg_trgm", f"{seconds:.1f}", f"{float(str(size)) / 1e6:.0f}", f"{len(names) / seconds:,.0f}"]


def index_megabytes(name: str, target: str) -> float:
    """Size of the tables of the index, in MB of 10^6 bytes."""
    if name == "PostGIS":
        sizes = (
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE relname LIKE 'om_place%' AND relkind = 'r'"
        )
        return float(str(execute(target, sizes)[0][0])) / 1e6
    with closing(sqlite3.connect(target)) as connection:
        # Tables and their indexes; the full text lies in tables that begin with its name.
        (pages,) = connection.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'om_place%' OR name LIKE 'sqlite_autoindex_om_place%'"
        ).fetchone()
        return float(pages) / 1e6


@contextmanager
def serving(work: Path, target: str) -> Iterator[Search]:
    """A server over a store, asked over one connection."""
    profile = work / "shanghai.json"
    city = {"name": {"zh": "上海市", "en": "Shanghai"}, "code": "310000", "bounds": CITY.as_tuple()}
    profile.write_text(json.dumps({**city, "home": {"lon": 121.47, "lat": 31.23}}), encoding="utf-8")
    port = free_port()
    environ = {"ONEMAP_STORE": target, "ONEMAP_CITY": str(profile)}
    server = Spawned([sys.executable, "-m", "api.cli", "serve", "--port", str(port)], environ, work)
    try:
        seconds_until_answer(f"http://127.0.0.1:{port}/health")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def search(text: str) -> list[str]:
            connection.request("GET", "/places?" + urlencode({"q": text, "limit": LIMIT}))
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != http.HTTPStatus.OK or body["stale"]:
                sys.exit(f"{text}: {answer.status} {body}")
            return [feature["properties"]["name"]["zh"] for feature in body["features"]]

        yield search
        connection.close()
    finally:
        server.stop()


def compare(contenders: dict[str, Search], mix: Mix) -> None:
    """What each contender finds: the name that was meant among the first ten."""
    rows = []
    for way, texts in mix.items():
        found = [
            sum(typed.meant in search(typed.text) for typed in texts) / len(texts) for search in contenders.values()
        ]
        rows.append([way, *(f"{share:.0%}" for share in found)])
    print_table(["the name is among the first ten", *contenders], rows)


def times(search: Search, mix: Mix) -> dict[str, np.ndarray]:
    """Milliseconds of each text; every text once before, so that caches are as in a running server."""
    taken: dict[str, np.ndarray] = {}
    for way, texts in mix.items():
        for typed in texts[:10]:
            search(typed.text)
        each = []
        for typed in texts:
            started = time.perf_counter()
            search(typed.text)
            each.append((time.perf_counter() - started) * 1000)
        taken[way] = np.array(each)
    return taken


def report(where: str, taken: dict[str, dict[str, np.ndarray]]) -> None:
    """One table: p50 / p95 / p99 of each way and of all of them."""
    rows = [[way, *(_percentiles(ways[way]) for ways in taken.values())] for way in WAYS]
    everything = {name: np.concatenate(list(ways.values())) for name, ways in taken.items()}
    rows.append(["**all**", *(_percentiles(values) for values in everything.values())])
    print_table([f"{where}: p50 / p95 / p99 ms", *taken], rows)
    for name, values in everything.items():
        if name.startswith("One Map"):
            met = "met" if np.percentile(values, 95) < TARGET_MS else "NOT met"
            print(f"{name}, {where}: target p95 under {TARGET_MS} ms {met} ({np.percentile(values, 95):.1f} ms)")


def _percentiles(values: np.ndarray) -> str:
    return " / ".join(f"{np.percentile(values, share):.1f}" for share in (50, 95, 99))


if __name__ == "__main__":
    main()
