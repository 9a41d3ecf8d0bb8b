"""What single attention heads look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.media import EVERY
from auditor.visualizers import Captured, ChannelVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class AttentionHeads(ChannelVisualizer):
    """Attention heads: where each head of a layer looks, for the tokens that the score reads.

    Shown is the row of the head's matrix that belongs to the class token, or the mean of those rows that the score
    reads, over the image's patches; class and register tokens are left out, so a head that rests on them is dark. Heads
    come with the largest weight on a single patch first. Where a head looks is not what it passes on: the values are
    not in the map.

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section on scaled dot-product attention; as
    pictures of the class token's heads: Caron et al., "Emerging Properties in Self-Supervised Vision Transformers",
    ICCV 2021, figure 3.
    """

    shown: int = Field(8, ge=1, le=64, description="How many heads are shown for each image")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {"shown": 16}}
    # the gradients tell which tokens the score reads; the maps themselves hold none
    needs = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS})
    unit = "head"
    reading = (
        "Each tile is one attention head of the layer; bright is where it looks. The same head that lights up on a "
        "corner or a border in many images deserves a look."
    )

    def channels(self, captured: Captured) -> tuple[Tensor, Tensor]:
        import torch

        assert captured.attention is not None
        layer = captured.attention.under(captured.layer)
        maps = layer.over_image(captured.attention.row(layer))
        # a stable sort: among equal heads the lower index comes first on every device
        units = maps.flatten(2).amax(dim=2).argsort(dim=1, descending=True, stable=True)[:, : self.shown]
        return maps[torch.arange(len(units), device=units.device)[:, None], units], units
