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
            images: uint8 or float (n, channels, height, width).
            regions: Regions of those pictures.
        """
        self.images = images
        height, width = images.shape[-2:]
        self.weights = torch.from_numpy(np.stack([region.weights(height, width) for region in regions]))[:, None]

    def compose(self, region: np.ndarray, recipient: np.ndarray, donor: np.ndarray) -> Tensor:
        """The pictures for index arrays of equal length: float32 (len, channels, height, width)."""
        weights = self.weights[torch.from_numpy(region)]
        kept = self.images[torch.from_numpy(recipient)].float()
        brought = self.images[torch.from_numpy(donor)].float()
        return torch.lerp(kept, brought, weights)
