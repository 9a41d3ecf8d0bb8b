"""Guided Grad-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import enlarged, grad_cam
from auditor.media import EVERY
from auditor.visualizers import PASS, Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class GuidedGradCam(MapVisualizer):
    """Guided Grad-CAM: guided backpropagation, masked by Grad-CAM.

    M = max꜀ |guided gradient| · Grad-CAM enlarged to the input's size.

    FAILS SANITY CHECKS: its fine structure is guided backpropagation's, edges of the picture that random weights draw
    just as well; only the coarse mask, which is Grad-CAM, depends on the model. Look at Grad-CAM instead. A model
    without a ReLU is refused. Costs one guided gradient, 2 forwards, for all layers together.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, section 3.2; the failures: Adebayo et al., "Sanity Checks for
    Saliency Maps", NeurIPS 2018, section 4.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS, Need.GUIDED_GRADIENTS})
    per_layer = True
    reading = (
        "FAILS SANITY CHECKS: the fine lines are edges of the input, which a network with random weights draws too; "
        "only where they are shown comes from the model. Read Grad-CAM instead."
    )

    def forwards(self, height: int, width: int) -> int:
        return PASS

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        assert captured.gradients is not None
        assert captured.guided_gradients is not None
        mask = enlarged(grad_cam(captured.activations, captured.gradients), captured.inputs.shape[2:])
        return captured.guided_gradients().abs().amax(dim=1) * mask
