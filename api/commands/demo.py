"""`onemap demo`: the sample town on the map, from nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.place import DataOption, settings_for
from api.commands.serve import PortOption, run_server


def demo(
    port: PortOption = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page. · 打开浏览器")] = True,
    data: DataOption = None,
) -> None:
    """Show the sample town · 打开示例城市"""
    settings = settings_for(data, port=port)
    run_server(settings)
