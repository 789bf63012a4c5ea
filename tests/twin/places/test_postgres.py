"""What only PostgreSQL has: pg_trgm where it can be had, and the same search without it."""

from __future__ import annotations

from contextlib import closing

import sqlalchemy as sa

from places_town import CITY, Town, point
from twin.places.expressions import All, Some, Term
from twin.places.fts5 import as_match
from twin.places.port import PlaceQuery
from twin.places.postgres import PostgresPlaceIndex, as_tsquery
from twin.store.postgis import PostGISStore


def test_the_search_needs_no_pg_trgm(postgis_url: str) -> None:
    with closing(PostGISStore(postgis_url)) as store:
        index = PostgresPlaceIndex(store, trigrams=False)
        town = Town(store, index)
        town.layer("poi", point("1", "三里河公园"))

        assert not index.has_trigrams
        assert town.names("sanlihegongyuan") == town.names("sanliehgongyuan") == ["三里河公园"]
        index.close()


def test_pg_trgm_adds_what_looks_alike(postgis_url: str) -> None:
    with closing(PostGISStore(postgis_url)) as store:
        index = PostgresPlaceIndex(store)
        town = Town(store, index)
        town.layer("poi", point("1", "三里河公园"), point("2", "少海"))
        with store.reading() as connection:
            names = connection.execute(sa.text("SELECT extname FROM pg_extension")).scalars().all()

        assert index.has_trigrams == ("pg_trgm" in names)
        assert town.names("sanlihegongyuan") == ["三里河公园"]
        assert index.search(PlaceQuery("xyzxyzxyz", CITY, {"poi": None})) == []
        index.close()


def test_both_databases_are_asked_in_quotes() -> None:
    expression = All((Term("s'\"\\", prefix=True), Some((Term("u胶"), Term("u&")))))

    assert as_tsquery(expression) == "('s''\"\\\\':* & ('u胶' | 'u&'))"
    assert as_match(expression) == '("s\'""\\" * AND ("u胶" OR "u&"))'
