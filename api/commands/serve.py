"""`onemap serve`: the server until it is interrupted."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.place import DataOption, require_writable, settings_for
from api.commands.terminal import CommandError, output, warn
from twin.collector import collector_paused

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from api.settings import Settings

HostOption = Annotated[str | None, typer.Option(help="Address to listen on. · 监听地址", show_default="127.0.0.1")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, max=64, help="Processes that answer requests. · 进程数", show_default="1")
]
PortOption = Annotated[int | None, typer.Option(help="TCP port; 0 takes a free one. · 端口", show_default="8000")]


def serve(
    host: HostOption = None, port: PortOption = None, workers: WorkersOption = None, data: DataOption = None
) -> None:
    """Run the server · 启动服务"""
    run_server(settings_for(data, host=host, port=port, workers=workers))


def run_server(settings: Settings, when_ready: Callable[[str], None] | None = None) -> None:
    """Serve until interrupted.

    Args:
        settings: Host, port, data folder and the rest.
        when_ready: Called once with the address, as soon as requests are answered.

    Raises:
        CommandError: if the address cannot be listened on, or the data folder not written to.
    """
    if not settings.is_loopback:
        warn(
            f"!! Listening on {settings.host}: everybody who reaches this machine can read AND CHANGE every layer, because "
            "there is no sign-in yet. · 注意：目前没有登录验证，网络上的任何人都可以读取和修改所有图层。"
        )
    listener = listen(settings.host, settings.port)
    if not settings.store:
        require_writable(settings.data_dir)
    set_up_logging(settings.log_level)
    port = listener.getsockname()[1]
    address = f"http://{browser_host(settings.host)}:{port}"

    settings = settings.model_copy(update={"port": port})

    def announce() -> None:
        output().print(f"One Map · 一张图  →  [bold]{address}/view[/]")
        if when_ready is not None:
            when_ready(address)

    with listener, contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to end
        if settings.workers == 1:
            _run_here(settings, listener, announce)
        else:
            _run_workers(settings, listener, announce)


def _run_here(settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    import uvicorn

    class AnnouncingServer(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                announce()

    AnnouncingServer(_configuration(settings)).run(sockets=[listener])


def _run_workers(settings: Settings, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Processes on one socket; one that dies is started again. The store's tables are there before they all look for them."""
    from uvicorn.supervisors import Multiprocess

    from twin.store import open_store

    open_store(settings.store_location).close()
    config = _configuration(settings)
    listener.listen(config.backlog)  # from now on requests wait until a worker takes them
    announce()
    Multiprocess(config, sockets=[listener]).run()


def _configuration(settings: Settings) -> uvicorn.Config:
    import uvicorn

    from api.tile_protocol import TileProtocol

    return uvicorn.Config(
        functools.partial(application, settings),
        factory=True,
        http=TileProtocol,
        workers=settings.workers,
        log_config=None,  # ours is set up by the application
        access_log=settings.log_level == "debug",
        server_header=False,
        proxy_headers=False,  # links follow ONEMAP_TRUST_FORWARDED
        timeout_graceful_shutdown=5,
    )


def application(settings: Settings) -> ASGIApp:
    """What a server process runs: the tiles, ahead of everything else."""
    set_up_logging(settings.log_level)
    make_room_for_kernels(settings)
    with collector_paused():
        from api.app import create_app
        from api.tile_router import tiles_first

        made = tiles_first(create_app(settings), settings.cors_origins)
    gc.freeze()  # what is here now stays: no later collection need walk it
    return made


def make_room_for_kernels(settings: Settings) -> None:
    """Where the code's folder cannot be written to, compiled kernels are kept with the data, not compiled at every start."""
    import tiles.kernel

    if not os.access(tiles.kernel.__path__[0], os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.data_dir / "kernels"))


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound to the address and not yet listening.

    Raises:
        CommandError: if the name does not resolve, the port is taken, or it is not ours to take.
    """
    remedy = "Stop the program that uses it, or choose another port with --port (0 takes a free one)."
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CommandError(
            f"'{host}' is not an address of this machine ({error.strerror}).", remedy="Use --host 127.0.0.1."
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CommandError(
            f"Cannot listen on {host} port {port} ({error.strerror}).", limit="a free port", remedy=remedy
        ) from error
    return listener


def browser_host(host: str) -> str:
    """What to write in an address for a server that listens on `host`."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared with, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def set_up_logging(level: str) -> None:
    """One line per record on standard error; the only place where handlers are made."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    logging.getLogger("uvicorn.error").setLevel("WARNING" if level != "debug" else "DEBUG")
    logging.captureWarnings(capture=True)
