"""LayerCAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import layer_cam
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class LayerCam(MapVisualizer):
    """LayerCAM: activations weighted by their own positive gradient, so that early layers stay sharp.

    Mᵢⱼ = ReLU(Σₖ ReLU(∂y/∂Aᵢⱼᵏ) · Aᵢⱼᵏ). Unlike Grad-CAM each position has its own weight, which keeps detail on
    layers with a fine grid.

    Source: Jiang et al., "LayerCAM", IEEE TIP 2021.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {}, "full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    per_layer = True
    reading = (
        "Bright areas hold features that raised the score of the explained class at that very place. On early layers "
        "it follows outlines, on late ones it is as coarse as Grad-CAM."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        assert captured.gradients is not None
        return layer_cam(captured.activations, captured.gradients)
