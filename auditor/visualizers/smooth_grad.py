"""SmoothGrad: the input gradient, averaged over noisy copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.cam_formulas import as_weights
from auditor.media import EVERY
from auditor.visualizers import PASS, Captured, MapVisualizer, Need, copies_at_once

if TYPE_CHECKING:
    from torch import Tensor


class SmoothGrad(MapVisualizer):
    """SmoothGrad: the input gradient averaged over noisy copies of the image, so that speckle cancels.

    M = max꜀ |mean over k of ∂y/∂x (x + nₖ)|, n Gaussian with a share of the image's own range as its spread. Like
    saliency it shows what the score is sensitive to, not what it rests on, and with more noise it drifts towards
    images that are not there. Each image has its own noise, the same in every run. Each noisy copy costs one gradient,
    2 forwards.

    Source: Smilkov et al., "SmoothGrad", 2017, section 2.1.
    """

    samples: int = Field(25, ge=1, le=500, description="Noisy copies of each image")
    noise: float = Field(0.15, gt=0, le=1, description="Spread of the noise, as a share of the image's range of values")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {"samples": 25}}
    media = EVERY
    hurried: ClassVar[Mapping[str, Any]] = {"samples": 6}
    needs = frozenset({Need.GRADIENTS})
    reading = (
        "Bright areas are those where small changes move the score most, on the image and on noisy copies of it. "
        "Calmer than saliency, and read like it: sensitive is not the same as decisive."
    )

    def forwards(self, height: int, width: int) -> int:
        return PASS * self.samples

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.target_gradients is not None
        inputs, targets = captured.inputs, captured.targets
        flat = inputs.flatten(1)
        spread = as_weights(self.noise * (flat.amax(dim=1) - flat.amin(dim=1)), inputs)
        generators = captured.generators()
        total = torch.zeros_like(inputs)
        at_once = copies_at_once(inputs)
        for start in range(0, self.samples, at_once):
            count = min(at_once, self.samples - start)
            # one draw a copy and image, so that the grouping of copies changes no number
            drawn = [torch.randn(inputs.shape[1:], generator=own) for _ in range(count) for own in generators]
            noise = torch.stack(drawn).to(inputs.device).view(count, *inputs.shape)
            noisy = (inputs + spread * noise).flatten(0, 1)
            _, gradients = captured.target_gradients(noisy, targets.repeat(count))
            total += gradients.view(count, *inputs.shape).sum(dim=0)
        return (total / self.samples).abs().amax(dim=1)
