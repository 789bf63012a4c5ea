"""Band arithmetic computes what numpy does, and nothing but arithmetic is taken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiles.raster.expression import LONGEST, parse_expression
from twin.errors import BadLookError

RED = np.array([[10.0, 0.0], [3.0, 200.0]], dtype=np.float32)
NIR = np.array([[30.0, 0.0], [1.0, 100.0]], dtype=np.float32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(b4-b1)/(b4+b1)", [[0.5, np.nan], [-0.5, -1 / 3]]),
        ("-b1 ** 2 % 7", np.mod(-(RED**2), 7)),
        ("where(b4 > b1, sqrt(b4), 0)", [[np.sqrt(30), 0], [0, 0]]),
        ("(b1 >= 10) + (b1 == 3)", [[1, 0], [1, 1]]),
        ("min(b1, b4) * 1e1", np.minimum(RED, NIR) * 10),
    ],
)
def test_it_computes(text, expected):
    made = parse_expression(text)({1: RED, 4: NIR})
    assert made.dtype == np.float32
    assert np.allclose(made[0], expected, equal_nan=True)


def test_several_results_and_the_bands_they_need():
    expression = parse_expression("b4; b1; 7*b1")
    assert expression.bands == (1, 4)
    assert np.array_equal(expression({1: RED, 4: NIR}), [NIR, RED, 7 * RED])


@pytest.mark.parametrize(
    "text",
    [
        "", "1+1", "b0", "b1.real", "b1[0]", "__import__('os')", "abs", "abs(b1, b1)", "eval(b1)", "b1 if b1 else b1", "b1 and b1",
        "lambda: b1", "[b1 for b1 in b1]", "'a'*b1", "b1 < b1 < b1", "b1 := 2", "b1 @ b1", "b1 // 1", "9e99*b1", "b1;", "b1;b1;b1;b1",
        "b1 +" * 200, "(" * 250 + "b1" + ")" * 240, "b1" + "+b1" * 60, "b1\0", "~b1", "True*b1", "1j*b1", "9" * 400 + "*b1",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(BadLookError):
        parse_expression(text)


def test_powers_of_powers_cost_a_pass_over_the_pixels_each():
    assert np.isinf(parse_expression("9**9**9**9*b1+b1")({1: RED})).any()


@given(st.text(alphabet="b12.+-*/%()<>=,; whereabsqrt_x'[]\n", max_size=LONGEST + 5))
def test_no_text_does_anything_but_compute_or_be_refused(text):
    try:
        expression = parse_expression(text)
    except BadLookError:
        return
    assert expression(dict.fromkeys(expression.bands, RED)).shape[1:] == RED.shape
