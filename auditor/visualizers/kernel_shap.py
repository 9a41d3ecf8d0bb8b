"""KernelSHAP: the image's probability, divided fairly among its patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import PatchVisualizer

if TYPE_CHECKING:
    from torch import Generator, Tensor


class KernelShap(PatchVisualizer):
    """KernelSHAP: how the class's probability divides among the image's patches, by their Shapley values.

    The image is cut into patches of like colour (superpixels, our own small SLIC; of clips and volumes in depth too). A
    patch's Shapley value is what it adds when it appears, averaged over all orders of appearing; the rest has the
    sample's mean colour. It is found by least squares over random sets of patches, drawn with the Shapley kernel's
    weights and each together with its complement, under the constraint that all values sum to P(image) − P(nothing
    visible). M is the value where it is positive. It needs no gradient and no layer, so it works on every model. What
    it cannot show: anything finer than a patch; it asks about images with most patches missing, which the model has
    never seen; with few samples it is an estimate (exact for a model that adds patches up). Each image has its own
    draws, the same in every run. Costs one forward a sample.

    Source: Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017, theorem 2; pairs
    and constraint: Covert and Lee, "Improving KernelSHAP", AISTATS 2021, section 4.1.
    """

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {"most_images": 4}}
    reading = (
        "Bright patches carry most of the class's probability; all patches together, with those that speak against "
        "it, make up the whole. The patch is the unit: read nothing into its outline."
    )

    def sets(self, patches: int, generator: Generator) -> Tensor:
        """All, none, then pairs of complements: `samples` or one less."""
        import torch

        whole = torch.ones((1, patches), dtype=torch.bool)
        if patches == 1:
            return torch.cat((whole, ~whole))
        pairs = (self.samples - 2) // 2
        sizes = torch.arange(1, patches, dtype=torch.float64)
        drawn = torch.multinomial(1 / (sizes * (patches - sizes)), pairs, replacement=True, generator=generator) + 1
        ranks = torch.rand((pairs, patches), generator=generator).argsort(dim=1).argsort(dim=1)
        sets = ranks < drawn[:, None]
        return torch.cat((whole, ~whole, sets, ~sets))

    def values(self, visible: Tensor, scores: Tensor) -> Tensor:
        return shapley_values(visible, scores)


def shapley_values(visible: Tensor, scores: Tensor) -> Tensor:
    """Least squares over sets drawn from the Shapley kernel, under the constraint of the sum.

    Args:
        visible: float64 0 or 1, shape (sets, players); the first set is whole, the second empty.
        scores: float64 (sets,).

    Returns:
        float64 (players,), whose sum is scores[0] − scores[1].
    """
    import torch

    players = visible.shape[1]
    whole = scores[0] - scores[1]
    mean = whole / players
    # values = mean + deviations that sum to 0: the last column, subtracted, carries the constraint
    sets = visible[2:]
    gains = scores[2:] - scores[1] - mean * sets.sum(dim=1)
    free = sets[:, :-1] - sets[:, -1:]
    deviations = torch.linalg.pinv(free) @ gains
    return torch.cat((deviations, -deviations.sum(dim=0, keepdim=True))) + mean
