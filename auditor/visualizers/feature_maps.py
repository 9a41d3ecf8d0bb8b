"""Feature maps: what single units of a layer answer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.media import EVERY
from auditor.visualizers import Captured, ChannelVisualizer, Need

if TYPE_CHECKING:
    from torch import Tensor


class FeatureMaps(ChannelVisualizer):
    """Feature maps: the units of a layer that answer most strongly to each image, and where.

    Units are ranked by their mean activation over the grid, image by image. The maps are what the layer puts out;
    whether the class score uses them is not in them.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 2.
    """

    shown: int = Field(8, ge=1, le=64, description="How many units are shown for each image")

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {"shown": 4}, "standard": {}, "full": {"shown": 16}}
    needs = frozenset({Need.ACTIVATIONS})
    reading = (
        "Each tile is one unit of the layer, strongest first; bright is where it answers. The same unit that lights "
        "up on a corner or a border in many images deserves a look."
    )

    def channels(self, captured: Captured) -> tuple[Tensor, Tensor]:
        import torch

        assert captured.activations is not None
        strength = captured.activations.flatten(2).mean(dim=2)
        # a stable sort: among equal units the lower index comes first on every device
        units = strength.argsort(dim=1, descending=True, stable=True)[:, : self.shown]
        rows = torch.arange(len(units), device=units.device)[:, None]
        return captured.activations[rows, units], units
