"""What is wrong with delivered models, in words: a reader of a report knows no codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenes3d.models.shaping import FEW_POINTS, NO_AREA, NO_NUMBER, NO_SURFACE
from scenes3d.sources.meshes.mesh import (
    BROKEN_IMAGE,
    DROPPED_ALPHA,
    MISSING_IMAGE,
    NO_UV,
    ODD_TEXTURE,
    UNKNOWN_MATERIAL,
)
from scenes3d.sources.meshes.mesh import NOT_TRIANGLES as MESH_NOT_TRIANGLES
from scenes3d.sources.osgb.assembling import LOST
from scenes3d.sources.osgb.converting import NO_IMAGE, PACKED_ANEW
from scenes3d.sources.osgb.geometry import NOT_TRIANGLES
from scenes3d.sources.osgb.levels import LEVEL_LEFT_OUT, NODE_LEFT_OUT
from twin.text import LocalText

WORDS: Mapping[str, LocalText] = {
    NO_NUMBER: LocalText("坐标不是数，未建模", "coordinates that are no numbers: left out"),
    NO_AREA: LocalText("面积为零，未建模", "surfaces without area: left out"),
    FEW_POINTS: LocalText("环不足三点，未建模", "rings of fewer than three points: left out"),
    NO_SURFACE: LocalText("要素没有面，未建模", "features without a surface: left out"),
    LOST: LocalText("文件缺失或损坏，保留上一级", "files lost or broken: the level above them stays"),
    NO_IMAGE: LocalText("缺少纹理，按单色绘制", "photographs missing: drawn in one colour"),
    PACKED_ANEW: LocalText("纹理为像素，已无损重新压缩", "photographs that were pixels: packed anew without loss"),
    NOT_TRIANGLES: LocalText("线或点，未建模", "lines or points: left out"),
    NODE_LEFT_OUT: LocalText("不支持的节点类型，未建模", "nodes of a kind that is not read: left out"),
    LEVEL_LEFT_OUT: LocalText("中间层级无法衔接，已略过", "levels between two others: left out"),
    MISSING_IMAGE: LocalText("缺少纹理图像，按材质颜色绘制", "pictures missing: painted in one colour"),
    BROKEN_IMAGE: LocalText("纹理图像无法读取，按材质颜色绘制", "pictures that cannot be read: painted in one colour"),
    DROPPED_ALPHA: LocalText("纹理透明度已舍弃", "pictures with opacity: drawn opaque"),
    UNKNOWN_MATERIAL: LocalText(
        "材质或材质库未找到，按灰色绘制", "materials or their libraries not found: painted grey"
    ),
    NO_UV: LocalText(
        "三角形没有纹理坐标，按材质颜色绘制", "triangles without texture coordinates: painted in one colour"
    ),
    ODD_TEXTURE: LocalText("纹理选项未采用", "options of textures: not heeded"),
    MESH_NOT_TRIANGLES: LocalText("线或点，未建模", "lines or points: left out"),
    "volume-widened": LocalText("包围体过小，已放宽", "volumes too small: made wider"),
    "content-outside": LocalText("顶点在包围体之外", "vertices outside of their volumes"),
    "child-outside": LocalText("子瓦片超出父瓦片", "tiles outside of the tile above"),
    "error-grows": LocalText("几何误差大于上级", "errors greater than those of the tile above"),
    "content-unreadable": LocalText("内容无法读取", "contents that cannot be read"),
}


def with_words(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report of a delivery with a title beside each fault that has one."""
    faults = [
        {**said, "title": WORDS[said["fault"]].to_dict()} if said["fault"] in WORDS else said
        for said in report.get("faults", ())
    ]
    return {**report, "faults": faults}
