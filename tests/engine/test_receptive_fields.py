"""Receptive fields against the arithmetic of kernels, strides and paddings, and what no arithmetic on paper knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from auditor.engine.receptive_fields import Box, Point, most_forwards, receptive_fields
from auditor.engine.responses import responding
from auditor.visualizers.top_activating_images import TopActivatingImages
from tests.engine.networks import HEIGHT, WIDTH, ClassTokenViT, PlainCnn, inputs, seeded

STACKS: dict[str, list[nn.Module]] = {
    "one convolution": [nn.Conv2d(3, 4, 3, padding=1)],
    "strides and a pooling": [
        nn.Conv2d(3, 4, 5, 2, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(4, 4, 3, padding=1),
    ],
    "dilation without padding": [nn.Conv2d(3, 4, 3, dilation=2), nn.GELU(), nn.AvgPool2d(2), nn.Conv2d(4, 4, 2)],
    "sides that differ": [nn.Conv2d(3, 4, (1, 5), padding=(0, 2)), nn.BatchNorm2d(4), nn.Conv2d(4, 4, (3, 1), (2, 1))],
}


class Head(nn.Module):
    """A body whose output is averaged into two scores."""

    def __init__(self, body: Sequence[nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.body(x).mean((2, 3))[:, :2]
        return scores


def found(module: nn.Module, layer: str, points: Sequence[Point], *, x: Tensor | None = None) -> list[Box | None]:
    with responding(module, [layer], torch.device("cpu"), gradients=False) as respond:
        return receptive_fields(respond, inputs(1) if x is None else x, {layer: points})[layer]


def by_arithmetic(body: Sequence[Any], row: int, column: int) -> Box:
    """Source: Araujo, Norris and Sim, Distill 2019, going back from the output, layer by layer."""
    ends = []
    for axis, (place, side) in enumerate(((row, HEIGHT), (column, WIDTH))):
        low = high = place
        for part in reversed(body):
            if not hasattr(part, "kernel_size"):
                continue
            kernel, stride, padding, dilation = (
                value[axis] if isinstance(value, tuple) else value
                for value in (part.kernel_size, part.stride, part.padding, getattr(part, "dilation", 1))
            )
            low, high = low * stride - padding, high * stride - padding + dilation * (kernel - 1)
        ends.append((max(0, low), min(side, high + 1)))
    (y1, y2), (x1, x2) = ends
    return x1, y1, x2, y2


@pytest.mark.parametrize("name", STACKS)
def test_boxes_are_those_of_the_arithmetic_in_corners_and_within(name: str) -> None:
    body = STACKS[name]
    module = seeded(Head, body)
    rows, columns = module.body(inputs(1)).shape[2:]
    places = [(0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1), (rows - 1, 0)]

    boxes = found(module, "body", [(1, row, column) for row, column in places])

    assert boxes == [by_arithmetic(body, row, column) for row, column in places]


def test_neither_silent_units_nor_weights_of_zero_hide_a_pixel() -> None:
    body: list[Any] = [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()]
    module = Head(body).eval()
    with torch.no_grad():
        body[0].weight.zero_()
        body[0].bias.fill_(-1)
        body[2].weight.mul_(-1)

    assert found(module, "body", [(0, 8, 6)]) == [by_arithmetic(body, 8, 6)]


def test_a_shortcut_counts_with_the_longer_way_and_in_place_code_changes_nothing() -> None:
    assert found(seeded(PlainCnn, inplace=True), "features.6", [(3, 4, 3)]) == [(3, 5, 11, 13)]


def test_attention_sees_the_whole_picture() -> None:
    assert found(seeded(ClassTokenViT), "encoder.layers.0", [(2, 1, 1)]) == [(0, 0, WIDTH, HEIGHT)]


def test_where_the_network_replaces_undefined_values_the_box_is_unknown() -> None:
    class Cleans(PlainCnn):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.nan_to_num())

    assert found(seeded(Cleans), "features.6", [(0, 2, 2)]) == [None]


def test_where_the_value_is_undefined_anyhow_the_box_is_unknown() -> None:
    assert found(seeded(PlainCnn), "features.6", [(0, 2, 2)], x=torch.full((1, 3, HEIGHT, WIDTH), torch.nan)) == [None]


def test_it_costs_no_more_than_it_says_and_the_visualizer_says_the_same() -> None:
    module, asked = seeded(PlainCnn), []
    with responding(module, ["features.6"], torch.device("cpu"), gradients=False) as respond:

        def counted(x: Tensor, *, waking: bool = False) -> Any:
            asked.append(len(x))
            return respond(x)

        receptive_fields(counted, inputs(1), {"features.6": [(0, 0, 0), (0, 7, 5), (1, 3, 3)]})

    assert sum(asked) <= most_forwards(HEIGHT, WIDTH) == TopActivatingImages().forwards_in_all(1, HEIGHT, WIDTH)
