"""Files stay small, public functions of the core say what comes back, nothing points at outside hosts or this machine."""

from __future__ import annotations

import ast
import re

from source_tree import place, public_functions, python_files

LINES = 400
# A longer file needs a reason here; a reason without such a file fails too.
EXCUSED: dict[str, str] = {}

URL = re.compile(r"(?:https?:)?//([a-z0-9.-]+\.[a-z]{2,})", re.IGNORECASE)
# Names of things, never fetched: XML and JSON namespaces, link relations, licence texts.
NAMESPACE_HOSTS = {"www.w3.org", "www.opengis.net", "opengis.net", "json-schema.org", "geojson.org", "schema.org"}
SERVED = ("*.html", "*.js", "*.css", "*.json", "*.svg", "*.mjs")


def test_no_file_grows_past_one_idea():
    long = {place(p) for p in python_files() if len(p.read_text(encoding="utf-8").splitlines()) > LINES}
    assert long == set(EXCUSED)


def test_public_functions_of_the_core_have_docstrings():
    bare = [
        f"{place(path)}: {function.name}"
        for path in python_files("twin")
        for function in public_functions(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(function)
    ]
    assert bare == []


def test_every_package_says_what_lives_in_it():
    bare = [
        place(path)
        for path in python_files()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert bare == []


def test_the_page_names_no_outside_host(checkout):
    folders = (checkout / "api/viewer", checkout / "api/templates")
    outside = [
        f"{place(path)}: {host}"
        for folder in folders
        for pattern in SERVED
        for path in sorted(folder.rglob(pattern))
        for host in URL.findall(path.read_text(encoding="utf-8"))
        if host.lower() not in NAMESPACE_HOSTS
    ]
    assert outside == []


def test_the_host_pattern_finds_what_a_browser_would_fetch():
    assert URL.findall('<script src="//cdn.example.com/a.js"> @import "https://fonts.example.org/x"') == [
        "cdn.example.com",
        "fonts.example.org",
    ]
    assert URL.findall("// a comment\n fetch(`/tiles/${z}`) http://127.0.0.1") == []
