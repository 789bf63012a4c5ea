"""Towns of Jiaozhou: names, codes, rough places (0.01 degree) and areas, all public facts; nothing here is a survey."""

from __future__ import annotations

from dataclasses import dataclass

CITY_CODE = "370281"
CITY_NAME = ("胶州市", "Jiaozhou")
CITY_AREA_KM2 = 1285.0


@dataclass(frozen=True, slots=True)
class Town:
    """One township-level unit.

    Attributes:
        lon, lat: Middle of its area.
        seat_lon, seat_lat: Where its centre with the streets is.
        centre_radius_m: Size of the built-up centre; 0 for those that are part of the city proper.
        population: Rounded, invented within reason.
    """

    code: str
    name: str
    name_en: str
    lon: float
    lat: float
    area_km2: float
    seat_lon: float
    seat_lat: float
    centre_radius_m: float
    population: int


TOWNS = (
    Town("370281001", "阜安街道", "Fu'an", 120.02, 36.29, 11.0, 120.017, 36.285, 0, 102_000),
    Town("370281002", "中云街道", "Zhongyun", 119.98, 36.28, 16.4, 119.983, 36.279, 0, 121_000),
    Town("370281004", "三里河街道", "Sanlihe", 119.99, 36.24, 57.3, 120.005, 36.252, 0, 138_000),
    Town("370281006", "九龙街道", "Jiulong", 120.05, 36.20, 195.0, 120.062, 36.203, 0, 112_000),
    Town("370281007", "胶东街道", "Jiaodong", 120.08, 36.34, 120.5, 120.075, 36.312, 1150, 64_000),
    Town("370281008", "胶北街道", "Jiaobei", 119.95, 36.35, 101.6, 119.962, 36.352, 1250, 68_000),
    Town("370281009", "胶西街道", "Jiaoxi", 119.88, 36.24, 165.3, 119.895, 36.253, 1250, 71_000),
    Town("370281010", "胶莱街道", "Jiaolai", 120.05, 36.43, 143.8, 120.055, 36.430, 1300, 73_000),
    Town("370281102", "李哥庄镇", "Ligezhuang", 120.15, 36.36, 75.0, 120.158, 36.355, 1450, 69_000),
    Town("370281105", "铺集镇", "Puji", 119.70, 36.12, 113.5, 119.705, 36.118, 1150, 52_000),
    Town("370281108", "里岔镇", "Licha", 119.79, 36.09, 156.5, 119.793, 36.092, 1150, 55_000),
    Town("370281111", "洋河镇", "Yanghe", 119.93, 36.11, 129.7, 119.932, 36.122, 1100, 53_000),
)
