"""`onemap demo`: the sample town on the map, from nothing."""

from __future__ import annotations

import os
import sys
import threading
import urllib.error
import urllib.request
import webbrowser
from typing import Annotated

import typer

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.sample_model import bring_sample_model
from api.commands.sample_town import bring_sample_town
from api.commands.serve import PortOption, listen, run_server


def demo(
    port: PortOption = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page. · 打开浏览器")] = True,
    data: DataOption = None,
) -> None:
    """Show the sample town · 打开示例城市"""
    settings = settings_for(data, port=port)
    listen(settings.host, settings.port).close()  # a taken port is said before the town is built, not after
    with opened_store(data) as store:
        bring_sample_town(store)
        bring_sample_model(store, settings.data_dir)
    run_server(settings, when_ready=open_page if browser and has_screen() else None)


def has_screen() -> bool:
    """Whether a browser window can appear; on a bare terminal a text browser would take the place of the server's output."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_page(address: str) -> None:
    """Open the page in a browser as soon as the server answers; the server does not wait for it."""
    threading.Thread(target=_open_when_healthy, args=(address,), daemon=True).start()


def _open_when_healthy(address: str) -> None:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=30) as answer:  # noqa: S310 - our own address
            healthy = answer.status == 200
    except (urllib.error.URLError, OSError):
        healthy = False
    if healthy:
        webbrowser.open(f"{address}/view")
