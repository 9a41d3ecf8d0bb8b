"""The chart of layers: a line each, marked where it is odd."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auditor import figures
from auditor.figures.layers import _number


def row(name: str = "layer4.1", *, odd: bool = False, counts: tuple[int, ...] = (0, 3, 9, 1)) -> figures.LayerRow:
    return figures.LayerRow(name, np.array(counts), -1.0, 1.0, {"mean": 0.5, "sd": 1e-5}, odd)


def test_it_is_the_same_bytes_again_and_grows_with_its_layers() -> None:
    two = figures.layer_chart([row(), row("layer3")])

    assert two == figures.layer_chart([row(), row("layer3")])
    assert figures.svg_size(two.svg)[1] < figures.svg_size(figures.layer_chart([row()] * 30).svg)[1]
    assert figures.svg_size(two.svg)[0] == figures.svg_size(figures.layer_chart([row()] * 30).svg)[0]


def test_an_odd_layer_looks_different() -> None:
    assert figures.layer_chart([row(odd=True)]).svg != figures.layer_chart([row()]).svg


def test_an_empty_histogram_and_missing_numbers_are_drawn() -> None:
    empty = figures.LayerRow("x", np.zeros(4, np.int64), 0.0, 1.0, {"mean": math.nan})

    assert figures.layer_chart([empty]).svg.startswith(b"<svg")


def test_no_layers_and_other_headings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        figures.layer_chart([])
    with pytest.raises(ValueError, match="expected"):
        figures.layer_chart([row(), figures.LayerRow("x", np.ones(2, np.int64), 0, 1, {"other": 1})])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.25, "−0.25"), (1.23456, "1.23"), (1e-5, "1.0e−5"), (math.nan, "–"), (2_359_296, "2.36M"),
     (2048, "2.05k"), (512, "512"), (27.0, "27")],
)  # fmt: skip
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert _number(value) == text
