"""The C kernel of `tiles_encoder.c`: compiled here where there is a compiler, called with the arrays of a snapshot."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tiles.kernel.window import TileWindow
from tiles.snapshot.layout import Columns

SOURCE = Path(__file__).with_name("tiles_encoder.c")
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
_ARRAYS = (
    ("fids", "kinds", "first_zoom", "boxes", "feature_paths", "path_vertices", "path_roles", "x", "y", "vertex_zoom"),
    ("codes", "value_starts", "value_bytes", "tree_boxes"),
)
_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


class _Columns(ctypes.Structure):
    _fields_: ClassVar[Any] = [
        ("n", _I64),
        *((name, _POINTER) for name in _ARRAYS[0]),
        ("properties", _I64),
        *((name, _POINTER) for name in _ARRAYS[1]),
        ("levels", _I64),
        ("tree_levels", _POINTER),
        ("remap", _POINTER),
    ]


def compiled(folder: Path) -> ctypes.CDLL | None:
    """The library; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    library = folder / "tiles_encoder.so"
    subprocess.run([compiler, *FLAGS, "-o", str(library), str(SOURCE), "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    for name in ("search", "encode", "gather"):
        getattr(loaded, name).restype = _I64
    return loaded


class CKernel:
    """The features and values of a window, of one set of columns in Web Mercator."""

    def __init__(self, library: ctypes.CDLL, columns: Columns) -> None:
        self._library = library
        self._kept = [getattr(columns, name) for name in (*_ARRAYS[0], *_ARRAYS[1], "tree_levels")]
        self._remap = np.full(len(columns.value_starts), -1, dtype=np.int32)
        self._found = np.empty(len(columns), dtype=np.int64)
        first, second = ([getattr(columns, name).ctypes.data for name in names] for names in _ARRAYS)
        levels = columns.tree_levels
        self._columns = _Columns(
            len(columns), *first, columns.codes.shape[1], *second, len(levels), levels.ctypes.data, self._remap.ctypes.data
        )  # fmt: skip

    def draw(self, window: TileWindow) -> tuple[bytes, bytes, int]:
        """Bytes of the features and of the table of values, and how many polygons are left to GEOS."""
        box = np.array(window.mercator_box(), dtype=np.int64)
        inner = np.array(window.inner_box(), dtype=np.int64)
        low, high = int(window.low), int(window.high)
        frame = np.array([window.zoom, window.bits, window.extent, *window.origin, low, high, 1, 1], dtype=np.int64)
        counters: npt.NDArray[np.int64] = np.zeros(3, dtype=np.int64)
        columns = ctypes.byref(self._columns)
        count = self._library.search(columns, _at(box), _at(self._found))
        out, used, values = _POINTER(), _POINTER(), _POINTER()
        n_used, doubtful = _I64(), _I64()
        size = self._library.encode(
            columns, _at(self._found), _I64(count), _at(inner), _at(frame), _at(counters),
            ctypes.byref(out), ctypes.byref(used), ctypes.byref(n_used), ctypes.byref(doubtful),
        )  # fmt: skip
        length = self._library.gather(columns, used, n_used, ctypes.byref(values))
        return _bytes(out, size), _bytes(values, length), doubtful.value


def _at(array: npt.NDArray[np.int64]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _bytes(pointer: ctypes.c_void_p, size: int) -> bytes:
    return ctypes.string_at(pointer, size) if size else b""
