"""Input × gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class InputXGradient(MapVisualizer):
    """Input × gradient: each pixel's value times what the class score makes of it, where that speaks for the class.

    M = ReLU(Σ꜀ x꜀ · ∂y/∂x꜀) over the colour channels, x as the model sees it. Exact for a linear model whose inputs
    are measured from 0: there it is the pixel's share in the score. In any other network it is a first guess: the
    gradient holds at this very image only, and where a unit is saturated it is 0 although the unit counts. A pixel
    near the normalisation's mean colour gets nothing however much it matters. Speckled, as all plain gradients.
    Costs nothing beyond the shared pass.

    Source: Shrikumar et al., "Not Just a Black Box", 2016, section 2.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.INPUT_GRADIENTS})
    reading = (
        "Bright pixels raised the score of the explained class, as far as a straight line can tell. Speckle is normal; "
        "grey or plain areas stay dark even where they matter."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.input_gradients is not None
        return (captured.inputs * captured.input_gradients).sum(dim=1).clamp(min=0)
