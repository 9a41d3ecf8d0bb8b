"""Occlusion: hide a window, see what the score loses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need, copies_at_once

if TYPE_CHECKING:
    from torch import Tensor


class Occlusion(MapVisualizer):
    """Occlusion: how much of the class's probability is lost when a window of the image is hidden.

    A window filled with the sample's mean colour slides over the input; each pixel shows the mean drop over the
    windows that cover it, or none where the mean is a gain. It needs no gradient and no layer, so it works on every
    model. Its resolution is that of the window; a hidden window also makes the image unusual, which can cost
    probability by itself.

    With `finer` levels it goes from coarse to fine: each level halves window and step, and tries only the windows
    with the largest loss so far, a `kept` share of those at the first finer level, kept² at the next. The map is the
    mean over the levels, where a place that was not tried again adds nothing; so no place overtakes one that lost more
    on every coarser level. What only counts when it is hidden in small pieces is not found. Costs one forward a
    window, and one. In clips and volumes a window is hidden in all frames or slices at once; `frame_occlusion` and
    `block_occlusion` tell those apart.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2.
    """

    window: float = Field(0.25, gt=0, le=1, description="Side of the window, as a share of the image's side")
    stride: float = Field(0.125, gt=0, le=1, description="Step of the window, as a share of the image's side")
    finer: int = Field(0, ge=0, le=4, description="Levels of finer windows, each with half the side and step")
    kept: float = Field(0.25, gt=0, le=1, description="Share of the finer windows that are tried, where most was lost")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "standard": {"window": 0.25, "stride": 0.125},
        "full": {"window": 0.25, "stride": 0.125, "finer": 2},
    }
    media = EVERY
    hurried: ClassVar[Mapping[str, Any]] = {"stride": 0.25, "finer": 0}
    needs = frozenset({Need.SCORES})
    reading = (
        "Bright areas are those the model misses when they are hidden. Values are lost probability, averaged over all "
        "windows that cover the place."
    )

    def forwards(self, height: int, width: int) -> int:
        levels = (self._tried(len(self._corners(height, width, level)), level) for level in range(self.finer + 1))
        return sum(levels) + 1

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.target_scores is not None
        inputs = captured.inputs
        count, height, width = len(inputs), *inputs.shape[-2:]
        whole = captured.target_scores(inputs, captured.targets)
        total = torch.zeros((count, height, width), device=inputs.device)
        for level in range(self.finer + 1):
            corners = torch.tensor(self._corners(height, width, level), device=inputs.device)
            sides = self._side(height, level), self._side(width, level)
            tried = self._tried(len(corners), level)
            if tried == len(corners):
                chosen = corners.expand(count, -1, -1)
            else:
                so_far = _sums(total, corners, sides)
                chosen = corners[so_far.argsort(dim=1, descending=True, stable=True)[:, :tried]]
            total += _lost(captured, whole, chosen, sides)
        lost = total / (self.finer + 1)
        return lost if inputs.ndim == 4 else lost[:, None]

    def _tried(self, windows: int, level: int) -> int:
        """How many of a level's windows are tried on each image."""
        share: float = self.kept**level
        return math.ceil(windows * share)

    def _side(self, length: int, level: int) -> int:
        return max(1, round(self.window * 0.5**level * length))

    def _corners(self, height: int, width: int, level: int) -> list[tuple[int, int]]:
        return [(top, left) for top in self._starts(height, level) for left in self._starts(width, level)]

    def _starts(self, length: int, level: int) -> list[int]:
        """First pixels of the windows; the last window ends at the edge, so every pixel is covered."""
        side = self._side(length, level)
        step = max(1, min(round(self.stride * 0.5**level * length), side))
        count = math.ceil((length - side) / step) + 1
        return [min(index * step, length - side) for index in range(count)]


def _lost(captured: Captured, whole: Tensor, corners: Tensor, sides: tuple[int, int]) -> Tensor:
    """Mean loss over windows, 0 where there is none or the mean is a gain.

    Args:
        captured: The images.
        whole: Their scores when nothing is hidden.
        corners: int64 (batch, windows, 2), first row and column of each image's own windows.
        sides: Rows and columns of a window.

    Returns:
        Shape (batch, height, width).
    """
    import torch

    assert captured.target_scores is not None
    assert captured.fill is not None
    inputs, targets = captured.inputs, captured.targets
    count, height, width = len(inputs), *inputs.shape[-2:]
    rows = torch.arange(height, device=inputs.device)[:, None]
    columns = torch.arange(width, device=inputs.device)
    lost = torch.zeros((count, height, width), device=inputs.device)
    covered = torch.zeros((count, height, width), device=inputs.device)
    at_once = copies_at_once(inputs)
    for start in range(0, corners.shape[1], at_once):
        own = corners[:, start : start + at_once].transpose(0, 1)
        top, left = own[..., 0, None, None], own[..., 1, None, None]
        inside = (rows >= top) & (rows < top + sides[0]) & (columns >= left) & (columns < left + sides[1])
        # alike in all channels, and in all frames or slices
        everywhere = inside.view(*inside.shape[:2], *[1] * (inputs.ndim - 3), height, width)
        hidden = torch.where(everywhere, captured.fill, inputs)
        scores = captured.target_scores(hidden.flatten(0, 1), targets.repeat(len(own))).view(len(own), count)
        lost += ((whole - scores)[:, :, None, None] * inside).sum(dim=0)
        covered += inside.sum(dim=0)
    return (lost / covered.clamp(min=1)).clamp(min=0)


def _sums(maps: Tensor, corners: Tensor, sides: tuple[int, int]) -> Tensor:
    """Sum of each map inside each window: float64 (batch, windows)."""
    from torch.nn import functional as F

    before = F.pad(maps.double().cumsum(dim=1).cumsum(dim=2), (1, 0, 1, 0))
    (top, left), (rows, columns) = corners.T, sides
    bottom, right = top + rows, left + columns
    return before[:, bottom, right] - before[:, top, right] - before[:, bottom, left] + before[:, top, left]
