"""Attention-guided CAM of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class AttentionGuidedCam(MapVisualizer):
    """Attention-guided CAM: gradients of the class score at the attention of every layer, guided by attention scores.

    Σ over layers and heads of σ(S) ⊙ ReLU(∂y/∂A), of the class token's row over the patches: S = QKᵀ/√d are the
    scores before the softmax, A = softmax(S), σ the sigmoid. A softmax lets few patches take all the weight; the
    sigmoid judges each patch by itself, so that no patch is bright or dark because of another. Where patches are
    averaged instead of a class token, the mean row of those tokens that the score reads is taken; an attention pooling
    at the end is one layer more. Layers are added as they are, so that one with large gradients decides the map.
    Attention that lowers the score is cut off, and what the values hold is only in the gradient. Windows (Swin) and
    merged tokens are refused.

    Source: Leem and Seo, "Attention Guided CAM: Visual Explanations of Vision Transformer Guided by Self-Attention",
    AAAI 2024, section on methodology.
    """

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    needs = frozenset({Need.ATTENTION, Need.ATTENTION_GRADIENTS, Need.ATTENTION_SCORES})
    reading = (
        "Bright areas are those where looking more closely raises the score of the explained class, in all layers of "
        "the network together. One patch covers many pixels: read the area, not its edge."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.attention is not None
        within, pool = captured.attention.chain()
        total = captured.inputs.new_zeros(())
        for layer in within if pool is None else (*within, pool):
            assert layer.gradients is not None
            assert layer.scores is not None
            raised = layer.scores.sigmoid() * layer.gradients.clamp(min=0)
            total = total + layer.over_image(captured.attention.rows_of(layer, raised).sum(dim=1))
        return total
