"""What inputs of analyses are called, in both languages, and their units: for whoever makes a form of a process description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin.text import LocalText

_ROWS = """
terrain | 地形 | Terrain
ground_m | 假定地面高程 | Stated ground level | m
cell_m | 网格分辨率 | Resolution | m
terrain_error_m | 地形高程中误差 | Standard error of the terrain | m
register_as | 保存为图层 | Keep as a layer
raster_as | 保存为栅格 | Keep as a raster
id | 标识 | Id
title | 标题 | Title
buildings | 建筑图层 | Layer of buildings
height_property | 建筑高度字段 | Property with heights
floors_property | 建筑层数字段 | Property with floors
floor_height_m | 层高 | Height of a floor | m
planned | 规划体量 | Planned volumes
footprint | 轮廓 | Footprint
height_m | 高度 | Height | m
as_of | 知晓时间 | As known at
datetime | 有效时间 | Valid at
scenes | 三维场景 | Scenes
planned_scenes | 规划场景 | Planned scenes
demolished | 拟拆建筑 | Buildings to be taken down
compare | 对比建设前后 | Compare before and after
refraction | 大气折光系数 | Refraction coefficient
flat_earth | 不计地球曲率 | Flat earth
from | 观察处 | From
from_height_m | 观察点离地高度 | Height of the eye | m
to | 目标处 | To
to_height_m | 目标离地高度 | Height of the targets | m
spacing_m | 取点间距 | Spacing | m
reach_m | 最大视距 | Reach | m
target_height_m | 目标离地高度 | Height of the target | m
cameras | 摄像机图层 | Layer of cameras
only | 只看这些摄像机 | Only these cameras
height_property_of_cameras | 安装高度字段 | Property with mounting heights
azimuth_property | 朝向字段 | Property with azimuths
fov_property | 水平视场角字段 | Property with fields of view
range_property | 可视距离字段 | Property with ranges
pitch_property | 俯仰角字段 | Property with tilts
vertical_fov_property | 竖直视场角字段 | Property with vertical fields of view
pitch_counts_down | 俯角为正 | Tilts are positive downwards
round_picture | 圆形画面 | Round pictures
range_max_m | 最大可视距离 | Longest range | m
pixels_per_m | 目标每米像素数 | Pixels on a metre of the target | px/m
picture_width_px | 画面宽度 | Width of the picture | px
area | 范围 | Area
place | 地点 | Place
margin_m | 周边纳入距离 | Margin | m
at | 测点、线或范围 | Points, line or area
on | 测点位置 | Where the points lie
rule | 日照规则 | Sunlight rule
year | 年份 | Year
day | 日期 | Day
from_hour | 起始真太阳时 | From, true solar time | h
to_hour | 终止真太阳时 | To, true solar time | h
step_min | 时间步长 | Time step | min
instant | 时刻 | Instant
azimuth_step_deg | 方位角步长 | Step of azimuth | °
runways | 跑道 | Runways
ends | 跑道两端 | Thresholds
elevations_m | 跑道两端标高 | Elevations of the thresholds | m
kind | 跑道类别 | Kind of runway
view_cones | 景观视廊 | View cones
eye | 视点 | Eye
eye_elevation_m | 视点标高 | Elevation of the eye | m
left | 左缘 | Left edge
right | 右缘 | Right edge
target_elevation_m | 目标标高 | Elevation of the target | m
line | 剖面线 | Line
step_m | 取点间距 | Step | m
sources | 水源 | Sources of water
level_m | 标高 | Level | m
inflow_m3 | 来水体积 | Inflow | m³
terrain_after | 后期地形 | Later terrain
height_error_m | 高程中误差 | Standard error of heights | m
cloud | 点云文件 | Point cloud
crs | 坐标系 | Reference system
vertical_datum | 高程基准 | Vertical datum
base_m | 底面标高 | Level of the base | m
"""


def _read(rows: str) -> dict[str, tuple[LocalText, str]]:
    found = {}
    for row in rows.strip().splitlines():
        name, zh, en, *unit = (part.strip() for part in row.split("|"))
        found[name] = (LocalText(zh, en), unit[0] if unit else "")
    return found


WORDS: Mapping[str, tuple[LocalText, str]] = _read(_ROWS)


def title_of(name: str) -> LocalText:
    """The title of an input; its name where nobody gave it one."""
    return WORDS[name][0] if name in WORDS else LocalText(name, name)


def titled(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema whose properties, at any depth, carry titles and units (`x-ogc-unit`)."""
    found = {key: _within(value) for key, value in schema.items()}
    for name, node in dict(found.get("properties") or {}).items():
        if name in WORDS:
            title, unit = WORDS[name]
            words = {"title": f"{title.zh} {title.en}", **({"x-ogc-unit": unit} if unit else {})}
            found["properties"][name] = words | node
    return found


def _within(value: Any) -> Any:
    if isinstance(value, Mapping):
        return titled(value)
    return [_within(item) for item in value] if isinstance(value, list) else value
