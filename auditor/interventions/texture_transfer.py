"""Texture of one picture laid over the shapes of another, and pictures cut into shuffled patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.interventions.sharpness_transfer import SharpnessTransfer, blurred
from auditor.interventions.transferring import GlobalProperty, Pictures

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 1 / 24
"""Deviation of the Gaussian that parts shape from texture, as a share of the shorter side."""
PATCH = 1 / 14
"""Side of the patches that are shuffled, as a share of the shorter side; 4 pixels at least."""
SMALLEST_PATCH = 4
GAINS = (1 / 3, 3.0)
"""The brought texture is made as strong as the one that it replaces, within these factors."""


class TextureTransfer(GlobalProperty):
    """Keeps the coarse shapes of a picture and takes the fine texture of another, without that one's shapes.

    A Gaussian parts each picture into coarse and fine. The fine part of the source is cut into small patches, which
    are shuffled and turned, so that no outline survives, and made as strong as the recipient's own fine part. Sharpness
    must not travel with it: the source is first made no sharper, and as compressed, as the recipient, and the control's
    source no sharper than the donor as well.

    Source: the conflict of shape and texture after Geirhos et al., "ImageNet-trained CNNs are biased towards texture",
    ICLR 2019, without a style-transfer network.
    """

    def __init__(self, images: Tensor, seed: int) -> None:
        """Measure every picture.

        Args:
            images: uint8 or float (n, channels, height, width).
            seed: Of the shuffles; each source is shuffled in one way.
        """
        self.pictures = Pictures(images)
        self.sharpness = SharpnessTransfer(images)
        self.seed = seed
        short = min(self.pictures.size)
        self.sigma = SCALE * short
        self.patch = max(SMALLEST_PATCH, round(PATCH * short))
        self.positions = np.concatenate([_describe(self._fine(self.pictures[b])) for b in self.pictures.blocks()])

    def give(self, recipient: np.ndarray, source: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """As `GlobalProperty.give`; both pictures' fine parts are mixed below strength 1."""
        amplitudes = self.sharpness.amplitudes[source]
        brought, _ = self.sharpness.degraded(self.pictures[source], amplitudes, recipient)
        return self._laid_over(recipient, brought, source, strength)

    def give_control(
        self, recipient: np.ndarray, own: np.ndarray, donor: np.ndarray, strength: float = 1.0
    ) -> np.ndarray:
        """As `GlobalProperty.give_control`, `own` made no sharper than `donor` beforehand."""
        brought, amplitudes = self.sharpness.degraded(self.pictures[own], self.sharpness.amplitudes[own], donor)
        brought, _ = self.sharpness.degraded(brought, amplitudes, recipient)
        return self._laid_over(recipient, brought, own, strength)

    def _laid_over(self, recipient: np.ndarray, brought: np.ndarray, source: np.ndarray, strength: float) -> np.ndarray:
        own = self.pictures[recipient]
        replaced, fine = self._fine(own), self._fine(brought)
        gain = np.sqrt(_power(replaced) / _power(fine))
        for place, index in enumerate(source):
            rng = np.random.default_rng([self.seed, int(index)])
            fine[place] = shuffled(fine[place], (self.patch, self.patch), rng, turned=True)
        fine *= np.clip(gain, *GAINS)[:, None, None, None]
        return self.pictures.clipped(own + strength * (fine - replaced))

    def _fine(self, pictures: np.ndarray) -> np.ndarray:
        return np.asarray(pictures - blurred(pictures, self.sigma))


def shuffled(
    picture: np.ndarray, sides: tuple[int, int], rng: np.random.Generator, *, turned: bool = False
) -> np.ndarray:
    """Patches in random order; where the last row or column is no whole patch, it is filled up by mirroring.

    Args:
        picture: (channels, height, width).
        sides: Height and width of the patches, pixels.
        turned: Also turn and flip each patch at random; needs square patches.
    """
    channels, height, width = picture.shape
    high, wide = sides
    rows, columns = -(-height // high), -(-width // wide)
    padded = np.pad(picture, ((0, 0), (0, rows * high - height), (0, columns * wide - width)), mode="symmetric")
    patches = padded.reshape(channels, rows, high, columns, wide).transpose(1, 3, 0, 2, 4)
    patches = patches.reshape(rows * columns, channels, high, wide)[rng.permutation(rows * columns)]
    if turned:
        dice = rng.integers(0, 2, (3, len(patches))).astype(bool)
        patches[dice[0]] = patches[dice[0]].transpose(0, 1, 3, 2)
        patches[dice[1]] = patches[dice[1]][:, :, ::-1]
        patches[dice[2]] = patches[dice[2]][:, :, :, ::-1]
    whole = patches.reshape(rows, columns, channels, high, wide).transpose(2, 0, 3, 1, 4)
    return np.ascontiguousarray(whole.reshape(channels, rows * high, columns * wide)[:, :height, :width])


def _power(fine: np.ndarray) -> np.ndarray:
    return np.asarray(np.square(fine).mean(axis=(1, 2, 3)) + 1e-12)


def _describe(fine: np.ndarray) -> np.ndarray:
    """Fineness, direction, greyness and sparseness of textures, relative to their strength: (n, 4)."""
    power = _power(fine)
    across = np.square(np.diff(fine, axis=3)).mean(axis=(1, 2, 3)) / power
    down = np.square(np.diff(fine, axis=2)).mean(axis=(1, 2, 3)) / power
    grey = np.square(fine.mean(axis=1)).mean(axis=(1, 2)) / power
    sparse = np.abs(fine).mean(axis=(1, 2, 3)) / np.sqrt(power)
    return np.stack([np.log(across + down + 1e-3), across - down, grey, sparse], axis=1)
