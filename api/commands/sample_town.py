"""The sample town brought into a store: drawn, and the layers of it that are missing registered."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from api.commands.rows_in_view import rows_in_view
from api.commands.terminal import CommandError, remarks

if TYPE_CHECKING:
    from twin.store.port import Store


class Generate(Protocol):
    """Writes one file for each layer into a folder, and tells what it is doing."""

    def __call__(self, out_dir: Path, *, progress: Callable[[str, int, int], None] | None = None) -> object: ...


def bring_sample_town(store: Store, generate: Generate | None = None) -> list[str]:
    """Draw the town and register the layers of it that the store does not have; give their ids.

    A layer is registered whole or not at all, so an interrupted first run is finished by the next one.

    Args:
        store: Where to; a layer of the same id that is there already is left alone.
        generate: None for the generator that ships.

    Raises:
        CommandError: if the generator leaves a layer out.
    """
    from layers.seeding import data_file, seed_layers, shipped_manifests

    have = {record.id for record in store.layers()}
    missing = [manifest.id for manifest in shipped_manifests() if manifest.id not in have]
    if not missing:
        return []
    generate = generate or _shipped_town
    with tempfile.TemporaryDirectory(prefix="onemap-town-") as name:
        folder = Path(name)
        with remarks().status("Drawing the sample town (once) · 正在生成示例城市") as status:

            def tell(step: str, number: int, steps: int) -> None:
                status.update(f"Drawing the sample town · 正在生成示例城市 {number}/{steps}: {step}")

            generate(folder, progress=tell)
        without_file = [layer for layer in missing if data_file(folder, layer) is None]
        if without_file:
            raise CommandError(
                "The sample town lacks layers that have a manifest.",
                value=", ".join(without_file),
                remedy="Report this: the generator and the manifests in layers/ do not agree.",
            )
        with rows_in_view() as advance:
            reports = seed_layers(store, folder, progress=advance)
    refused = sum(report.rejected for report in reports)
    if refused:
        raise CommandError("Rows of the sample town were refused.", value=refused, remedy="Report this.")
    rows = sum(report.rows for report in reports)
    remarks().print(f"{len(reports)} layers, {rows:,} features · 示例城市已就绪")
    return [report.layer_id for report in reports]


def _shipped_town(folder: Path, step: Callable[[str], None]) -> None:
    """The town that ships, with its long account of progress cut down to one remark."""
    from data_samples.town import generate

    generate(folder, progress=lambda part, done, total: step(f"{part} ({done}/{total})"))
