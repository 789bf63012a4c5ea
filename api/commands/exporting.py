"""`onemap export`: a layer into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.place import DataOption


def export(
    layer: Annotated[str, typer.Argument(help="Id of the layer. · 图层")],
    file: Annotated[Path, typer.Argument(help="File to write; its ending tells the format.")],
    format_name: Annotated[str | None, typer.Option("--format", help="Format, where the ending does not tell.")] = None,
    data: DataOption = None,
) -> None:
    """Export a layer to a file · 导出数据"""
    raise NotImplementedError
