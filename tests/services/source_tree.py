"""The source files of this checkout, for tests that read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from processes import CHECKOUT

PACKAGES = ("api", "data_samples", "layers", "tiles", "scenes3d", "twin")


def python_files(*packages: str) -> list[Path]:
    """Every Python file of these packages (of all where none is named), in order."""
    return [path for package in packages or PACKAGES for path in sorted((CHECKOUT / package).rglob("*.py"))]


def place(path: Path) -> str:
    """A file's path inside the checkout."""
    return path.relative_to(CHECKOUT).as_posix()


def imported_modules(source: str) -> Iterator[str]:
    """Full name of every module that a source imports, late imports included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def public_functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top level of a module that others may call."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node


def defined_names(source: str) -> set[str]:
    """Functions, classes, their methods (`Class.method`) and constants of a module."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (n.name for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            names.update(f"{node.name}.{name}" for name in inner)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names.update(target.id for target in targets if isinstance(target, ast.Name))
    return names
