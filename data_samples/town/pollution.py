"""Fixed pollution sources: invented works, mostly in the industrial quarters, with the permits they would hold."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import shapely

from data_samples.town.chance import Chance
from data_samples.town.gazetteer import TOWNS
from data_samples.town.plan import Plan
from data_samples.town.table import Table, table

_WANTED = 124
_TYPES = (("water", "W", 38), ("air", "A", 44), ("solid-waste", "S", 24), ("noise", "N", 18))
_TRADES = {
    "water": (
        ("食品", "食品加工"),
        ("制革", "皮革制造"),
        ("印染", "纺织印染"),
        ("污水处理", "污水处理"),
        ("化工", "精细化工"),
    ),
    "air": (
        ("铸造", "金属铸造"),
        ("钢结构", "金属制品"),
        ("热力", "热力生产"),
        ("橡胶", "橡胶制品"),
        ("建材", "建筑材料"),
    ),
    "solid-waste": (("电镀", "电镀加工"), ("机械", "通用设备"), ("环保", "固废处置"), ("电子", "电子元件")),
    "noise": (("锻压", "锻造冲压"), ("木业", "木材加工"), ("石材", "石材加工"), ("制帽", "服装制帽")),
}
_WORDS = (
    "恒源",
    "盛达",
    "华泰",
    "瑞丰",
    "金山",
    "东海",
    "永兴",
    "胜利",
    "鼎信",
    "正大",
    "新材",
    "海润",
    "宏业",
    "天成",
    "广源",
    "利达",
)


def pollution_table(plan: Plan, chance: Chance) -> Table:
    """Permit holders; every name ends in （示例） so that nobody takes one for a real company."""
    works = [b for b in plan.blocks if b.kind == "industrial" and b.shape.area > 8000]
    order = sorted(np.argsort(chance.uniform("pollution/block", len(works)), kind="stable")[:_WANTED])
    spots = shapely.point_on_surface(np.array([works[i].shape for i in order], dtype=object))
    n = len(order)
    kind = chance.pick("pollution/type", n, [weight for *_, weight in _TYPES])
    trade = chance.integers("pollution/trade", n, 0, 10**6)
    word = chance.integers("pollution/word", n, 0, len(_WORDS) - 1)
    key = chance.uniform("pollution/key", n) < 0.27
    state = chance.pick("pollution/status", n, (86, 8, 6))
    days = chance.integers("pollution/valid", n, 60, 1700)
    count = dict.fromkeys((letter for _, letter, _ in _TYPES), 0)
    rows = []
    for i in range(n):
        type_, letter, _ = _TYPES[kind[i]]
        count[letter] += 1
        short, industry = _TRADES[type_][trade[i] % len(_TRADES[type_])]
        town = TOWNS[plan.face_town[works[order[i]].face]]
        rows.append([
            f"370281{letter}{count[letter]:04d}", f"{_WORDS[word[i]]}{short}有限公司（示例）", type_, "key" if key[i] else "general",
            ("operating", "suspended", "rectifying")[state[i]], industry, date(2026, 11, 1) + timedelta(days=int(days[i])), town.code, spots[i],
        ])  # fmt: skip
    names = ("permit_no", "name", "type", "level", "status", "industry", "valid_to", "town_code")
    return table("pollution-sources", names, rows, numbered=False)
