"""A packed R-tree written straight into SQLite's own R*Tree tables.

Inserting a million boxes one by one through the virtual table costs most of a bulk import. The boxes are known all at once,
so the tree is packed here (sorted along a Hilbert curve, full nodes) and its nodes are written as SQLite stores them.
`rtreecheck()` of SQLite is the second opinion in the tests.

Source: comment "Database Format of R-Tree Tables" in SQLite's ext/rtree/rtree.c: every node is one blob, big-endian;
2 bytes tree depth (root only), 2 bytes cell count, then cells of an 8-byte id and 4 single-precision coordinates
(min x, max x, min y, max y); node 1 is the root.
"""

from __future__ import annotations

import sqlite3

import numpy as np
import numpy.typing as npt

from twin.hilbert import hilbert_keys

_MAX_CELLS = 51  # RTREE_MAXCELLS
_CELL = np.dtype([("id", ">i8"), ("minx", ">f4"), ("maxx", ">f4"), ("miny", ">f4"), ("maxy", ">f4")])


def write_packed_rtree(
    connection: sqlite3.Connection, table: str, ids: npt.NDArray[np.int64], boxes: npt.NDArray[np.float64]
) -> None:
    """Fill the empty R*Tree `table` with all boxes at once, inside the caller's transaction.

    Args:
        connection: Open SQLite connection.
        table: Name of the rtree virtual table; it must exist and be empty, with default node size for its page size.
        ids: int64 (n,) row numbers, n >= 1.
        boxes: float64 (n, 4) west, south, east, north, all finite.
    """
    node_bytes = _node_bytes(connection, table)
    capacity = min(_MAX_CELLS, (node_bytes - 4) // _CELL.itemsize)
    cells = _leaf_cells(ids, boxes)
    levels: list[list[npt.NDArray[np.void]]] = []
    level_ids: list[npt.NDArray[np.int64]] = []
    next_node = 2
    while True:
        nodes = [cells[i : i + capacity] for i in range(0, len(cells), capacity)]
        levels.append(nodes)
        if len(nodes) == 1:
            level_ids.append(np.array([1], dtype=np.int64))
            break
        numbers = np.arange(next_node, next_node + len(nodes), dtype=np.int64)
        next_node += len(nodes)
        level_ids.append(numbers)
        cells = _parent_cells(numbers, cells, capacity)
    _write_levels(connection, table, levels, level_ids, node_bytes)


def _node_bytes(connection: sqlite3.Connection, table: str) -> int:
    """Length of a node blob, read off the empty root that SQLite made."""
    (length,) = connection.execute(f'SELECT length(data) FROM "{table}_node" WHERE nodeno = 1').fetchone()
    return int(length)


def _leaf_cells(ids: npt.NDArray[np.int64], boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.void]:
    order = np.argsort(hilbert_keys(boxes), kind="stable")
    cells = np.empty(len(ids), dtype=_CELL)
    cells["id"] = ids[order]
    low, high = round_down(boxes[order][:, :2]), round_up(boxes[order][:, 2:])
    cells["minx"], cells["miny"] = low[:, 0], low[:, 1]
    cells["maxx"], cells["maxy"] = high[:, 0], high[:, 1]
    return cells


def _parent_cells(numbers: npt.NDArray[np.int64], cells: npt.NDArray[np.void], capacity: int) -> npt.NDArray[np.void]:
    starts = np.arange(0, len(cells), capacity)
    parents = np.empty(len(numbers), dtype=_CELL)
    parents["id"] = numbers
    for name, reduce in (("minx", np.minimum), ("miny", np.minimum), ("maxx", np.maximum), ("maxy", np.maximum)):
        parents[name] = reduce.reduceat(cells[name].astype(np.float32), starts)
    return parents


def _write_levels(
    connection: sqlite3.Connection,
    table: str,
    levels: list[list[npt.NDArray[np.void]]],
    level_ids: list[npt.NDArray[np.int64]],
    node_bytes: int,
) -> None:
    depth = len(levels) - 1
    for height, (nodes, numbers) in enumerate(zip(levels, level_ids, strict=True)):
        rows = []
        for number, cells in zip(numbers.tolist(), nodes, strict=True):
            head = (depth if number == 1 else 0).to_bytes(2, "big") + len(cells).to_bytes(2, "big")
            rows.append((number, (head + cells.tobytes()).ljust(node_bytes, b"\0")))
        connection.executemany(f'INSERT OR REPLACE INTO "{table}_node" (nodeno, data) VALUES (?, ?)', rows)
        links = (
            (child, number)
            for number, cells in zip(numbers.tolist(), nodes, strict=True)
            for child in cells["id"].tolist()
        )
        target = f'"{table}_rowid" (rowid, nodeno)' if height == 0 else f'"{table}_parent" (nodeno, parentnode)'
        connection.executemany(f"INSERT INTO {target} VALUES (?, ?)", links)


def round_down(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The nearest single-precision numbers that are not above `values`."""
    single = values.astype(np.float32)
    return np.where(single > values, np.nextafter(single, np.float32(-np.inf)), single).astype(np.float32)


def round_up(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The nearest single-precision numbers that are not below `values`."""
    single = values.astype(np.float32)
    return np.where(single < values, np.nextafter(single, np.float32(np.inf)), single).astype(np.float32)
