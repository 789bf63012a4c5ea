"""What the lineage statement says, in both languages, each free of the other."""

from __future__ import annotations

from typing import Any

import pytest

from layers.lineage import lineage_statement

DAY = {"at": "2026-03-01T00:00:00+00:00", "by": "李工"}


@pytest.mark.parametrize(
    ("entry", "zh", "en"),
    [
        (
            {"step": "review", "decision": "correct", "correction": {"shift_m": [-460.0, 12.5]}, "reason": "实测"},
            "2026-03-01：由 李工 纠正（向东 -460 米、向北 12.5 米平移）：实测。",
            "2026-03-01: corrected (shift -460 m, 12.5 m) by 李工: 实测.",
        ),
        (
            {"step": "review", "decision": "correct", "correction": "swap-axes", "reason": "实测"},
            "2026-03-01：由 李工 纠正（坐标轴互换）：实测。",
            "2026-03-01: corrected (swap-axes) by 李工: 实测.",
        ),
        (
            {"step": "import", "source": "a.csv", "crs": "EPSG:4490", "crs_known_by": "assumed"},
            "2026-03-01：由 李工 从 a.csv 导入，坐标系 EPSG:4490（推定）。",
            "2026-03-01: imported from a.csv in EPSG:4490 (assumed) by 李工.",
        ),
    ],
)
def test_each_sentence_is_of_one_language(entry: dict[str, Any], zh: str, en: str) -> None:
    statement = lineage_statement([DAY | entry])
    assert (statement.zh, statement.en) == (zh, en)
