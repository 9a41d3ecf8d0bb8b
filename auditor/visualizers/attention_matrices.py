"""Attention matrices as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.media import EVERY
from auditor.visualizers import Captured, ChannelVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class AttentionMatrices(ChannelVisualizer):
    """Attention matrices: how much each token of a layer reads from each other, head by head.

    softmax(QKᵀ/√d): one row a token that reads, one column a token that is read, class and register tokens first, then
    patches row by row, of clips frame by frame. A bright column is a token that all others read, a bright diagonal a
    head that keeps to itself, stripes beside it one that reads neighbours. Of windowed attention (Swin) the mean over
    all windows is shown. It is no map over the image, and what the tokens hold is not in it.

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section on scaled dot-product attention.
    """

    shown: int = Field(4, ge=1, le=64, description="How many heads are shown for each image")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    needs = frozenset({Need.ATTENTION})
    unit = "head"
    reading = (
        "Each tile is one attention head: every line is a token, and bright is what it reads from. A bright column is "
        "a token that everything else depends on."
    )

    def channels(self, captured: Captured) -> tuple[Tensor, Tensor]:
        import torch

        assert captured.attention is not None
        layer = captured.attention.under(captured.layer)
        matrices = layer.weights.mean(dim=1) if layer.windowed else layer.weights
        columns = matrices.mean(dim=-2).amax(dim=-1)  # the most read token of each head
        # a stable sort: among equal heads the lower index comes first on every device
        units = columns.argsort(dim=1, descending=True, stable=True)[:, : self.shown]
        return matrices[torch.arange(len(units), device=units.device)[:, None], units], units
