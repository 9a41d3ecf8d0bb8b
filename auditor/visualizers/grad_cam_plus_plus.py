"""Grad-CAM++."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import plus_plus_weights, weighted
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class GradCamPlusPlus(MapVisualizer):
    """Grad-CAM++: Grad-CAM whose weights come from positive gradients alone, so that several objects show at once.

    L = ReLU(Σₖ wₖ Aₖ), wₖ = Σᵢⱼ αᵢⱼᵏ ReLU(∂y/∂Aᵢⱼᵏ), αᵢⱼᵏ = g² / (2 g² + Σ Aₖ · g³) with g = ∂y/∂Aᵢⱼᵏ. Small and
    repeated objects get about the weight of a large one. Units that speak against the class can not lower the map, so
    it also lights up where the evidence is mixed, and it is as coarse as the layer.

    Source: Chattopadhay et al., "Grad-CAM++", WACV 2018, section 3.2.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    per_layer = True
    reading = (
        "Bright areas hold features that raised the score of the explained class, small and repeated ones too. What "
        "spoke against the class is left out."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        assert captured.gradients is not None
        first = captured.gradients
        weights = plus_plus_weights(captured.activations, first, first**2, first**3)
        return weighted(weights, captured.activations)
