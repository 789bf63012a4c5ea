"""`onemap test`: every check of the house, then every test."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time

import typer

from api.commands.place import checkout_dir
from api.commands.terminal import CommandError, remarks

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": ["--help"]}
NEEDED = ("ruff", "mypy", "importlinter", "pytest", "xdist")
_MOST_PROCESSES = 4
# Arguments with which pytest runs as it is told.
_IN_ONE_PROCESS = ("-n", "--dist", "--pdb", "--trace", "--collect-only", "--co", "--lf", "--help", "--version", "-h")


def test(context: typer.Context) -> None:
    """Run every check and test; arguments go to pytest · 运行全部检查与测试"""
    root = checkout_dir()
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if root is None or missing:
        raise CommandError(
            "The tests run from a checkout with the development tools.",
            value=", ".join(missing) or "not a checkout",
            remedy="Run ./onemap test in the checkout: it installs them.",
        )
    failed = [name for name, command in checks(context.args) if not passes(name, command, str(root))]
    if failed:
        remarks().print(f"[bold red]FAILED · 未通过: {', '.join(failed)}[/]")
        raise typer.Exit(1)
    remarks().print("[bold green]All checks and tests passed · 全部通过[/]")


def checks(pytest_arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Name and command of each check, the quick ones first."""
    python = sys.executable
    if not any(argument.startswith(_IN_ONE_PROCESS) for argument in pytest_arguments):
        # A file's tests stay together: they share its services. Each process starts services of its own.
        pytest_arguments = [
            "-n",
            str(min(os.cpu_count() or 1, _MOST_PROCESSES)),
            "--dist",
            "loadfile",
            *pytest_arguments,
        ]
    return [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("import-linter", [python, "-c", "from importlinter.cli import lint_imports_command as run; run()"]),
        ("mypy", [python, "-m", "mypy"]),
        ("pytest", [python, "-m", "pytest", *pytest_arguments]),
    ]


def passes(name: str, command: list[str], root: str) -> bool:
    """Run one check in the checkout with its output in view."""
    remarks().rule(name, align="left")
    started = time.monotonic()
    # Output of other programs must not overtake ours when both go to one pipe.
    sys.stdout.flush()
    code = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, env=os.environ, check=False).returncode
    remarks().print(f"{name}: {'passed' if code == 0 else f'exit code {code}'} in {time.monotonic() - started:.0f} s")
    return code == 0
