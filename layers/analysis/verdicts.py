"""Colours of verdicts, the same in layers and in rasters of results."""

from __future__ import annotations

from collections.abc import Mapping

COLORS: Mapping[str, str] = {
    "visible": "#2e8b57", "one-camera": "#7fbf7b", "two-or-more": "#1b7837", "kept": "#2e8b57", "below": "#2e8b57", "sun": "#f5b041",
    "hidden": "#c0392b", "blind": "#c0392b", "broken": "#c0392b", "above": "#c0392b", "shadow": "#34495e", "unknown": "#8e8e8e",
    "inside-building": "#d8d4cb",
}  # fmt: skip
