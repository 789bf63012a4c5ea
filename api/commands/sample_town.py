"""The sample town brought into a store: drawn, and the layers of it that are missing registered."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from api.commands.rows_in_view import rows_in_view
from api.commands.terminal import CommandError, remarks

if TYPE_CHECKING:
    from twin.store.port import Store


class Generate(Protocol):
    """Writes one file for each layer into a folder, and tells what begins: its name, number, and how many there are."""

    def __call__(self, out_dir: Path, /, *, progress: Callable[[str, int, int], None]) -> object: ...


def bring_sample_town(store: Store, generate: Generate | None = None) -> list[str]:
    """Draw the town and register the layers of it that the store does not have; give their ids.

    A layer is registered whole or not at all, so an interrupted first run is finished by the next one.

    Args:
        store: Where to; a layer of the same id that is there already is left alone.
        generate: None for the generator that ships.

    Raises:
        CommandError: if the generator leaves a layer out, or rows of it are refused.
    """
    from layers.seeding import data_file, seed_layers, shipped_manifests

    have = {record.id for record in store.layers()}
    missing = [manifest.id for manifest in shipped_manifests() if manifest.id not in have]
    if not missing:
        _tie_together(store)
        return []
    with tempfile.TemporaryDirectory(prefix="onemap-town-") as name:
        folder = Path(name)
        _draw(folder, generate or _shipped_generator())
        without_file = [layer for layer in missing if data_file(folder, layer) is None]
        if without_file:
            raise CommandError(
                "The sample town lacks layers that have a manifest.",
                value=", ".join(without_file),
                remedy="Report this: the generator and the manifests in layers/ do not agree.",
            )
        with rows_in_view() as advance:
            reports = seed_layers(store, folder, progress=advance)
    refused = [f"{report.rejected} of {report.layer_id}" for report in reports if report.rejected]
    if refused:
        raise CommandError("Rows of the sample town were refused.", value=", ".join(refused), remedy="Report this.")
    rows = sum(report.rows for report in reports)
    links = _tie_together(store)
    remarks().print(f"{len(reports)} layers, {rows:,} features, {links:,} links · 示例城市已就绪")
    return [report.layer_id for report in reports]


def _tie_together(store: Store) -> int:
    """Links between the layers of the town, once; a run that was interrupted before them is finished by the next one."""
    from layers.city import read_city
    from layers.seeding import seed_relations

    return seed_relations(store, read_city().projected_crs)


def _shipped_generator() -> Generate:
    from data_samples.town import generate

    return generate


def _draw(folder: Path, generate: Generate) -> None:
    """Run the generator with its steps in view; on a pipe one line says that it has begun."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    remarks().print("Drawing the sample town (once, about half a minute) · 首次运行，正在生成示例城市")
    with Progress(*columns, console=remarks(), disable=not remarks().is_terminal) as bars:
        task = bars.add_task("", total=None)
        generate(
            folder,
            progress=lambda step, number, total: bars.update(
                task, description=f"{step:<14}", completed=number, total=total
            ),
        )
