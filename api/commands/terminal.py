"""How the command line speaks: results on standard output, everything else on standard error, an error in one line."""

from __future__ import annotations

import sys
from functools import cache

from rich.console import Console
from rich.markup import escape

from twin.errors import OneMapError

PIPE_WIDTH = 250


class CommandError(OneMapError):
    """The command line itself cannot do what was asked."""

    code = "bad-command"


@cache
def output() -> Console:
    """Where results go; plain text of any width when it is a pipe."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)


@cache
def remarks() -> Console:
    """Where progress, warnings and errors go."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def forget_consoles() -> None:
    """Look at standard output and error again: whoever calls the command line twice in one process has changed them."""
    output.cache_clear()
    remarks.cache_clear()


def warn(text: str) -> None:
    remarks().print(f"[bold yellow]{escape(text)}[/]")


def error_line(error: OneMapError) -> str:
    """Value, limit and remedy of an error as one line.

    Findings are counted in the line; `finding_lines` lists them.
    """
    parts = [error.message.rstrip()]
    if error.value and error.value not in error.message:
        parts.append(f"Value: {error.value}.")
    if error.limit and error.limit not in error.message:
        parts.append(f"Limit: {error.limit}.")
    if error.remedy:
        parts.append(f"Remedy: {error.remedy}")
    return " ".join(" ".join(parts).split())


def finding_lines(error: OneMapError) -> list[str]:
    """One indented line for each finding of an error that has several."""
    return [
        f"  {finding.where}: {finding.problem}" + (f" {finding.remedy}" if finding.remedy else "")
        for finding in error.findings
    ]
