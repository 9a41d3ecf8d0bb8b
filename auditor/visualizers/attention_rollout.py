"""Attention rollout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class AttentionRollout(MapVisualizer):
    """Attention rollout: where the tokens that the score reads have gathered from, through all layers.

    Each layer mixes its tokens by Âₗ = ½·mean over heads of Aₗ + ½·I, the identity standing for the residual path; the
    mixing of all layers is the product Â_L ⋯ Â₁. Shown is the row of the class token, or the mean of those rows that
    the score reads. It follows attention alone: what the values hold, what the layers between do, and which class is
    explained are not in it, so it is the same map for every class. An attention pooling at the end multiplies it once
    more, without a residual. Windows (Swin) and merged tokens have no such product and are refused.

    Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020, section 3.
    """

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    # the gradients tell which tokens the score reads; the map itself holds none
    of_class = False
    needs = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS})
    reading = (
        "Bright areas are where the network has looked, over all its layers together. It says where the information "
        "came from, not whether it spoke for or against the class."
    )

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.attention is not None
        within, pool = captured.attention.chain()
        last = captured.attention.layers[-1]
        row = captured.attention.reading().expand(len(captured.inputs), 1, -1)
        if pool is not None:
            row = row @ pool.weights.mean(dim=1)
        for layer in reversed(within):
            identity = torch.eye(layer.keys, device=row.device)
            row = row @ (0.5 * layer.weights.mean(dim=1) + 0.5 * identity)
        return last.over_image(row[:, 0])
