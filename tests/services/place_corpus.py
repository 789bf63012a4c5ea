"""Names to find, and what people type for them: made from real words with a fixed seed, and the real ones of Shanghai."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.bounds import Bounds
from twin.feature import Feature, FeatureBatch
from twin.places.pinyin import initials_of, read_aloud
from twin.places.words import key_of, split_words
from twin.schema import GeometryType, Property, PropertyType, Schema

CITY = Bounds(120.8, 30.6, 122.0, 31.9)
SCHEMA = Schema(
    GeometryType.POINT, tuple(Property(name, PropertyType.STRING) for name in ("name", "name_en", "address", "kind"))
)
SHANGHAI_FILES = ("shanghai-poi-schools.csv", "shanghai-poi-medical.csv", "shanghai-poi-bus-stops.csv")

_STEMS = [
    "胶州",
    "胶东",
    "胶西",
    "胶北",
    "胶莱",
    "阜安",
    "中云",
    "三里河",
    "九龙",
    "李哥庄",
    "铺集",
    "里岔",
    "洋河",
    "营海",
    "马店",
    "杜村",
    "张应",
    "少海",
    "云溪",
    "瑞华",
    "板桥",
    "福安",
    "常春",
    "朝阳",
    "温州",
    "北京",
    "上海",
    "广州",
    "郑州",
    "杭州",
    "苏州",
    "常州",
    "扬州",
    "太原",
    "兰州",
    "福州",
    "徐州",
    "海尔",
    "世纪",
    "新城",
    "东风",
    "红旗",
    "胜利",
    "和平",
    "幸福",
    "建设",
    "人民",
    "解放",
    "光明",
    "文化",
    "锦州",
    "惠州",
    "青岛",
    "即墨",
    "莱西",
    "平度",
    "黄岛",
    "城阳",
    "崂山",
    "四方",
    "市北",
    "台东",
    "大沽河",
    "墨水河",
    "王台",
    "泊里",
    "琅琊",
    "灵山",
    "薛家岛",
    "红石崖",
    "宝山",
    "铁山",
    "隐珠",
    "辛安",
    "珠海",
    "长江",
]
_MIDDLES = [
    "",
    *[
        "东",
        "西",
        "南",
        "北",
        "新",
        "第一",
        "第二",
        "第三",
        "第四",
        "第五",
        "第六",
        "第七",
        "第八",
        "第九",
        "中心",
        "实验",
        "大",
        "老",
        "前",
        "后",
        "上",
        "下",
        "东方",
        "西城",
        "南山",
        "北苑",
    ],
]
_TYPES = {
    "小学": "Primary School", "中学": "Middle School", "幼儿园": "Kindergarten", "医院": "Hospital", "卫生院": "Health Centre",
    "村": "Village", "社区": "Community", "公园": "Park", "广场": "Square", "农贸市场": "Market", "超市": "Supermarket",
    "加油站": "Fuel Station", "派出所": "Police Station", "图书馆": "Library", "体育馆": "Stadium", "宾馆": "Hotel", "花园": "Garden",
    "小区": "Estate", "大厦": "Tower", "银行": "Bank", "药店": "Pharmacy", "停车场": "Car Park", "汽车站": "Bus Station",
    "水库": "Reservoir", "工业园": "Industrial Park", "饭店": "Restaurant", "敬老院": "Care Home", "邮局": "Post Office",
    "电影院": "Cinema", "博物馆": "Museum", "消防站": "Fire Station", "养殖场": "Farm", "技校": "Trade School", "诊所": "Clinic",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """A place of the corpus."""

    id: str
    name: str
    english: str
    address: str
    lon: float
    lat: float

    @property
    def feature(self) -> Feature:
        from shapely import Point

        told = {"name": self.name, "name_en": self.english or None, "address": self.address or None, "kind": "poi"}
        return Feature(self.id, Point(self.lon, self.lat), told)


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody types, in which way, and the name that is meant."""

    way: str
    text: str
    meant: str


def generated(count: int, seed: int = 1) -> list[Named]:
    """Distinct names from real words, each fourth with an English one."""
    draw = random.Random(seed)
    every = list(itertools.product(_STEMS, _MIDDLES, _TYPES))
    names: dict[str, str] = {}
    draw.shuffle(every)
    for stem, middle, kind in every:
        english = " ".join(w.capitalize() for w in read_aloud(stem + middle).syllables) + f" {_TYPES[kind]}"
        names.setdefault(f"{stem}{middle}{kind}", english)
        if len(names) == count:
            break
    for (stem, _, kind), (other, middle, _) in zip(itertools.cycle(every), every[::-1], strict=False):
        if len(names) >= count:
            break
        if stem != other:
            names.setdefault(f"{stem}{other}{middle}{kind}", "")
    return [
        Named(
            f"g{i}",
            name,
            english if i % 4 == 0 else "",
            f"{draw.choice(_STEMS)}路{draw.randint(1, 900)}号",
            *_somewhere(draw),
        )
        for i, (name, english) in enumerate(list(names.items())[:count])
    ]


def shanghai(shared_data: Path) -> list[Named]:
    """The real points of interest of Shanghai."""
    names = []
    for name in SHANGHAI_FILES:
        text = (shared_data / "poi" / name).read_text(encoding="utf-8")
        for i, row in enumerate(csv.DictReader(text.splitlines())):
            place = float(row["lon"]), float(row["lat"])
            names.append(Named(f"{name[13:16]}{i}", row["name"], "", row["address"], *place))
    return names


def batches(names: Sequence[Named], rows: int = 10_000) -> Iterator[FeatureBatch]:
    """The corpus for a store's writer."""
    for start in range(0, len(names), rows):
        yield FeatureBatch.of(SCHEMA, [named.feature for named in names[start : start + rows]])


def typed_for(names: Sequence[Named], ways: Sequence[str], each: int, seed: int = 2) -> list[Typed]:
    """For each way `each` texts, for names drawn at random."""
    draw = random.Random(seed)
    characters = sorted({word.text for named in names[:3000] for word in split_words(named.name) if not word.is_latin})
    typed: list[Typed] = []
    for way in ways:
        made = 0
        while made < each:
            text = _type(draw.choice(names), way, draw, characters)
            if text is not None:
                typed.append(text)
                made += 1
    return typed


def _type(named: Named, way: str, draw: random.Random, characters: Sequence[str]) -> Typed | None:
    """What is typed for a name in that way; None where the name is not fit for it."""
    words = [word.text for word in split_words(named.name)]
    chinese = [word for word in words if not word.isascii()]
    if len(chinese) < 3 or len(chinese) < len(words) - 1:
        return None
    reading = read_aloud(key_of(named.name))
    made = {
        "zh": lambda: named.name,
        "prefix": lambda: "".join(words[: max(2, len(words) - draw.randint(1, 2))]),
        "pinyin": lambda: "".join(reading.syllables),
        "pinyin, blanks and tones": lambda: " ".join(reading.toned),
        "initials": lambda: initials_of(reading.syllables) if len(words) >= 4 else "",
        "English": lambda: named.english,
        "address": lambda: named.address if named.address[-1:] == "号" else "",
        "typo, Chinese": lambda: "".join(_mistyped(words, characters, draw)),
        "typo, pinyin": lambda: "".join(_mistyped("".join(reading.syllables), "abcdefghijklmnopqrstuvwxyz", draw)),
    }[way]()
    return Typed(way, made, named.name) if made else None


def _mistyped(text: Sequence[str], alphabet: Sequence[str], draw: random.Random) -> list[str]:
    """One error: a wrong, missing, extra or exchanged character that is no digit."""
    letters = list(text)
    place = draw.randrange(len(letters))
    while letters[place].isdigit() or letters[min(place + 1, len(letters) - 1)].isdigit():
        place = draw.randrange(len(letters))
    error = draw.choice(("wrong", "missing", "extra", "exchanged"))
    if error == "wrong":
        letters[place] = draw.choice([c for c in alphabet if c != letters[place]])
    elif error == "missing":
        del letters[place]
    elif error == "extra":
        letters.insert(place, draw.choice(alphabet))
    else:
        letters[place : place + 2] = reversed(letters[place : place + 2])
    return letters


def _somewhere(draw: random.Random) -> tuple[float, float]:
    return round(draw.uniform(121.0, 121.9), 6), round(draw.uniform(30.8, 31.6), 6)
