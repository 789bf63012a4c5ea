"""`onemap tiles`: layers into a PMTiles archive, and a look at whether an archive is whole."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from api.commands.place import DataOption, opened_store, settings_for
from api.commands.progress_bars import step_bars
from api.commands.serve import HostOption, PortOption, browser_host, listen, set_up_logging
from api.commands.terminal import CommandError, output

app = typer.Typer(help="Tile archives (PMTiles) · 瓦片包", no_args_is_help=True)


@app.command("build")
def build(
    file: Annotated[Path, typer.Option("--output", "-o", help="Archive to write, .pmtiles. · 输出文件")],
    layers: Annotated[list[str] | None, typer.Argument(help="Ids of layers; all without any. · 图层")] = None,
    min_zoom: Annotated[int, typer.Option("--min-zoom", help="First level. · 最小级别")] = 0,
    max_zoom: Annotated[int, typer.Option("--max-zoom", help="Last level. · 最大级别")] = 14,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; one to a processor without it. · 线程数")] = None,
    data: DataOption = None,
) -> None:
    """Build an archive of all tiles; an interrupted build goes on where it stopped · 生成瓦片包"""
    from tiles.archive.building import BuildOptions, build_archive
    from tiles.archive.pyramid import SnapshotPyramids

    target = file.absolute()
    if not target.parent.is_dir():
        raise CommandError("The folder of the archive does not exist.", value=str(file), remedy="Make it first.")
    with opened_store(data) as store, step_bars() as told:
        source = SnapshotPyramids(store, settings_for(data).snapshot_dir)
        built = build_archive(
            source,
            layers or source.layer_ids(),
            target,
            BuildOptions(min_zoom, max_zoom, threads),
            lambda level, done, total: told(f"z{level}", done, total),
            lambda layer_id, rows: told(layer_id, rows, None),
        )
    held = ", ".join(f"{layer.id} v{layer.version}" for layer in built.layers)
    again = f", {built.resumed:,} taken over · 续建" if built.resumed else ""
    output().print(
        f"{file}: {built.tiles:,} tiles, {built.contents:,} different, {built.size:,} bytes ({held}){again} · 已生成",
        markup=False,
    )


@app.command("serve")
def serve(
    files: Annotated[list[Path], typer.Argument(help="PMTiles archives. · 瓦片包")],
    host: HostOption = None,
    port: PortOption = None,
) -> None:
    """Serve archives, and nothing else, until interrupted · 发布瓦片包"""
    import uvicorn

    from api.archive_app import archive_app
    from tiles.archive.reader import Archive

    for file in files:
        with Archive(file):
            pass  # a broken one is said now, with its name
    settings = settings_for(None, host=host, port=port)
    listener = listen(settings.host, settings.port)
    address = f"http://{browser_host(settings.host)}:{listener.getsockname()[1]}"
    set_up_logging(settings.log_level)
    with listener, contextlib.suppress(KeyboardInterrupt):
        output().print(f"{len(files)} archive(s) · 瓦片包  →  [bold]{address}/archives[/]")
        config = uvicorn.Config(archive_app(files, settings), log_config=None, server_header=False, proxy_headers=False)
        uvicorn.Server(config).run(sockets=[listener])


@app.command("verify")
def verify(file: Annotated[Path, typer.Argument(help="A PMTiles archive. · 瓦片包")]) -> None:
    """Read every tile of an archive once · 检查瓦片包"""
    from tiles.archive.reader import Archive

    with Archive(file) as archive:
        contents = archive.verify()
        header = archive.header
        tiles = int(archive.directory.runs.sum())
    output().print(
        f"{file}: {tiles:,} tiles, {contents:,} different, levels {header['min_zoom']}-{header['max_zoom']} · 完好",
        markup=False,
    )
