"""Versions of a feature as documents."""

from __future__ import annotations

from app_client import AppClient


def test_before_the_first_version_there_is_none(client: AppClient):
    (item,) = client.json("/collections/lamps/items?limit=1")["features"]
    page = client.json(f"/collections/lamps/items/{item['id']}/versions?before=1")
    assert page["versions"] == []
