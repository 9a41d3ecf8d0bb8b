"""LIME: a linear model of what the network makes of the image's patches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.media import EVERY
from auditor.visualizers import PatchVisualizer

if TYPE_CHECKING:
    from torch import Generator, Tensor


class Lime(PatchVisualizer):
    """LIME: what each patch of the image adds to the class's probability, by a linear model fitted around the image.

    The image is cut into patches of like colour (superpixels, our own small SLIC; of clips and volumes in depth too);
    random patches are filled with the sample's mean colour; a ridge regression from "patch visible" to the class's
    probability, weighted by exp(−d²/width²) with d the cosine distance from the whole image, gives each patch its
    coefficient. M is the coefficient where it is positive. It needs no gradient and no layer, so it works on every
    model. What it cannot show: anything finer than a patch, or patches that only count together; another way of cutting
    gives another map, and with few samples it is not stable. Each image has its own draws, the same in every run. Costs
    one forward a sample.

    Source: Ribeiro et al., "Why Should I Trust You?", KDD 2016, section 3.4.
    """

    kernel_width: float = Field(0.25, gt=0, le=10, description="Width of the weights, in cosine distance")
    ridge: float = Field(0.01, ge=0, le=100, description="Penalty on coefficients, which keeps few samples stable")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {"most_images": 4}}
    reading = (
        "Bright patches are those whose sight makes the class likelier. The patch is the unit: read nothing into its "
        "outline, and compare with another method before you conclude."
    )

    def sets(self, patches: int, generator: Generator) -> Tensor:
        import torch

        visible = torch.rand((self.samples, patches), generator=generator) < 0.5
        visible[0] = True  # the image itself
        return visible

    def values(self, visible: Tensor, scores: Tensor) -> Tensor:
        """Coefficients of the weighted ridge regression; the intercept is not penalised."""
        import torch

        cosine = visible.sum(dim=1).sqrt() / math.sqrt(visible.shape[1])
        weights = torch.exp(-((1 - cosine) ** 2) / self.kernel_width**2)
        weights = weights / weights.sum()
        centred = visible - weights @ visible
        away = scores - weights @ scores
        products = centred.T @ (weights[:, None] * centred)
        # a patch that all samples share has no coefficient: the pseudo-inverse gives it 0
        penalty = self.ridge * torch.eye(len(products), dtype=products.dtype) * products.diagonal().mean()
        found: Tensor = torch.linalg.pinv(products + penalty, hermitian=True) @ (centred.T @ (weights * away))
        return found
