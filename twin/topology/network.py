"""Lines that shall meet at nodes: loose ends, crossings and junctions without a node, lines on lines.

An end is loose when no other end is within `node_m` and no other line passes within `node_m`. A loose end within `snap_m` of
another line was meant to touch it: it stops short (undershoot) or has run past it (overshoot). Every other loose end is a dead end,
which streets may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.faults import Faults, faults
from twin.topology.line_pairs import find_line_pairs
from twin.topology.lines import Lines, lines_of
from twin.topology.rules import NetworkCheck
from twin.topology.sheet import Sheet

Integers = npt.NDArray[np.int64]
# So many times the snapping distance along a line, another line it left is out of reach at angles above 11 degrees.
_ACUTE = 5


@dataclass(frozen=True, slots=True)
class NetworkFaults:
    """Faults of a network, and how many loose ends were let pass."""

    faults: list[Faults]
    dead_ends: int
    excused_at_border: int


def check_network(sheet: Sheet, check: NetworkCheck, border: shapely.Geometry | None) -> NetworkFaults:
    """Faults of a network of lines; `border` is the area at whose edge lines may end, in metres."""
    lines, short = lines_of(sheet, check.node_m)
    zero = faults(
        "zero-length",
        sheet.named(short.owner),
        shapely.get_point(short.shapes, 0),
        measures=shapely.length(short.shapes),
        limit=check.node_m,
    )
    loose, junctions = _loose_ends(lines, check)
    at_border = _at_border(lines.ends[loose], border, check.border_m)
    inner = loose[~at_border]
    hanging, dead = _hanging(lines, inner, check)
    found = [zero, *hanging, *find_line_pairs(lines, check)]
    if check.split:
        found.append(junctions)
    if check.dead_ends:
        ids = lines.ids_of_ends(dead)
        limits = np.full(len(dead), np.nan)
        found.append(faults("dead-end", ids, lines.ends[dead], measures=limits, limit=check.snap_m))
    if check.pseudo_nodes:
        found.append(_pseudo_nodes(lines))
    return NetworkFaults(found, len(dead), int(at_border.sum()))


def _loose_ends(lines: Lines, check: NetworkCheck) -> tuple[Integers, Faults]:
    """Ends that meet nothing, and those that meet the middle of a line which has no node there."""
    loose = (lines.degrees == 1) & ~lines.closed_ends
    end, line = shapely.STRtree(lines.shapes).query(lines.ends, predicate="dwithin", distance=check.node_m)
    foreign = line != lines.line_of_end(end)
    end, line = end[foreign], line[foreign]
    loose[end] = False
    loose[_ends_on_own_line(lines, np.flatnonzero(loose), check.node_m)] = False
    has_node = shapely.distance(lines.ends[end], lines.ends_of_lines[line]) <= check.node_m
    on_middle = _first_of_each(lines.nodes[end], line, ~has_node)
    ids, others = lines.ids_of_ends(end[on_middle]), lines.ids_of_lines(line[on_middle])
    return np.flatnonzero(loose), faults("unsplit-junction", ids, lines.ends[end[on_middle]], others=others)


def _first_of_each(nodes: Integers, line: Integers, wanted: npt.NDArray[np.bool_]) -> Integers:
    """Of several ends that meet a line in one node, the first."""
    rows = np.flatnonzero(wanted)
    _, first = np.unique(np.column_stack([nodes[rows], line[rows]]), axis=0, return_index=True)
    return np.asarray(rows[np.sort(first)], dtype=np.int64)


def _ends_on_own_line(lines: Lines, ends: Integers, node_m: float) -> list[int]:
    """Ends that run back into their own line, as a lane with a turning loop does."""
    suspects = ends[~shapely.is_simple(lines.shapes[lines.line_of_end(ends)])]
    back = []
    for end in suspects:
        vertices = shapely.get_coordinates(lines.shapes[lines.line_of_end(end)])
        rest = vertices[2:] if end % 2 == 0 else vertices[:-2]
        if len(rest) > 1 and shapely.distance(lines.ends[end], shapely.linestrings(rest)) <= node_m:
            back.append(int(end))
    return back


def _at_border(
    ends: npt.NDArray[np.object_], border: shapely.Geometry | None, border_m: float
) -> npt.NDArray[np.bool_]:
    if border is None or len(ends) == 0:
        return np.zeros(len(ends), dtype=bool)
    edge = shapely.boundary(border)
    shapely.prepare(border)
    shapely.prepare(edge)
    return np.asarray(~shapely.intersects(border, ends) | shapely.dwithin(edge, ends, border_m), dtype=bool)


def _hanging(lines: Lines, loose: Integers, check: NetworkCheck) -> tuple[list[Faults], Integers]:
    """Loose ends that stop short of a line or have run past one; and the rest: genuine dead ends."""
    found: dict[str, list[tuple[int, int, float]]] = {"undershoot": [], "overshoot": []}
    index, near = shapely.STRtree(lines.shapes).query(lines.ends[loose], predicate="dwithin", distance=check.snap_m)
    own = lines.line_of_end(loose)
    foreign = near != own[index]
    index, near = index[foreign], near[foreign]
    candidates: dict[int, list[int]] = {}
    for i, line in zip(index.tolist(), near.tolist(), strict=True):
        candidates.setdefault(i, []).append(line)
    dead = []
    for i, end in enumerate(loose.tolist()):
        verdict = _judge(lines, end, candidates.get(i, ()), check.snap_m)
        if verdict is None:
            dead.append(end)
        else:
            kind, line, distance = verdict
            found[kind].append((end, line, distance))
    hanging = [
        faults(
            kind,
            lines.ids_of_ends(np.array([end for end, _, _ in rows], dtype=np.int64)),
            lines.ends[[end for end, _, _ in rows]],
            others=lines.ids_of_lines(np.array([line for _, line, _ in rows], dtype=np.int64)),
            measures=[distance for _, _, distance in rows],
            limit=check.snap_m,
        )
        for kind, rows in found.items()
    ]
    return hanging, np.array(dead, dtype=np.int64)


def _judge(lines: Lines, end: int, near: Sequence[int], snap_m: float) -> tuple[str, int, float] | None:
    """What a loose end with these lines nearby is: kind, the line it missed, and by how much; None for a dead end."""
    if not near:
        return None
    line = int(lines.line_of_end(end))
    shape, place = lines.shapes[line], lines.ends[end]
    length = float(lines.lengths[line])
    tails = []
    for other in near:
        crossing = shapely.intersection(shape, lines.shapes[other])
        if not shapely.is_empty(crossing):
            vertices = shapely.points(shapely.get_coordinates(crossing))
            from_start = shapely.line_locate_point(shape, vertices)
            behind = from_start if end % 2 == 0 else length - from_start
            tails.append((float(behind.min()), int(other)))
    if tails and min(tails)[0] <= snap_m:
        tail, other = min(tails)
        return "overshoot", other, tail
    # A short line may leave another at so small an angle that its end is still near: that is no second approach.
    branches_off = {crossed for tail, crossed in tails if tail <= _ACUTE * snap_m}
    missed = [other for other in near if other not in branches_off]
    if not missed:
        return None
    distances = shapely.distance(place, lines.shapes[missed])
    nearest = int(np.argmin(distances))
    return "undershoot", missed[nearest], float(distances[nearest])


def _pseudo_nodes(lines: Lines) -> Faults:
    """Nodes where exactly two lines of the same attributes meet."""
    order = np.argsort(lines.nodes, kind="stable")
    nodes = lines.nodes[order]
    starts = np.flatnonzero(np.diff(nodes, prepend=-1))
    counts = np.diff(np.append(starts, len(nodes)))
    a, b = order[starts[counts == 2]], order[starts[counts == 2] + 1]
    one, two = lines.line_of_end(a), lines.line_of_end(b)
    same = (one != two) & (lines.digests[one] == lines.digests[two])
    return faults("pseudo-node", lines.ids_of_ends(a[same]), lines.ends[a[same]], others=lines.ids_of_ends(b[same]))
