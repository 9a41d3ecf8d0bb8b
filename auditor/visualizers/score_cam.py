"""Score-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.cam_formulas import as_weights, enlarged, places, weighted
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class ScoreCam(MapVisualizer):
    """Score-CAM: a layer's units, each weighted by the probability that the class gains from what the unit shows.

    L = ReLU(Σₖ αₖ Aₖ) with αₖ = f(X ∘ H(Aₖ)) − f(neutral): the image is shown through each unit's map, scaled to 0..1
    and enlarged, over the sample's mean colour. It needs no gradient. A forward for each unit is its price, so only the
    units that vary most over the image are tried; what the others hold is missing. A picture seen through a soft
    window is unusual, which can cost or give probability by itself.

    Source: Wang et al., "Score-CAM", CVPR workshops 2020; the choice of units as in Li, "Faster Score-CAM",
    2020.
    """

    units: int = Field(32, ge=1, le=512, description="How many units are tried, those that vary most over the image")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {"units": 32}}
    media = EVERY
    hurried: ClassVar[Mapping[str, Any]] = {"units": 8}
    needs = frozenset({Need.ACTIVATIONS, Need.SCORES})
    per_layer = True
    reading = (
        "Bright areas are those that bring the explained class back when little else of the input is shown. Only "
        "some of the layer's units were tried."
    )

    def forwards(self, height: int, width: int) -> int:
        return self.units + 1

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.activations is not None
        assert captured.target_scores is not None
        assert captured.fill is not None
        inputs, targets = captured.inputs, captured.targets
        spread = captured.activations.std(dim=places(captured.activations), correction=0)
        chosen = spread.argsort(dim=1, descending=True, stable=True)[:, : self.units]
        rows = torch.arange(len(inputs), device=inputs.device)
        neutral = captured.target_scores(captured.fill.expand_as(inputs), targets)
        gains = []
        for units in chosen.T:
            shown = captured.activations[rows, units]
            low, high = (as_weights(end, shown) for end in (shown.flatten(1).amin(dim=1), shown.flatten(1).amax(dim=1)))
            mask = ((shown - low) / (high - low)).nan_to_num(0, 0, 0)
            seen = captured.fill + enlarged(mask, inputs.shape[2:])[:, None] * (inputs - captured.fill)
            gains.append(captured.target_scores(seen, targets) - neutral)
        return weighted(torch.stack(gains, dim=1), captured.activations[rows[:, None], chosen])
