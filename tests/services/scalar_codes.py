"""Map sheet numbers and BeiDou codes one point at a time, in exact fractions: slow, plain, and nothing of the product in it."""

from __future__ import annotations

import math
from fractions import Fraction

SECOND = Fraction(1, 3600)
# Level: (width, height) of a cell, digits for each direction or one digit row x columns + column.
BEIDOU = (
    (Fraction(6), Fraction(4), "first"),
    (Fraction(1, 2), Fraction(1, 2), "pair"),
    (Fraction(1, 4), Fraction(1, 6), "single"),
    (60 * SECOND, 60 * SECOND, "pair"),
    (4 * SECOND, 4 * SECOND, "pair"),
    (2 * SECOND, 2 * SECOND, "single"),
    (SECOND / 4, SECOND / 4, "pair"),
    (SECOND / 32, SECOND / 32, "pair"),
    (SECOND / 256, SECOND / 256, "pair"),
    (SECOND / 2048, SECOND / 2048, "pair"),
)
SHEETS = {"B": 2, "C": 4, "D": 12, "E": 24, "F": 48, "G": 96, "H": 192, "I": 576, "J": 1152, "K": 2304}


def cell_number(degrees: float, size: Fraction) -> int:
    """The cell that a number lies in, where an edge stands for the double nearest to it."""
    number = math.floor(Fraction(degrees) / size)
    if float((number + 1) * size) <= degrees:
        return number + 1
    return number - 1 if float(number * size) > degrees else number


def beidou_code(lon: float, lat: float, level: int) -> str:
    """GB/T 39409-2020, chapter 5."""
    x, y = abs(lon), abs(lat)
    code = "S" if lat < 0 else "N"
    above = (0, 0)
    for number, (width, height, kind) in enumerate(BEIDOU[:level]):
        column = min(cell_number(x, width), int(180 / width) - 1)
        row = cell_number(y, height)
        if kind == "first":
            code += f"{30 - column if lon < 0 else 31 + column:02d}{chr(ord('A') + row)}"
        else:
            wide, high, _ = BEIDOU[number - 1]
            dx, dy = column - above[0] * int(wide / width), row - above[1] * int(high / height)
            code += f"{dx:X}{dy:X}" if kind == "pair" else f"{dy * 2 + dx:X}"
        above = (column, row)
    return code


def beidou_code_3d(lon: float, lat: float, layer: int) -> str:
    """GB/T 39409-2020, chapter 6, all ten levels, from the layer number."""
    plane = beidou_code(lon, lat, 10)
    fragments = [
        plane[1:4],
        plane[4:6],
        plane[6],
        plane[7:9],
        plane[9:11],
        plane[11],
        *(plane[i : i + 2] for i in range(12, 20, 2)),
    ]
    bits = f"{abs(layer):031b}"
    ends, start = (6, 3, 1, 4, 4, 1, 3, 3, 3, 3), 0
    code = plane[0] + ("1" if layer < 0 else "0")
    for number, (fragment, width) in enumerate(zip(fragments, ends, strict=True)):
        height = int(bits[start : start + width], 2)
        code += fragment + (f"{height:02d}" if number == 0 else f"{height:X}")
        start += width
    return code


def sheet_number(lon: float, lat: float, letter: str) -> str:
    """GB/T 13989-2012, chapters 4 and 5."""
    column, row = min(cell_number(lon, Fraction(6)), 29), cell_number(lat, Fraction(4))
    code = f"{chr(ord('A') + row)}{column + 31:02d}"
    if letter == "A":
        return code
    n = SHEETS[letter]
    fine_column = min(cell_number(lon, Fraction(6, n)), 30 * n - 1) - column * n
    fine_row = cell_number(lat, Fraction(4, n)) - row * n
    digits = 4 if letter in "JK" else 3
    return f"{code}{letter}{n - fine_row:0{digits}d}{fine_column + 1:0{digits}d}"
