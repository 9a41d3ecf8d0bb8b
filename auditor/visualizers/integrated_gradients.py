"""Integrated gradients: the gradient, summed on the way from a neutral picture to the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.cam_formulas import as_weights
from auditor.media import EVERY
from auditor.visualizers import PASS, Captured, MapVisualizer, Need, copies_at_once

if TYPE_CHECKING:
    from torch import Tensor

TINY = 1e-6
"""A difference of scores below this is no scale for the gap."""


class IntegratedGradients(MapVisualizer):
    """Integrated gradients: what each pixel adds to the score on the straight way from a neutral picture to the image.

    A = (x − b) · ∫₀¹ ∂y/∂x (b + α(x − b)) dα by the trapezoid rule, M = ReLU(Σ꜀ A꜀) over the colour channels; the
    baseline b is the sample's mean colour everywhere. All A, of both signs, sum to y(x) − y(b): the report says how
    far the sum is from that (the completeness gap), as a share of y(x) − y(b); with a large gap take more steps.
    What it cannot show: a pixel of the baseline's colour gets nothing however much it matters, another baseline gives
    another map, and the pictures on the way are nothing the model has ever seen. Each step costs one gradient,
    2 forwards; the image's own gradient comes from the shared pass.

    Source: Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017, proposition 1.
    """

    steps: int = Field(32, ge=1, le=1000, description="Steps from the neutral picture to the image")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {"steps": 32}}
    media = EVERY
    hurried: ClassVar[Mapping[str, Any]] = {"steps": 8}
    needs = frozenset({Need.INPUT_GRADIENTS, Need.GRADIENTS})
    reading = (
        "Bright pixels raised the score of the explained class compared with an input of one plain colour. All "
        "contributions together make up the whole difference in score; parts of that plain colour stay dark."
    )

    def forwards(self, height: int, width: int) -> int:
        return PASS * self.steps

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.target_gradients is not None
        assert captured.input_gradients is not None
        assert captured.fill is not None
        inputs, targets = captured.inputs, captured.targets
        away = inputs - captured.fill
        total = captured.input_gradients / 2
        neutral = torch.zeros(len(inputs), device=inputs.device)
        at_once = copies_at_once(inputs)
        for start in range(0, self.steps, at_once):
            taken = range(start, min(start + at_once, self.steps))
            shares = torch.tensor([step / self.steps for step in taken], device=inputs.device)
            on_the_way = captured.fill + as_weights(shares, away[None]) * away
            scores, gradients = captured.target_gradients(on_the_way.flatten(0, 1), targets.repeat(len(taken)))
            gradients = gradients.view(len(taken), *inputs.shape)
            if start == 0:
                neutral = scores[: len(inputs)]
                total = total - gradients[0] / 2
            total = total + gradients.sum(dim=0)
        attributions = away * total / self.steps
        if captured.tell is not None:
            difference = captured.target_logits() - neutral
            gap = (attributions.flatten(1).sum(dim=1) - difference).abs() / difference.abs().clamp(min=TINY)
            captured.tell("completeness gap, as a share of y(x) − y(baseline)", gap)
        return attributions.sum(dim=1).clamp(min=0)
