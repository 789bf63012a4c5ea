"""Band arithmetic: `(b4-b1)/(b4+b1)` over the bands of a raster.

The text is parsed into a tree in which only numbers, bands, arithmetic, comparisons and a few functions may stand, and that
tree is walked over float32 arrays; nothing is ever handed to Python to run. Its cost is bounded by its length: every node is one
pass over the pixels of a tile, and numbers are floating point, so that no power grows without end.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.errors import BadLookError

Values = npt.NDArray[np.float32]

LONGEST = 500
MOST_NODES = 80
MOST_RESULTS = 3
_BAND = re.compile(r"b([1-9]\d{0,2})")
_OPERATORS: dict[type[ast.operator], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_COMPARISONS: dict[type[ast.cmpop], np.ufunc] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_FUNCTIONS: dict[str, tuple[int, Callable[..., npt.NDArray[np.generic]]]] = {
    "abs": (1, np.abs),
    "sqrt": (1, np.sqrt),
    "exp": (1, np.exp),
    "log": (1, np.log),
    "log10": (1, np.log10),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "arctan": (1, np.arctan),
    "floor": (1, np.floor),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "where": (3, np.where),
}
SYNTAX = (
    f"numbers, b1, b2, …, + - * / % **, comparisons, {', '.join(_FUNCTIONS)}; up to {MOST_RESULTS} results between ;"
)


@dataclass(frozen=True, slots=True)
class Expression:
    """Band arithmetic that was understood.

    Attributes:
        text: As written, without blanks.
        bands: The bands it needs, ascending.
    """

    text: str
    bands: tuple[int, ...]
    _trees: tuple[ast.expr, ...]

    def __call__(self, values: Mapping[int, Values]) -> Values:
        """(results, rows, columns), float32, from bands (rows, columns) by number; not finite where it has no value."""
        shape = next(iter(values.values())).shape
        with np.errstate(all="ignore"):
            results = [np.broadcast_to(np.asarray(_value(tree, values), np.float32), shape) for tree in self._trees]
        return np.stack(results)


def parse_expression(text: str) -> Expression:
    """Band arithmetic.

    Raises:
        BadLookError: if it is too long, cannot be read, or holds anything but arithmetic over bands.

    >>> parse_expression("(b4 - b1) / (b4 + b1)").bands
    (1, 4)
    """
    if len(text) > LONGEST:
        raise _refused("表达式过长。The expression is too long.", f"{len(text)} characters", f"{LONGEST} characters")
    parts = text.split(";")
    try:
        trees = tuple(ast.parse(part.strip(), mode="eval").body for part in parts)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refused("表达式无法解析。The expression cannot be read.", text, SYNTAX) from error
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.expr)]
    if len(nodes) > MOST_NODES:
        raise _refused(
            "表达式过于复杂。The expression has too many terms.", f"{len(nodes)} terms", f"{MOST_NODES} terms"
        )
    if len(trees) > MOST_RESULTS:
        raise _refused(
            "表达式结果过多。The expression has too many results.", str(len(trees)), f"{MOST_RESULTS} results"
        )
    bands: set[int] = set()
    for tree in trees:
        _check(tree, bands)
    if not bands:
        raise _refused("表达式没有用到波段。The expression names no band.", text, SYNTAX)
    return Expression("".join(text.split()), tuple(sorted(bands)), trees)


def _check(node: ast.expr, bands: set[int]) -> None:
    """Refuse whatever is not arithmetic, and collect the bands."""
    match node:
        case ast.Constant(value=bool() | str() | bytes() | None):
            pass
        case ast.Constant(value=int() | float() as number) if _is_finite(number):
            return None
        case ast.Name(id=name) if _BAND.fullmatch(name):
            bands.add(int(name[1:]))
            return None
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _check(operand, bands)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            _check(left, bands)
            return _check(right, bands)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            _check(left, bands)
            return _check(right, bands)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if (
            name in _FUNCTIONS and len(arguments) == _FUNCTIONS[name][0]
        ):
            for argument in arguments:
                _check(argument, bands)
            return None
    raise _refused("表达式含有不允许的内容。This cannot stand in an expression.", ast.unparse(node), SYNTAX)


def _value(node: ast.expr, values: Mapping[int, Values]) -> npt.NDArray[np.generic]:
    match node:
        case ast.Constant(value=int() | float() as number):
            return np.asarray(np.float32(number))
        case ast.Name(id=name):
            return values[int(name[1:])]
        case ast.UnaryOp(op=op, operand=operand):
            inner = _value(operand, values)
            return np.negative(inner.astype(np.float32)) if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            return np.asarray(_OPERATORS[type(op)](_number(left, values), _number(right, values)))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return np.asarray(_COMPARISONS[type(op)](_value(left, values), _value(right, values)))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return np.asarray(_FUNCTIONS[name][1](*(_number(argument, values) for argument in arguments)))
    raise AssertionError(ast.dump(node))


def _number(node: ast.expr, values: Mapping[int, Values]) -> Values:
    """A comparison counts as 1 and 0."""
    return _value(node, values).astype(np.float32, copy=False)


def _is_finite(number: float) -> bool:
    """Whether it is a number of single precision."""
    return abs(number) <= float(np.finfo(np.float32).max)


def _refused(message: str, value: str, limit: str) -> BadLookError:
    return BadLookError(message, value=value, limit=limit, remedy="Write for instance (b4-b1)/(b4+b1).")
