"""Guided backpropagation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import PASS, Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class GuidedBackprop(MapVisualizer):
    """Guided backpropagation: the input gradient with every negative signal dropped at each ReLU on the way back.

    Each ReLU passes back ReLU(gradient) where its input was positive; M = max꜀ |result| over the colour channels.

    FAILS SANITY CHECKS: with random weights it draws nearly the same picture, and it hardly depends on the class. It
    partly restores the image's edges, whatever the model makes of them. It is here because others publish it, and to
    show how sharp and wrong a map can be; conclude nothing from it. A model without a ReLU (GELU, SiLU) is refused;
    in one that has both, other activations pass the plain gradient. Costs one gradient, 2 forwards.

    Source: Springenberg et al., "Striving for Simplicity", ICLR workshop 2015, section 3.4; the failures: Adebayo et
    al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 4, and Nie et al., ICML 2018.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    needs = frozenset({Need.GUIDED_GRADIENTS})
    reading = (
        "FAILS SANITY CHECKS: it shows edges of the input, nearly the same ones for a network with random weights. "
        "Sharp does not mean true; do not conclude from this map what the model looks at."
    )

    def forwards(self, height: int, width: int) -> int:
        return PASS

    def maps(self, captured: Captured) -> Tensor:
        assert captured.guided_gradients is not None
        return captured.guided_gradients().abs().amax(dim=1)
