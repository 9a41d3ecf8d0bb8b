"""Relevance through attention, weighted by gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class AttentionRelevance(MapVisualizer):
    """Attention relevance: attention that raised the score of the explained class, gathered through all layers.

    Starting from R = I, each layer adds R ← R + ĀR with Ā = mean over heads of ReLU(∂y/∂A ⊙ A). Shown is the row of
    the class token, or the mean of those rows that the score reads, without the identity. Unlike rollout it differs
    from class to class. Only attention is followed: relevance that the residual path carries from patch to score
    without attention is not in it, and attention that spoke against the class is cut off. An attention pooling at the
    end is treated as attention from its own query to the tokens. Windows (Swin) and merged tokens are refused.

    Source: Chefer, Gur and Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and
    Encoder-Decoder Transformers", ICCV 2021, the update of self-attention; for pooling that of co-attention.
    """

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    needs = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS})
    reading = (
        "Bright areas are those that the network looked at in order to raise the score of the explained class. One "
        "patch covers many pixels: read the area, not its edge."
    )

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.attention is not None
        within, pool = captured.attention.chain()
        last = captured.attention.layers[-1]
        identity = torch.eye(last.keys, device=captured.inputs.device)
        gathered = identity.new_zeros(len(captured.inputs), last.keys, last.keys)  # R − I: small beside I, kept exact
        for layer in within:
            assert layer.gradients is not None
            raised = (layer.gradients * layer.weights).clamp(min=0).mean(dim=1)
            gathered = gathered + raised + raised @ gathered
        read = captured.attention.reading()
        if pool is None:
            return last.over_image(read @ gathered)
        assert pool.gradients is not None
        raised = (pool.gradients * pool.weights).clamp(min=0).mean(dim=1)
        sums = gathered.sum(dim=-1, keepdim=True)
        shares = gathered / torch.where(sums > 0, sums, 1.0) + identity
        return last.over_image(read @ (raised @ shares))
