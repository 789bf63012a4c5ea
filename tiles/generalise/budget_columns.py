"""A tile out of a snapshot, within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tiles.generalise.budget import BUDGET, Budget, Mask, encode_within, importance
from tiles.generalise.cluster_columns import status_numbers
from tiles.generalise.wishes import Clusters
from tiles.kernel.layer import EncodedPart, Part, encode_columns, met_by
from tiles.kernel.window import TileWindow

Ints = npt.NDArray[np.int64]


def encode_budgeted(
    name: str, parts: Sequence[Part], window: TileWindow, clusters: Clusters | None = None, budget: Budget = BUDGET
) -> tuple[EncodedPart, int]:
    """A layer of a vector tile with its most important features, and how many the budget left out.

    Size is half the way round a feature's box, in world units of Web Mercator; a point in alarm is larger than everything.

    Args:
        name: Name of the layer in the tile.
        parts: At least one, with the same keys.
        window: The tile.
        clusters: Which statuses are alarms; None where none is.
    """
    met = [met_by(part.columns, window) for part in parts]
    # Most tiles are far below the budget: which of what is met is due, is asked where it matters.
    if _total(met) <= budget.features or _total(_due(parts, met, window)) <= budget.features:
        made = encode_columns(name, [replace(part, met=each) for part, each in zip(parts, met, strict=True)], window)
        if len(made.data) <= budget.data_bytes:
            return made, 0
    numbers = _due(parts, met, window)
    sizes = np.concatenate([_sizes(part, met, clusters) for part, met in zip(parts, numbers, strict=True)])
    fids = np.concatenate([part.columns.fids[met] for part, met in zip(parts, numbers, strict=True)])
    ends = np.cumsum([len(each) for each in numbers])[:-1]

    def encode(stays: Mask) -> EncodedPart:
        kept = zip(parts, numbers, np.split(stays, ends), strict=True)
        return encode_columns(name, [_only(part, met[each]) for part, met, each in kept], window)

    return encode_within(importance(sizes, fids), encode, lambda made: len(made.data), budget)


def _total(numbers: Sequence[Ints]) -> int:
    return sum(map(len, numbers))


def _due(parts: Sequence[Part], met: Sequence[Ints], window: TileWindow) -> list[Ints]:
    """Those of each part that are drawn at this level."""
    due = []
    for part, each in zip(parts, met, strict=True):
        numbers = each[part.columns.first_zoom[each] <= window.zoom]
        due.append(numbers if part.hidden is None else numbers[part.hidden[numbers] == 0])
    return due


def _sizes(part: Part, numbers: Ints, clusters: Clusters | None) -> npt.NDArray[np.float64]:
    boxes = part.columns.boxes[numbers].astype(np.float64)
    sizes: npt.NDArray[np.float64] = boxes[:, 2] - boxes[:, 0] + boxes[:, 3] - boxes[:, 1]
    if clusters is not None and clusters.alarms:
        sizes[clusters.alarm_mask()[status_numbers(part.columns, numbers, clusters)]] = np.inf
    return sizes


def _only(part: Part, numbers: Ints) -> Part:
    hidden = np.ones(len(part.columns), dtype=np.uint8)
    hidden[numbers] = 0
    return Part(part.columns, hidden)
