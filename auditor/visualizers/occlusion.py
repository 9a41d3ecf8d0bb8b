"""Occlusion: hide a window, see what the score loses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor

IMAGES_AT_ONCE = 64
"""Composed images held at one time."""


class Occlusion(MapVisualizer):
    """Occlusion: how much of the class's probability is lost when a window of the image is hidden.

    A window filled with the sample's mean colour slides over the input; each pixel shows the mean drop over the
    windows that cover it, or none where the mean is a gain. It needs no gradient and no layer, so it works on every
    model. Its resolution is that of the window; a hidden window also makes the image unusual, which can cost
    probability by itself.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2.
    """

    window: float = Field(0.25, gt=0, le=1, description="Side of the window, as a share of the image's side")
    stride: float = Field(0.125, gt=0, le=1, description="Step of the window, as a share of the image's side")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "standard": {"window": 0.25, "stride": 0.125},
        "full": {"window": 0.125, "stride": 0.0625},
    }
    needs = frozenset({Need.SCORES})
    reading = (
        "Bright areas are those the model misses when they are hidden. Values are lost probability, averaged over all "
        "windows that cover the place."
    )

    def forwards(self, height: int, width: int) -> int:
        return len(self._starts(height)) * len(self._starts(width)) + 1

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.target_scores is not None
        assert captured.fill is not None
        inputs, targets = captured.inputs, captured.targets
        count, _, height, width = inputs.shape
        rows, columns = self._side(height), self._side(width)
        corners = [(top, left) for top in self._starts(height) for left in self._starts(width)]
        whole = captured.target_scores(inputs, targets)
        lost = torch.zeros((count, height, width), device=inputs.device)
        covered = torch.zeros((height, width), device=inputs.device)
        at_once = max(1, IMAGES_AT_ONCE // count)
        for start in range(0, len(corners), at_once):
            group = corners[start : start + at_once]
            hidden = inputs.repeat(len(group), 1, 1, 1)
            for index, (top, left) in enumerate(group):
                hidden[index * count : (index + 1) * count, :, top : top + rows, left : left + columns] = captured.fill
            scores = captured.target_scores(hidden, targets.repeat(len(group))).view(len(group), count)
            for (top, left), drop in zip(group, whole - scores, strict=True):
                lost[:, top : top + rows, left : left + columns] += drop[:, None, None]
                covered[top : top + rows, left : left + columns] += 1
        return (lost / covered).clamp(min=0)

    def _side(self, length: int) -> int:
        return max(1, round(self.window * length))

    def _starts(self, length: int) -> list[int]:
        """First pixels of the windows; the last window ends at the edge, so every pixel is covered."""
        side, step = self._side(length), max(1, min(round(self.stride * length), self._side(length)))
        count = math.ceil((length - side) / step) + 1
        return [min(index * step, length - side) for index in range(count)]
