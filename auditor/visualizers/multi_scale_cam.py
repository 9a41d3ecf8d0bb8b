"""Multi-scale Grad-CAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.cam_formulas import grad_cam
from auditor.errors import ModelError, NotApplicableError
from auditor.media import EVERY
from auditor.visualizers import PASS, Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor

SCALES = {0.75: 0.3, 0.5: 0.1}
"""Scale of the image → its share of the fused map; the rest is that of the image itself."""


class MultiScaleCam(MapVisualizer):
    """Multi-scale Grad-CAM: Grad-CAM of the image at three sizes, fused.

    L = .6 · L(1) + .3 · L(¾) + .1 · L(½), each enlarged to the grid of the first and multiplied by its share of cells,
    so that the weights hold. A smaller image is seen in wider context; what all sizes agree on stands out. It is no
    finer than Grad-CAM, and a model that was never shown objects of the smaller size may see something else in them.
    Of clips and volumes height and width are made smaller, and neither time nor depth. Models that take one size only
    are refused.

    Source: Selvaraju et al., "Grad-CAM", ICCV 2017, at each scale; the pyramid and its weights are ours.
    """

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS, Need.PASSES})
    per_layer = True
    reading = (
        "Bright areas hold features that raised the score of the explained class at more than one size of the input. "
        "One cell covers many pixels: read the area, not its edge."
    )

    def forwards(self, height: int, width: int) -> int:
        return PASS * len(SCALES)

    def maps(self, captured: Captured) -> Tensor:
        from torch.nn import functional as F

        assert captured.activations is not None
        assert captured.gradients is not None
        assert captured.again is not None
        own = grad_cam(captured.activations, captured.gradients)
        fused = (1 - sum(SCALES.values())) * own
        for scale, weight in SCALES.items():
            size = [max(1, round(scale * side)) for side in captured.inputs.shape[-2:]]
            smaller = _smaller(captured.inputs, size)
            try:
                found = captured.again(smaller)
            except ModelError as error:
                raise NotApplicableError(
                    f"the model does not take pictures of {size[0]}×{size[1]} pixels, so there are no scales to fuse: "
                    f"{error}"
                ) from error
            assert found.activations is not None
            assert found.gradients is not None
            there = grad_cam(found.activations, found.gradients)
            share = there[0].numel() / own[0].numel()
            mode = "bilinear" if own.ndim == 3 else "trilinear"
            there = F.interpolate(there[:, None], size=own.shape[1:], mode=mode, align_corners=False)[:, 0]
            fused = fused + weight * share * there
        return fused


def _smaller(inputs: Tensor, size: list[int]) -> Tensor:
    """Height and width brought to a size, each frame or slice by itself."""
    from torch.nn import functional as F

    layers = inputs if inputs.ndim == 4 else inputs.transpose(1, 2).flatten(0, 1)
    small = F.interpolate(layers, size=size, mode="bilinear", align_corners=False, antialias=True)
    return small if inputs.ndim == 4 else small.view(len(inputs), -1, *small.shape[1:]).transpose(1, 2)
