"""Transfers: a picture keeps what it shows and takes a global property (colours, sharpness, texture) of another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_GAIN = 4.0
"""Contrast is changed by this factor at most; beyond, a flat picture would become noise."""
CLIPPING_ROUNDS = 3
"""Clipping moves the mean; so often it is set right again."""
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue. Source: ITU-R BT.601."""
BLOCK = 256
"""Pictures that are measured at once."""

ColourMode = Literal["mean_and_deviation", "chroma"]


class GlobalProperty(ABC):
    """A property that every picture of a sample has, and how to give one picture's to another.

    Attributes:
        positions: float (n, d): where each picture lies, in one unit, so that distances say how strong a transfer is.
        controls: What a control's source is, where it is of the own class and where it is of a third.
    """

    positions: np.ndarray
    controls: tuple[str, str] = (
        "the same from the nearest picture of the own class",
        "the same from the nearest picture of a third class",
    )

    @abstractmethod
    def give(self, recipient: np.ndarray, source: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Pictures with another's property.

        Args:
            recipient, source: (pairs,) indices in the sample.
            strength: 0 leaves the recipient as it is (up to rounding), 1 gives all of it.

        Returns:
            float32 (pairs, channels, height, width), in the sample's units.
        """

    def give_control(
        self, recipient: np.ndarray, own: np.ndarray, donor: np.ndarray, strength: float = 1.0
    ) -> np.ndarray:
        """The matched control: the property of `own`, of the own class or a third, not of the donor."""
        return self.give(recipient, own, strength)


class Pictures:
    """A sample's pictures as float arrays, and the range that their values must keep.

    Attributes:
        low, high: float32 (channels, 1, 1): 0 and 255, or each channel's own extremes where pictures are floats.
    """

    def __init__(self, images: Tensor) -> None:
        """Hold on to the pictures: uint8 or float (n, channels, height, width)."""
        self.images = images
        channels = images.shape[1]
        if images.dtype.is_floating_point:
            self.low = np.asarray(images.amin(dim=(0, 2, 3)).numpy(), np.float32)[:, None, None]
            self.high = np.asarray(images.amax(dim=(0, 2, 3)).numpy(), np.float32)[:, None, None]
        else:
            self.low = np.zeros((channels, 1, 1), np.float32)
            self.high = np.full((channels, 1, 1), 255, np.float32)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: np.ndarray) -> np.ndarray:
        """float32 (len(index), channels, height, width)."""
        import torch

        return np.asarray(self.images[torch.from_numpy(np.asarray(index, dtype=np.int64))].float().numpy())

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.images.shape[-2]), int(self.images.shape[-1])

    def blocks(self) -> list[np.ndarray]:
        """Indices of all pictures, a few hundred at a time."""
        return [np.arange(start, min(start + BLOCK, len(self))) for start in range(0, len(self), BLOCK)]

    def clipped(self, pictures: np.ndarray) -> np.ndarray:
        """Values outside the range are set to its ends: float32."""
        return np.asarray(np.clip(pictures, self.low, self.high), dtype=np.float32)

    def as_bytes(self, pictures: np.ndarray) -> np.ndarray:
        """uint8 (n, channels, height, width): the range mapped to 0..255."""
        spread = np.maximum(self.high - self.low, 1e-12)
        return np.asarray(((pictures - self.low) / spread * 255).round().clip(0, 255), dtype=np.uint8)

    def from_bytes(self, pictures: np.ndarray) -> np.ndarray:
        """Back from `as_bytes`: float32 in the sample's units."""
        return np.asarray(pictures.astype(np.float32) / 255 * (self.high - self.low) + self.low, dtype=np.float32)


class ColourTransfer(GlobalProperty):
    """Channel means and deviations of one picture given to another.

    Mode "chroma" shifts the channel means only, and so that the mean luma stays: the cast without brightness and
    contrast.

    Source: Reinhard et al., "Color transfer between images", IEEE CG&A 2001, in the picture's own channels.
    """

    def __init__(self, images: Tensor, mode: ColourMode = "mean_and_deviation") -> None:
        """Measure every picture.

        Args:
            images: uint8 or float (n, channels, height, width).
            mode: What is transferred; "chroma" needs three channels.
        """
        if mode == "chroma" and images.shape[1] != 3:
            raise ValueError(f"chroma needs three channels, the pictures have {images.shape[1]}")
        self.pictures = Pictures(images)
        self.mode = mode
        loaded = [self.pictures[block] for block in self.pictures.blocks()]
        self.means = np.concatenate([block.mean(axis=(2, 3)) for block in loaded])
        self.deviations = np.concatenate([block.std(axis=(2, 3)) for block in loaded])
        spread = np.maximum(self.pictures.high - self.pictures.low, 1e-12)[:, 0, 0]
        if mode == "chroma":
            self.positions = (self.means - (self.means @ LUMA)[:, None]) / spread
        else:
            self.positions = np.concatenate([self.means / spread, self.deviations / spread], axis=1)

    def give(self, recipient: np.ndarray, source: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """As `GlobalProperty.give`."""
        own_mean, own_deviation = self.means[recipient], self.deviations[recipient]
        mean, deviation = self.means[source], self.deviations[source]
        if self.mode == "chroma":
            mean = mean + ((own_mean - mean) @ LUMA)[:, None]
            deviation = own_deviation
        mean = own_mean + strength * (mean - own_mean)
        gain = np.clip(deviation / np.maximum(own_deviation, 1e-6), 1 / LARGEST_GAIN, LARGEST_GAIN)
        gain = 1 + strength * (gain - 1)
        given = (self.pictures[recipient] - _planes(own_mean)) * _planes(gain) + _planes(mean)
        given = self.pictures.clipped(given)
        for _ in range(CLIPPING_ROUNDS):
            given = self.pictures.clipped(given + _planes(mean) - given.mean(axis=(2, 3), keepdims=True))
        return given


class GivenWithin(GlobalProperty):
    """A property given inside a part of each picture; the rest stays as it is."""

    def __init__(self, given: GlobalProperty, pictures: Pictures, where: np.ndarray) -> None:
        """Hold on to them.

        Args:
            where: bool (n, height, width): the part.
        """
        self.inner, self.pictures, self.where = given, pictures, where
        self.positions, self.controls = given.positions, given.controls

    def give(self, recipient: np.ndarray, source: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """As `GlobalProperty.give`."""
        return self._inside(recipient, self.inner.give(recipient, source, strength))

    def give_control(
        self, recipient: np.ndarray, own: np.ndarray, donor: np.ndarray, strength: float = 1.0
    ) -> np.ndarray:
        """As `GlobalProperty.give_control`."""
        return self._inside(recipient, self.inner.give_control(recipient, own, donor, strength))

    def _inside(self, recipient: np.ndarray, given: np.ndarray) -> np.ndarray:
        return np.where(self.where[recipient][:, None], given, self.pictures[recipient])


def _planes(values: np.ndarray) -> np.ndarray:
    """(n, channels) → (n, channels, 1, 1)."""
    return values[:, :, None, None]
