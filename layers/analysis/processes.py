"""The analyses by id: what each asks for and which function answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from layers.analysis import earth, insolation, light, seeing, shape, watching
from layers.analysis.answer import Answer
from layers.analysis.errors import UnknownProcessError
from layers.analysis.material import Material
from layers.analysis.question import Question
from twin.text import LocalText

VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class Process:
    """One analysis.

    Attributes:
        asks: The model of its inputs.
        answer: From material and question to an answer.
        example: Inputs that can be sent as they are to a server with the sample town.
    """

    id: str
    title: LocalText
    description: LocalText
    asks: type[Question]
    answer: Callable[[Material, Any], Answer]
    example: Mapping[str, Any]


_SQUARE = {
    "type": "Polygon",
    "coordinates": [[[120.000, 36.275], [120.004, 36.275], [120.004, 36.278], [120.000, 36.278], [120.000, 36.275]]],
}
_FLAT = {"ground_m": 10.0}
_RUNWAY = {"ends": [[120.05, 36.36], [120.08, 36.34]], "elevations_m": [9.0, 10.0]}

_ALL = (
    Process(
        "line-of-sight",
        LocalText("通视分析", "Line of sight"),
        LocalText("从一处能否看见其他各处，被何物遮挡。", "Whether places are seen from one, and what hides them."),
        seeing.LineOfSight,
        seeing.answer_line_of_sight,
        {"from": [120.0, 36.276], "to": [[120.004, 36.277], [120.002, 36.279]], **_FLAT},
    ),
    Process(
        "viewshed",
        LocalText("可视域分析", "Viewshed"),
        LocalText(
            "从一点、一条路径或一片区域能看见的地面。", "The ground that is seen from a point, a path or an area."
        ),
        seeing.Viewshed,
        seeing.answer_viewshed,
        {"from": {"type": "Point", "coordinates": [120.002, 36.276]}, "reach_m": 300, **_FLAT},
    ),
    Process(
        "camera-coverage",
        LocalText("监控覆盖与盲区", "Camera coverage and blind spots"),
        LocalText(
            "区域内摄像机看得见与看不见的地面。", "What the cameras of an area see of its ground, and what none sees."
        ),
        watching.CameraCoverage,
        watching.answer_camera_coverage,
        {"area": _SQUARE, **_FLAT},
    ),
    Process(
        "who-sees",
        LocalText("哪些摄像机看得见此处", "Who sees this?"),
        LocalText(
            "看得见一处的摄像机，以及对准此处却被遮挡的摄像机。",
            "The cameras that see a place, and those that point at it and are blocked.",
        ),
        watching.WhoSees,
        watching.answer_who_sees,
        {"place": [120.002, 36.276], **_FLAT},
    ),
    Process(
        "sunlight",
        LocalText("日照时数", "Hours of sunlight"),
        LocalText(
            "各点一天的日照；可按大寒日、冬至日规则判定。",
            "Sunlight of a day at points; judged by the rules of Great Cold or the winter solstice.",
        ),
        insolation.SunlightHours,
        insolation.answer_sunlight,
        {"at": _SQUARE, "rule": "great-cold-2h", "year": 2026, "spacing_m": 40, **_FLAT},
    ),
    Process(
        "shadow",
        LocalText("阴影", "Shadow"),
        LocalText("某一时刻区域内的阴影。", "Where there is shadow in an area at an instant."),
        light.Shadow,
        light.answer_shadow,
        {"area": _SQUARE, "instant": "2026-01-20T10:00:00+08:00", **_FLAT},
    ),
    Process(
        "sky-view",
        LocalText("天空可视率", "Sky view factor"),
        LocalText("各点能见天空的比例。", "The share of the sky that points see."),
        light.SkyView,
        light.answer_sky_view,
        {"at": {"type": "Point", "coordinates": [120.002, 36.276]}, **_FLAT},
    ),
    Process(
        "skyline",
        LocalText("天际线", "Skyline"),
        LocalText("一处四周的天际线高度角。", "Where the sky begins round a place."),
        light.SkylineRound,
        light.answer_skyline,
        {"place": [120.002, 36.276], "azimuth_step_deg": 10, **_FLAT},
    ),
    Process(
        "height-control",
        LocalText("限高分析", "Height control"),
        LocalText(
            "建筑与规划体量对照机场净空面和景观视廊。",
            "Buildings and planned volumes against obstacle limitation surfaces and view cones.",
        ),
        shape.HeightControl,
        shape.answer_height_control,
        {"area": _SQUARE, "runways": [_RUNWAY], **_FLAT},
    ),
    Process(
        "profile",
        LocalText("剖面", "Section"),
        LocalText("沿线的地面与建筑高度。", "Heights of ground and buildings along a line."),
        shape.Section,
        shape.answer_section,
        {"line": {"type": "LineString", "coordinates": [[120.0, 36.275], [120.004, 36.278]]}, **_FLAT},
    ),
    Process(
        "flood",
        LocalText("淹没分析", "Flood"),
        LocalText(
            "达到水位或来水一定体积时的连通淹没范围。",
            "What water from sources reaches up to a level, or with a volume of inflow.",
        ),
        earth.FloodQuestion,
        earth.answer_flood,
        {"area": _SQUARE, "sources": [[120.002, 36.276]], "level_m": 11.0, **_FLAT},
    ),
    Process(
        "cut-fill",
        LocalText("挖填方", "Cut and fill"),
        LocalText("整平到设计标高或两期地形之间的挖填方量。", "Volumes to a finished level, or between two terrains."),
        earth.CutFill,
        earth.answer_cut_fill,
        {"area": _SQUARE, "level_m": 12.0, **_FLAT},
    ),
    Process(
        "stockpile",
        LocalText("料堆体积", "Stockpile"),
        LocalText("由收件箱中的点云计算料堆体积。", "The volume of a stockpile from a point cloud of the inbox."),
        earth.Stockpile,
        earth.answer_stockpile,
        {"area": _SQUARE, "cloud": "stockpile.laz", "crs": "EPSG:4549+5737"},
    ),
)
PROCESSES: Mapping[str, Process] = {process.id: process for process in _ALL}


def process_called(process_id: str) -> Process:
    """The analysis of that id. Raises UnknownProcessError."""
    if process_id not in PROCESSES:
        raise UnknownProcessError(
            f"没有分析“{process_id}”。There is no process '{process_id}'.",
            value=process_id,
            limit=", ".join(PROCESSES),
            remedy="GET /processes lists them. 见 GET /processes。",
        )
    return PROCESSES[process_id]
