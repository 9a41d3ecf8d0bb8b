"""CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import weighted
from auditor.errors import NotApplicableError
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class Cam(MapVisualizer):
    """CAM: a layer's units, each weighted as the classifying layer weighs it.

    M = ReLU(Σₖ wₖ Aₖ) with wₖ the class's weights of the linear layer that reads the mean of Aₖ over positions (of a
    difference: those of the one less those of the other). Where
    the model is built like that, the map's mean before ReLU is the class score without its bias: nothing is estimated.
    It exists for such models alone, on the layer before the pooling; elsewhere Grad-CAM stands in. As coarse as the
    layer, and silent on what speaks against the class.

    Source: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.ACTIVATIONS, Need.HEAD})
    per_layer = True
    reading = (
        "Bright areas hold features that add to the score of the explained class, by the very weights that the model "
        "decides with. One cell covers many pixels: read the area, not its edge."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.activations is not None
        if captured.targets.own is not None:
            raise NotApplicableError(
                f"CAM needs the weights of a class, and the score {captured.targets.words} has none; take grad_cam"
            )
        if captured.head is None:
            raise NotApplicableError(
                f"CAM needs scores that one linear layer makes from the mean of the layer's output; what follows "
                f"'{captured.layer}' is not of that form, so take grad_cam or the layer before the pooling"
            )
        return weighted(captured.targets.weights(captured.head), captured.activations)
