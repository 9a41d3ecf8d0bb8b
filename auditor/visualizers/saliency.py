"""Saliency: the plain input gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class Saliency(MapVisualizer):
    """Saliency: how strongly the class score reacts to the smallest change of each pixel.

    The largest absolute gradient over the colour channels. As fine as the input, hence noisy; it shows what the
    score is sensitive to, which is not the same as what it rests on.

    Source: Simonyan et al., "Deep Inside Convolutional Networks", ICLR workshop 2014, section 3.1.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {}, "standard": {}, "full": {}}
    media = EVERY
    needs = frozenset({Need.INPUT_GRADIENTS})
    reading = (
        "Bright pixels are those where a tiny change moves the score most. Speckle is normal; look for whole areas "
        "that are brighter than the rest."
    )

    def maps(self, captured: Captured) -> Tensor:
        assert captured.input_gradients is not None
        return captured.input_gradients.abs().amax(dim=1)
