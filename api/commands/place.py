"""Which settings a command runs with, and where the data is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.terminal import CommandError, warn

if TYPE_CHECKING:
    from api.settings import Settings
    from twin.store.port import Store

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder of the embedded store (ONEMAP_DATA_DIR). · 数据目录", show_default="onemap-data"
    ),
]


def settings_for(data: Path | None = None, **overrides: object) -> Settings:
    """The settings of the environment, with what the command line says put on top.

    Without a word about the data folder it is `onemap-data`: beside the code when that is a checkout, so that the same
    data is found from every directory, otherwise in the current directory.

    Raises:
        CommandError: if a setting does not hold a value of its kind; all of them are named.
    """
    from pydantic import ValidationError

    from api.settings import PREFIX, Settings, unknown_names

    if data is not None:
        overrides["data_dir"] = data.expanduser().absolute()
    elif not os.environ.get(f"{PREFIX}DATA_DIR"):
        checkout = checkout_dir()
        if checkout is not None:
            overrides["data_dir"] = checkout / "onemap-data"
    for name in unknown_names(os.environ):
        warn(f"{name} is not a setting and does nothing; the README lists the settings.")
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(
            f"{PREFIX}{str(fault['loc'][0]).upper() if fault['loc'] else ''}={fault.get('input')!r}: {fault['msg']}"
            for fault in error.errors()
        )
        raise CommandError(f"Settings cannot be used: {faults}.", remedy="Correct or unset them.") from error


def checkout_dir() -> Path | None:
    """Root of the checkout this code runs from; None when it was installed as a package."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / "onemap").is_file() else None


def require_writable(folder: Path) -> Path:
    """`folder`, made where it was missing.

    Raises:
        CommandError: if it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"The data folder cannot be made: {error.strerror}.",
            value=str(folder),
            limit="a folder you may write to",
            remedy="Name another one with --data DIR or ONEMAP_DATA_DIR.",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CommandError(
            "The data folder cannot be written to.",
            value=str(folder),
            limit="a folder you may write to",
            remedy="Change its permissions, or name another one with --data DIR or ONEMAP_DATA_DIR.",
        )
    return folder


@contextmanager
def opened_store(data: Path | None) -> Iterator[Store]:
    """The store that the settings name, its removals watched for links, closed at the end of the block; made when there is none.

    Raises:
        CommandError: if the data folder cannot be written to.
        StoreBrokenError: if there is something else in its place.
    """
    from twin.basemap.release_book import watch_pins
    from twin.relations.opening import open_relations
    from twin.store import open_store

    settings = settings_for(data)
    if not settings.store:
        require_writable(settings.data_dir)
    with closing(open_store(settings.store_location)) as store:
        watch_pins(store)
        open_relations(store)
        yield store
