"""The locks: exact versions, a hash for every file, no place to fetch from, and everything the project asks for."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_and_hashed(checkout, lock):
    text = (checkout / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert all(PINNED.match(block) and "--hash=sha256:" in block for block in blocks if not block.startswith("#"))


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_says_where_to_fetch_from(checkout, lock):
    text = (checkout / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_lock_of_the_foreign_readers_is_pinned_and_hashed_and_says_no_place(checkout):
    text = (checkout / "tests/services/javascript/package-lock.json").read_text(encoding="utf-8")
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}
    assert all(package["integrity"].startswith("sha512-") and package["version"] for package in packages.values())
    assert "://" not in text
    asked = json.loads((checkout / "tests/services/javascript/package.json").read_text(encoding="utf-8"))
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked["dependencies"]} == asked[
        "dependencies"
    ]


def test_the_locks_hold_what_the_project_asks_for(checkout):
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = {name for name, _ in PINNED.findall((checkout / LOCKS[0]).read_text(encoding="utf-8"))}
    everything = {name for name, _ in PINNED.findall((checkout / LOCKS[1]).read_text(encoding="utf-8"))}
    assert {normal(name) for name in project["project"]["dependencies"]} - runtime == set()
    assert {normal(name) for name in project["dependency-groups"]["dev"]} - everything == set()


def test_both_locks_agree(checkout):
    runtime, everything = (set(PINNED.findall((checkout / lock).read_text(encoding="utf-8"))) for lock in LOCKS)
    assert runtime - everything == set()
