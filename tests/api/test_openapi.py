"""OpenAPI 3.1 in the words of 3.0, and a document that tells the truth about errors."""

from __future__ import annotations

import pytest

from api.app import create_app
from api.openapi import METHODS, to_30
from api.settings import Settings
from app_client import AppClient


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "N"},
            {"type": "integer", "nullable": True, "title": "N"},
        ),
        ({"anyOf": [{"$ref": "#/a"}, {"type": "null"}]}, {"allOf": [{"$ref": "#/a"}], "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"const": 3}, {"enum": [3]}),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        (
            {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]},
            {"type": "array", "items": {"type": "number"}},
        ),
        (
            {"type": "string", "contentMediaType": "application/octet-stream"},
            {"type": "string", "format": "binary"},
        ),
        ({"properties": {"const": {"const": 1}}}, {"properties": {"const": {"enum": [1]}}}),
    ],
)
def test_each_newer_word_has_an_older_one(newer, older):
    assert to_30(newer) == older


def test_every_operation_declares_its_errors_as_problems(client):
    document = client.json("/api")
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            answers = item[method]["responses"]
            assert "500" in answers, path
            for status, answer in answers.items():
                if status.startswith(("4", "5")):
                    assert list(answer["content"]) == ["application/problem+json"], (path, method, status)


def test_operations_have_names_of_their_own(client):
    paths = client.json("/api")["paths"]
    names = [item[method]["operationId"] for item in paths.values() for method in METHODS if method in item]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


def test_the_human_page_shows_every_operation(client):
    text = client.get("/docs").text
    for path in client.json("/api")["paths"]:
        assert path in text


def test_the_document_tells_the_operators_page_size(store):
    paths = AppClient(create_app(Settings(limit_max=500, limit_default=20), store)).json("/api")["paths"]
    limit = next(p for p in paths["/collections/{collectionId}/items"]["get"]["parameters"] if p["name"] == "limit")
    assert (limit["schema"]["maximum"], limit["schema"]["default"]) == (500, 20)
