"""Blocks of a clip or a volume, hidden one after the other: what the score loses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["VOLUMES_AT_ONCE", "Block", "blocks", "lost_without", "occlusion", "pieces"]

Block = tuple[slice, ...]
"""Along depth, height and width."""

VOLUMES_AT_ONCE = 8
"""Hidden copies held at one time: a volume is as large as a hundred images."""


def occlusion(
    inputs: Tensor,
    targets: Any,
    scores: Callable[[Tensor, Any], Tensor],
    *,
    fill: Tensor,
    window: tuple[float, float, float] = (0.25, 0.25, 0.25),
    stride: tuple[float, float, float] = (0.25, 0.25, 0.25),
) -> Tensor:
    """How much probability is lost when a block of the volume, or of the clip in space and time, is hidden.

    Each voxel shows the mean drop over the blocks that cover it, or none where the mean is a gain. A window of 1 along
    an axis hides all of it: (1, s, s) a place throughout the clip, (s, 1, 1) frames.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2, with
    blocks in place of squares.

    Args:
        inputs: Normalised, shape (batch, channels, depth, height, width); not changed.
        targets: int64 (batch,).
        scores: Inputs and targets → (n,) probability of the target, such as `Predictor.input_scores`.
        fill: Neutral voxel, shape (channels, 1, 1, 1).
        window, stride: Along depth, height and width, as shares of the side, above 0 and up to 1.

    Returns:
        float32 (batch, depth, height, width), on the inputs' device.
    """
    if not all(0 < share <= 1 for share in (*window, *stride)):
        raise ValueError(f"window and stride are shares above 0 and up to 1, got {window} and {stride}")
    windows = [blocks(*one) for one in zip(inputs.shape[2:], window, stride, strict=True)]
    return lost_without(inputs, targets, scores, windows, lambda block: fill)


def lost_without(
    inputs: Tensor,
    targets: Any,
    scores: Callable[[Tensor, Any], Tensor],
    along: Sequence[Sequence[slice]],
    instead: Callable[[Block], Tensor],
) -> Tensor:
    """Mean drop of the score over the blocks that cover each voxel; none where the mean is a gain.

    Args:
        inputs, targets, scores: As `occlusion`.
        along: Stretches along depth, height and width that cover each; every combination is one block.
        instead: Block → what stands in for it, to be spread over (batch, channels, the block).

    Returns:
        float32 (batch, depth, height, width), on the inputs' device.
    """
    import torch

    count, extent = len(inputs), tuple(inputs.shape[2:])
    whole = scores(inputs, targets)
    lost = torch.zeros((count, *extent), device=inputs.device)
    covered = torch.zeros(extent, device=inputs.device)
    places: list[Block] = list(itertools.product(*along))
    at_once = max(1, VOLUMES_AT_ONCE // count)
    for start in range(0, len(places), at_once):
        group = places[start : start + at_once]
        hidden = inputs.repeat(len(group), 1, 1, 1, 1)
        for index, block in enumerate(group):
            hidden[index * count : (index + 1) * count, :, *block] = instead(block)
        left = scores(hidden, targets.repeat(len(group))).view(len(group), count)
        for block, drop in zip(group, whole - left, strict=True):
            lost[:, *block] += drop[:, None, None, None]
            covered[block] += 1
    return (lost / covered).clamp(min=0)


def blocks(length: int, window: float, stride: float) -> list[slice]:
    """Along one axis; the last block ends at the edge, so that every voxel is covered."""
    side = max(1, round(window * length))
    step = max(1, min(round(stride * length), side))
    count = math.ceil((length - side) / step) + 1
    return [slice(first, first + side) for first in (min(index * step, length - side) for index in range(count))]


def pieces(length: int, count: int) -> list[slice]:
    """An axis cut into stretches of nearly equal length: `count` of them, or as many as there are voxels."""
    count = min(count, length)
    ends = [round(index * length / count) for index in range(count + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(ends)]
