"""The pages that people read are true: settings are in the README, the files that ARCHITECTURE.md names exist."""

from __future__ import annotations

import re

import pytest

from api.settings import describe_settings
from source_tree import PACKAGES, defined_names

# `api/app.py` or `api/app.py::create_app`
TRACED = re.compile(r"`([\w./-]+\.(?:py|js|html|css|json|toml|md))(?:::([\w.]+))?`")


def traced(text: str) -> list[tuple[str, str]]:
    """(path, name) of every backticked file in a page; name is empty where only the file is meant."""
    return [(path, name) for path, name in TRACED.findall(text) if "/" in path]


def test_the_pattern_reads_files_and_names():
    assert traced("| 1 | `api/app.py::create_app` | `layers/x.json` | `README.md` |") == [
        ("api/app.py", "create_app"),
        ("layers/x.json", ""),
    ]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_every_setting_is_in_the_readme(checkout, page):
    text = (checkout / page).read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip().strip("`") for row in text.splitlines() if row.startswith("|")}
    assert {variable for variable, _, _ in describe_settings()} - rows == set()


def test_the_readme_names_no_setting_that_does_not_exist(checkout):
    known = {variable for variable, _, _ in describe_settings()}
    named = set(re.findall(r"ONEMAP_[A-Z_]+[A-Z]", (checkout / "README.md").read_text(encoding="utf-8")))
    assert named - known == set()


def test_what_architecture_traces_exists(checkout):
    found = traced((checkout / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    assert len([path for path, name in found if name]) >= 6, "a request is traced file by file, with the functions"
    missing = []
    for path, name in found:
        file = checkout / path
        if not file.is_file():
            missing.append(path)
        elif name and name not in defined_names(file.read_text(encoding="utf-8")):
            missing.append(f"{path}::{name}")
    assert missing == []


def test_architecture_speaks_of_every_room(checkout):
    text = (checkout / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert [package for package in PACKAGES if f"`{package}/`" not in text and f"{package}/" not in text] == []


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_links_between_the_pages_lead_somewhere(checkout, page):
    text = (checkout / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (checkout / link).exists()] == []
