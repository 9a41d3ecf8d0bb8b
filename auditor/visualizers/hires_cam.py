"""HiResCAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class HiResCam(MapVisualizer):
    """HiResCAM: each activation times its own gradient, so that no place is credited with another's gradient.

    L = ReLU(Σₖ ∂y/∂Aₖ ⊙ Aₖ). Where one linear layer reads the grid, the values before ReLU add up to the score without
    its bias: what is bright was used. Deeper in the network that holds only to first order, and the map is as coarse
    as the layer.

    Source: Draelos and Carin, "Use HiResCAM instead of Grad-CAM", arXiv 2011.08891, 2020, section 3.3.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    per_layer = True
    reading = (
        "Bright areas are places whose own features raised the score of the explained class. It is narrower than "
        "Grad-CAM, which also lights up where a feature is present and was not used."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        assert captured.gradients is not None
        return (captured.gradients * captured.activations).sum(dim=1).clamp(min=0)
