"""Which pixels a unit can see, found by what an undefined pixel makes undefined."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from auditor.studies import Responses

__all__ = ["Box", "Point", "most_forwards", "receptive_fields"]

Box = tuple[int, int, int, int]
"""(x1, y1, x2, y2) in pixels of the input, ends exclusive."""
Point = tuple[int, int, int]
"""(unit, row, column) of a layer's grid."""
AT_ONCE = 8
"""Copies of the example that go through the model at once."""


def receptive_fields(
    respond: Callable[[Tensor], Responses], example: Tensor, points: Mapping[str, Sequence[Point]]
) -> dict[str, list[Box | None]]:
    """The smallest box around all pixels that a unit's value depends on, clipped at the borders by its nature.

    Stripes of the input, then single rows and columns at the edges of what was found, are set to NaN in turn: whatever
    reads one becomes NaN, whatever the weights are and whichever units are silent, for nothing cancels or masks a NaN
    in convolutions, poolings, normalisations, activation functions, attention and sums. The box is exact; the pixels
    within it need not all be read (dilation, windows).

    Args:
        respond: Of the layers in `points`, without gradients; called with one image for each row and column.
        example: Any model input, shape (1, channels, height, width).
        points: Layer → units to ask for.

    Returns:
        A box for each point; None where the value is NaN anyhow, or the network replaces NaN.

    Source: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019, for
    what is computed; the way is our own.
    """
    # fast algorithms (Winograd, FFT) mix neighbouring outputs, and a NaN would spread with them
    with torch.backends.cudnn.flags(enabled=False):
        anyhow = _undefined(respond(example), points)
        (top, bottom), (left, right) = (_edges(respond, example, points, axis) for axis in (2, 3))
    boxes: dict[str, list[Box | None]] = {layer: [] for layer in points}
    owners = [layer for layer, of_layer in points.items() for _ in of_layer]
    for number, layer in enumerate(owners):
        found = bool(bottom[number]) and bool(right[number]) and not anyhow[0, number]
        box = (int(left[number]), int(top[number]), int(right[number]), int(bottom[number]))
        boxes[layer].append(box if found else None)
    return boxes


def most_forwards(height: int, width: int) -> int:
    """Upper bound of forwards that `receptive_fields` takes."""
    return 1 + sum(length + len(_stripes(length)) for length in (height, width))


def _edges(
    respond: Callable[[Tensor], Responses], example: Tensor, points: Mapping[str, Sequence[Point]], axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """First pixel that each point reads along an axis, and the one behind the last; 0 and 0 where it reads none."""
    stripes = _stripes(example.shape[axis])
    coarse = _touched(respond, example, points, axis, stripes)
    some = np.asarray(coarse.any(axis=0))
    first, last = coarse.argmax(axis=0), len(stripes) - 1 - coarse[::-1].argmax(axis=0)
    pixels = sorted({pixel for end in (first[some], last[some]) for each in end.tolist() for pixel in stripes[each]})
    fine = _touched(respond, example, points, axis, [range(pixel, pixel + 1) for pixel in pixels])
    low, high = np.zeros(len(some), dtype=np.int64), np.zeros(len(some), dtype=np.int64)
    for point in np.flatnonzero(some):
        read = [pixel for pixel, touched in zip(pixels, fine[:, point], strict=True) if touched]
        if read:
            low[point], high[point] = read[0], read[-1] + 1
    return low, high


def _touched(
    respond: Callable[[Tensor], Responses],
    example: Tensor,
    points: Mapping[str, Sequence[Point]],
    axis: int,
    stripes: Sequence[range],
) -> np.ndarray:
    """Which points read which stripes of the input: bool (stripes, points)."""
    parts = [np.zeros((0, sum(len(of_layer) for of_layer in points.values())), dtype=bool)]
    for start in range(0, len(stripes), AT_ONCE):
        some = stripes[start : start + AT_ONCE]
        batch = example.repeat(len(some), 1, 1, 1)
        for number, stripe in enumerate(some):
            batch[number].narrow(axis - 1, stripe.start, len(stripe)).fill_(float("nan"))
        parts.append(_undefined(respond(batch), points))
    return np.concatenate(parts)


def _stripes(length: int) -> list[range]:
    """As many as each is wide, about."""
    width = max(1, math.isqrt(length))
    return [range(start, min(start + width, length)) for start in range(0, length, width)]


def _undefined(found: Responses, points: Mapping[str, Sequence[Point]]) -> np.ndarray:
    """Which points are NaN: bool (batch, points), layer after layer."""
    values = [
        found.activations[layer][:, unit, row, column]
        for layer, of_layer in points.items()
        for unit, row, column in of_layer
    ]
    return torch.stack(values, dim=1).isnan().cpu().numpy()
