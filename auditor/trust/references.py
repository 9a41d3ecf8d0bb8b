"""Maps that know nothing of the model: what a map must be better than."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

SPREAD = 0.25
"""Standard deviation of the centre prior along each side, as a share of it: in a picture half of its mass lies on a
sixth, about what photographers give to the object."""
NAMES = ("random map", "edges", "centre")


@dataclass(frozen=True, slots=True)
class ReferenceMap:
    """One kind of map that knows nothing, on some pictures.

    Attributes:
        name: "random map", "edges" or "centre".
        maps: float32 (m, height, width), non-negative; of clips and volumes with a depth in front.
        usable: bool (m,): False where it is constant, as the edges of an empty picture are.
    """

    name: str
    maps: np.ndarray
    usable: np.ndarray


def reference_maps(images: Tensor, rows: np.ndarray, seed: int) -> list[ReferenceMap]:
    """Noise, edges and a blob in the centre, for some pictures, clips or volumes of a sample.

    Args:
        images: uint8 or float, (m, channels, height, width) or (m, channels, depth, height, width), at least one.
        rows: (m,) their rows in the sample: a picture's noise depends on its row and on nothing else.
        seed: Of the noise.
    """
    extent = tuple(images.shape[2:])
    made = np.empty((len(NAMES), len(rows), *extent), np.float32)
    made[2] = _centre(extent)
    for place, (image, row) in enumerate(zip(images, rows.tolist(), strict=True)):
        made[0, place] = np.random.default_rng([seed, 3, row]).random(extent, np.float32)
        made[1, place] = _edges(image.numpy())
    axes = tuple(range(1, len(extent) + 1))
    return [ReferenceMap(name, maps, np.ptp(maps, axis=axes) > 0) for name, maps in zip(NAMES, made, strict=True)]


def _edges(image: np.ndarray) -> np.ndarray:
    """Strength of the Sobel gradient of the mean over channels: of a clip or volume along all three axes."""
    from scipy import ndimage

    grey = image.astype(np.float64).mean(axis=0)
    steps = [ndimage.sobel(grey, axis=axis, mode="reflect") for axis in range(grey.ndim)]
    return np.asarray(np.sqrt(np.sum(np.square(steps), axis=0)))


def _centre(extent: tuple[int, ...]) -> np.ndarray:
    """A Gaussian in the middle."""
    places = np.meshgrid(*((np.arange(side) + 0.5) / side - 0.5 for side in extent), indexing="ij")
    return np.asarray(np.exp(-np.sum(np.square(places), axis=0) / SPREAD**2 / 2))
