"""Maps that know nothing of the model: what a map must be better than."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

SPREAD = 0.25
"""Standard deviation of the centre prior along each side, as a share of it: half of its mass lies on a sixth of the
picture, about what photographers give to the object."""
NAMES = ("random map", "edges", "centre")


@dataclass(frozen=True, slots=True)
class ReferenceMap:
    """One kind of map that knows nothing, on some pictures.

    Attributes:
        name: "random map", "edges" or "centre".
        maps: float32 (m, height, width), non-negative.
        usable: bool (m,): False where it is constant, as the edges of an empty picture are.
    """

    name: str
    maps: np.ndarray
    usable: np.ndarray


def reference_maps(images: Tensor, rows: np.ndarray, seed: int) -> list[ReferenceMap]:
    """Noise, edges and a blob in the centre, for some pictures of a sample.

    Args:
        images: uint8 or float, (m, channels, height, width), at least one.
        rows: (m,) their rows in the sample: a picture's noise depends on its row and on nothing else.
        seed: Of the noise.
    """
    height, width = images.shape[-2:]
    made = np.empty((len(NAMES), len(rows), height, width), np.float32)
    made[2] = _centre(height, width)
    for place, (image, row) in enumerate(zip(images, rows.tolist(), strict=True)):
        made[0, place] = np.random.default_rng([seed, 3, row]).random((height, width), np.float32)
        made[1, place] = _edges(image.numpy())
    return [ReferenceMap(name, maps, np.ptp(maps, axis=(1, 2)) > 0) for name, maps in zip(NAMES, made, strict=True)]


def _edges(image: np.ndarray) -> np.ndarray:
    """Strength of the Sobel gradient of the mean over channels, (height, width)."""
    import cv2

    grey = image.astype(np.float64).mean(axis=0)
    across, down = (cv2.Sobel(grey, cv2.CV_64F, *order, borderType=cv2.BORDER_REFLECT) for order in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(across, down))


def _centre(height: int, width: int) -> np.ndarray:
    """A Gaussian in the middle, (height, width)."""
    down, across = ((np.arange(side) + 0.5) / side - 0.5 for side in (height, width))
    return np.asarray(np.exp(-((down[:, None] / SPREAD) ** 2 + (across[None] / SPREAD) ** 2) / 2))
