"""Layer-wise relevance propagation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need, RelevanceRule

if TYPE_CHECKING:
    from torch import Tensor

COSTS = {"epsilon": 3, "gamma": 9, "zplus": 7}
TINY = 1e-6
"""A score below this is no scale for what biases keep."""


class Lrp(MapVisualizer):
    """Layer-wise relevance propagation: the class score, handed back layer by layer to what made it up.

    Each unit shares its relevance out among the units that it reads, in proportion to what they contributed:
    Rᵢ = Σₖ zᵢₖ / Σⱼ zⱼₖ · Rₖ with z = a·w. Convolutions take the chosen rule (gamma: positive contributions count
    1 + γ times; zplus: positive ones alone; epsilon: as they are), linear layers epsilon, after batch norm was folded
    into the convolutions. Activations, sums, concatenations and pooling hand on what they get; a maximum gives to its
    winner. In transformers attention and normalisation follow AttnLRP: products give half to each factor, the spread
    of a LayerNorm is held, softmax keeps its gradient. M = ReLU(Σ꜀ R꜀) over the colour channels.

    Without biases all R, of both signs, sum to the score; the report says how much of it biases and normalisations
    kept. What it cannot show: another rule gives another map; with zplus in many layers the map hardly depends on the
    class. A model that uses an operation without a rule (TorchScript, masked attention) is refused by name. Costs 3
    to 9 forwards.

    Source: Bach et al., PLoS ONE 2015; Montavon et al., "Layer-Wise Relevance Propagation: An
    Overview", 2019, section 10.2; Achtibat et al., "AttnLRP", ICML 2024, section 3; the limits: Sixt et al., "When
    Explanations Lie", ICML 2020.
    """

    rule: Literal["gamma", "zplus", "epsilon"] = Field("gamma", description="How convolutions share relevance out")
    gamma: float = Field(0.25, ge=0, le=100, description="How much more positive contributions count, rule gamma")
    epsilon: float = Field(1e-6, gt=0, le=10, description="Added to each denominator, away from zero")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.RELEVANCE})
    reading = (
        "Bright pixels are those to which the score can be traced back, layer by layer. Compare areas rather than "
        "single pixels, and remember that the rules of sharing are a choice."
    )

    def forwards(self, height: int, width: int) -> int:
        return COSTS[self.rule]

    def maps(self, captured: Captured) -> Tensor:
        assert captured.relevance is not None
        relevance = captured.relevance(RelevanceRule(self.rule, self.gamma, self.epsilon))
        if captured.tell is not None:
            score = captured.target_logits()
            kept = (relevance.flatten(1).sum(dim=1) - score).abs() / score.abs().clamp(min=TINY)
            captured.tell("relevance kept or added by biases and normalisations, as a share of the score", kept)
        return relevance.sum(dim=1).clamp(min=0)
