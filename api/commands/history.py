"""`onemap history` and `onemap restore`: what became of a feature, and making it again what it was."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.commands.place import DataOption, opened_store
from api.commands.terminal import output

if TYPE_CHECKING:
    from twin.store.port import Changeset, FeatureVersion

LayerArgument = Annotated[str, typer.Argument(help="Id of the layer. · 图层")]
FeatureArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the feature. · 要素")]


def show_history(layer: LayerArgument, feature: FeatureArgument, data: DataOption = None) -> None:
    """Every version of a feature, newest first: who, when, why · 要素的历次版本"""
    with opened_store(data) as store:
        versions = store.history(layer, feature)
    table = Table("version 版本", "recorded 记录", "author 人", "reason 原因", "valid 有效期", box=None)
    for version in versions:
        if version.deleted and version.ended is not None:
            table.add_row(*_who(version.ended), "deleted 删除")
        table.add_row(*_who(version.change), _validity(version))
    output().print(table)


def restore(
    layer: LayerArgument,
    feature: FeatureArgument,
    version: Annotated[int, typer.Argument(min=1, help="Version at which it stood as it shall stand again. · 版本")],
    reason: Annotated[str | None, typer.Option(help="Why; stands in the changeset. · 原因")] = None,
    data: DataOption = None,
) -> None:
    """Make a feature again what it was at a version; a deleted one comes back · 恢复旧版本"""
    from twin.moment import resolve_as_of
    from twin.store.port import Author

    with opened_store(data) as store:
        resolve_as_of(store, layer, version)
        author = Author(getpass.getuser(), reason or f"restore version {version} of feature {feature}")
        with store.write(layer, author) as writer:
            writer.restore(feature, version)
        now = store.version(layer)
    output().print(f"{layer}: {feature} is again as at version {version}; this is version {now} · 已恢复", markup=False)


def _who(change: Changeset) -> tuple[str, str, str, str]:
    author = change.author
    return str(change.version), f"{change.at:%Y-%m-%d %H:%M:%S}", escape(author.name), escape(author.reason)


def _validity(version: FeatureVersion) -> str:
    from twin.validity import Validity

    return str(Validity(version.feature.valid_from, version.feature.valid_to))
