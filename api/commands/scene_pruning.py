"""`onemap scenes prune`: editions that nobody needs any more, and the tiles that only they had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from api.commands.place import DataOption, settings_for
from api.commands.terminal import output

_MEBIBYTE = 1024 * 1024


def prune_scenes(
    scene: Annotated[str | None, typer.Argument(help="Id of the scene; all where none is named. · 场景标识")] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep", help="newest=50,days=31,months=600, or all. · 保留策略", show_default="ONEMAP_SCENE_KEEP"
        ),
    ] = None,
    grace: Annotated[
        int, typer.Option("--grace", min=0, max=10_080, help="Minutes that readers have to end. · 宽限分钟数")
    ] = 60,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go. · 仅预览")] = False,
    data: DataOption = None,
) -> None:
    """Give up editions by a policy of days and months; any date can still be asked for · 清理历史版次"""
    from api.commands.scenes import scene_desk
    from layers.policy import Actor
    from layers.scenes.pruning import prune
    from scenes3d.editions.keeping import Keep

    policy = Keep.parse(settings_for(data).scene_keep if keep is None else keep)
    with scene_desk(data) as desk:
        actor, now = Actor(), datetime.now(UTC)
        scenes = desk.scenes(actor) if scene is None else [desk.scene(scene, actor)]
        for found in scenes:
            done = prune(desk, found, policy, now, timedelta(minutes=grace), dry=dry_run)
            back = f" ({len(done.held_back):,} too far to be made again · 无法重建)" if done.held_back else ""
            swept = done.swept
            output().print(
                f"{found.id}: {len(done.kept):,} editions kept{back}, {len(done.given_up):,} given up"
                f"{' (dry run)' if dry_run else ''}, {swept.tiles:,} tiles removed, {swept.length / _MEBIBYTE:.1f} MB · "
                f"保留 {len(done.kept):,} 版，清理 {len(done.given_up):,} 版，删除瓦片 {swept.tiles:,} 个",
                markup=False,
            )
