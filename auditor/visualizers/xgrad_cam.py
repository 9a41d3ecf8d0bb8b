"""XGrad-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import places, weighted
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor

CANCELLED = 1e-6
"""A unit whose activations sum to less than this share of their size has no mean position to speak of."""


class XGradCam(MapVisualizer):
    """XGrad-CAM: Grad-CAM that counts a unit's gradient where the unit answers.

    L = ReLU(Σₖ αₖ Aₖ) with αₖ = Σᵢⱼ Aᵢⱼᵏ · ∂y/∂Aᵢⱼᵏ / Σᵢⱼ Aᵢⱼᵏ. Where the network after the layer is made of ReLUs and
    linear layers, removing a unit changes the score about as the weight says. A unit whose positive and negative values
    cancel out gets no weight. As coarse as the layer.

    Source: Fu et al., "Axiom-based Grad-CAM", BMVC 2020.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    per_layer = True
    reading = (
        "Bright areas hold features that raised the score of the explained class. Read it as Grad-CAM; where the two "
        "differ, the gradient differs between the places where a feature is and where it is not."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        assert captured.gradients is not None
        units = captured.activations
        total = units.sum(dim=places(units))
        weights = (units * captured.gradients).sum(dim=places(units)) / total
        counts = total.abs() > CANCELLED * units.abs().sum(dim=places(units))
        return weighted(weights.where(counts, 0.0), units)
