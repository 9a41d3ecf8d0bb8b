"""EigenGradCAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import first_component
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class EigenGradCam(MapVisualizer):
    """EigenGradCAM: the pattern that a layer's units share most, once each is multiplied by its gradient.

    L = ReLU((∂y/∂A ⊙ A) v₁) with v₁ as in EigenCAM; its sign is the one that agrees with Σₖ ∂y/∂Aₖ ⊙ Aₖ, so that bright
    speaks for the class. Unlike EigenCAM it knows the class. One pattern is kept and the rest is dropped: it is cleaner
    than HiResCAM, and silent on evidence of a second kind.

    Source: Gildenblat, pytorch-grad-cam, 2021 (EigenGradCAM); the component of Muhammad and Yeasin, IJCNN 2020.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
    per_layer = True
    reading = (
        "Bright areas are where most of the evidence for the explained class lies together. A second, different cue "
        "may be missing: look at HiResCAM too."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        assert captured.gradients is not None
        return first_component(captured.gradients * captured.activations).clamp(min=0)
