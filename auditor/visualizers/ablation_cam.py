"""Ablation-CAM."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.cam_formulas import places, weighted
from auditor.errors import NotApplicableError
from auditor.media import EVERY
from auditor.visualizers import Captured, MapVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.visualizers import Tail

VALUES_AT_ONCE = 2**24
"""Activations held at one time: 64 MiB in float32."""


class AblationCam(MapVisualizer):
    """Ablation-CAM: a layer's units, each weighted by what the class score loses when the unit is silenced.

    L = ReLU(Σₖ wₖ Aₖ) with wₖ = y − yₖ, the raw score without unit k. The source divides by y, which scales the map and
    turns it over where y is negative; that is left out. It needs no gradient, so it also weighs what a saturated
    network no longer has a gradient for. Only what follows the layer runs again, so the last block costs next to
    nothing; on early layers as many units are silenced as the budget allows, strongest first, and the others count for
    nothing. Units that stand in for one another all seem unimportant.

    Source: Desai and Ramaswamy, "Ablation-CAM", WACV 2020.
    """

    most_forwards: int = Field(16, ge=1, le=2048, description="Forwards an image that silencing units may cost")

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}
    media = EVERY
    hurried: ClassVar[Mapping[str, Any]] = {"most_forwards": 4}
    needs = frozenset({Need.ACTIVATIONS, Need.TAIL})
    per_layer = True
    reading = (
        "Bright areas hold features without which the explained class would score lower: each was switched off and "
        "the score measured again."
    )

    def forwards(self, height: int, width: int) -> int:
        # a forward to cut the tail out, at most six to try it (two ways, in a chunk of two images), one of nothing
        # silenced
        return self.most_forwards + 1 + 6 + 1

    def maps(self, captured: Captured) -> Tensor:
        import torch

        assert captured.activations is not None
        tail = captured.tail
        if tail is None:
            raise NotApplicableError(
                f"layer '{captured.layer}' is called several times in one forward, so none of its units can be "
                "silenced alone; take the block around one of its calls"
            )
        activations = captured.activations
        count = min(activations.shape[1], max(1, math.floor(self.most_forwards / tail.share)))
        strength = activations.abs().mean(dim=places(activations))
        chosen = strength.argsort(dim=1, descending=True, stable=True)[:, :count]
        weights = torch.zeros_like(strength)
        for image, units in enumerate(chosen):
            whole = tail.scores(image, activations[image : image + 1].clone())
            weights[image, units] = whole - _silenced(tail, image, activations[image], units)
        return weighted(weights, activations)


def _silenced(tail: Tail, image: int, own: Tensor, units: Tensor) -> Tensor:
    """The image's score without each of the units, shape (n,)."""
    import torch

    if tail.without_units is not None:
        return tail.without_units(image, units)
    found = []
    for group in torch.split(units, max(1, VALUES_AT_ONCE // own.numel())):
        silenced = own.repeat(len(group), *[1] * own.ndim)
        silenced[torch.arange(len(group), device=group.device), group] = 0
        found.append(tail.scores(image, silenced))
    return torch.cat(found)
