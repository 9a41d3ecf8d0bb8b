"""Smooth Grad-CAM++."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.cam_formulas import as_weights, plus_plus_weights, weighted
from auditor.media import EVERY
from auditor.visualizers import PASS, Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class SmoothGradCamPlusPlus(MapVisualizer):
    """Smooth Grad-CAM++: Grad-CAM++ whose gradients are means over noisy copies of the image.

    The weights are those of Grad-CAM++ with g, g² and g³ each averaged over copies with Gaussian noise; activations are
    those of the image itself. The noise evens out gradients that change from pixel to pixel; it does not make the map
    finer than the layer, and strong noise explains pictures that the model never sees. All images get the same noise,
    which is drawn from a fixed seed.

    Source: Omeiza et al., "Smooth Grad-CAM++", arXiv 1908.01224, 2019.
    """

    draws: int = Field(5, ge=1, le=100, description="Noisy copies of each image")
    noise: float = Field(
        0.15, gt=0, le=1, description="Standard deviation of the noise, as a share of the image's range"
    )

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    hurried: ClassVar[Mapping[str, Any]] = {"draws": 2}
    needs = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS, Need.PASSES})
    per_layer = True
    reading = (
        "Bright areas hold features that raised the score of the explained class, also when the input is a little "
        "noisy. Read it as Grad-CAM++."
    )

    def forwards(self, height: int, width: int) -> int:
        return PASS * self.draws

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.activations is not None
        assert captured.again is not None
        inputs, activations = captured.inputs, captured.activations
        flat = inputs.flatten(1)
        scale = as_weights(self.noise * (flat.amax(dim=1) - flat.amin(dim=1)), inputs)
        generator = torch.Generator().manual_seed(0)
        sums = [torch.zeros_like(activations) for _ in range(3)]
        for _ in range(self.draws):
            noise = torch.randn(inputs.shape[1:], generator=generator).to(inputs.device)
            found = captured.again(inputs + scale * noise).gradients
            assert found is not None
            for power, total in enumerate(sums, start=1):
                total += found**power
        first, second, third = (total / self.draws for total in sums)
        return weighted(plus_plus_weights(activations, first, second, third), activations)
