"""Grad-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import grad_cam
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class GradCam(MapVisualizer):
    """Grad-CAM: a layer's units, each weighted by its mean gradient, where they speak for the class.

    L = ReLU(Σₖ αₖ Aₖ) with αₖ the mean of ∂y/∂Aₖ over positions. As coarse as the layer: it shows where the evidence
    lies, not its outline, and a border or a small tag can be finer than one of its cells.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {}, "standard": {}, "full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    per_layer = True
    reading = (
        "Bright areas hold features that raised the score of the explained class. One cell covers many pixels: read "
        "the area, not its edge."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        assert captured.gradients is not None
        return grad_cam(captured.activations, captured.gradients)
