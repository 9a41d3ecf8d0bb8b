"""Swap: a region of one picture replaced with the same region of another.

Source: the follow rate, docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from auditor.regions import Region

if TYPE_CHECKING:
    from torch import Tensor


class Swapper:
    """Composes x_i outside R and x_j inside R, lazily and in chunks, for many (R, i, j)."""

    def __init__(self, images: Tensor, regions: Sequence[Region]) -> None:
        """Prepare the regions' soft masks.

        Args:
            images: uint8 or float (n, channels, height, width). Of clips and volumes (n, channels, depth, height,
                width): a region is the same place in all frames or slices.
            regions: Regions of those pictures.
        """
        self.images = images
        height, width = images.shape[-2:]
        weights = torch.from_numpy(np.stack([region.weights(height, width) for region in regions]))
        self.weights = weights.view(len(regions), *[1] * (images.ndim - 3), height, width)

    def compose(self, region: np.ndarray, recipient: np.ndarray, donor: np.ndarray) -> Tensor:
        """The pictures for index arrays of equal length: float32, (len, channels, height, width) or with a depth."""
        weights = self.weights[torch.from_numpy(region)]
        kept = self.images[torch.from_numpy(recipient)].float()
        brought = self.images[torch.from_numpy(donor)].float()
        return torch.lerp(kept, brought, weights)
