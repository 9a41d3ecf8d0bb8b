"""Stamping: marks over pictures, and the same pixels without their shape.

The shape of a mark is what its controls lack: scrambled, its pixels keep their values and their spectrum; as a plain
rectangle they keep their energy and their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from auditor.interventions.marks import PLACES, Mark, draw_mark

if TYPE_CHECKING:
    from torch import Tensor

Arm = Literal["mark", "rectangle", "scrambled"]
ROUNDS = 12
"""Of the scrambling; the order of the pixels has settled by then."""


def scrambled(mark: Mark, count: int, rng: np.random.Generator) -> np.ndarray:
    """The mark's pixels in its box, put in another order that keeps their spectrum: texture without the shape.

    The phases of the Fourier transform are drawn at random; the values are those of the mark exactly, so that its
    energy at any opacity is the same.

    Returns:
        float32 (count, height, width).

    Source: Schreiber and Schmitz, "Improved surrogate data for nonlinearity tests", Phys. Rev. Lett. 1996
    """
    x1, y1, x2, y2 = mark.box
    patch = mark.cover[y1:y2, x1:x2].astype(np.float64)
    values, amplitude = np.sort(patch.ravel()), np.abs(np.fft.rfft2(patch))
    found = rng.permuted(np.tile(patch.ravel(), (count, 1)), axis=1).reshape(count, *patch.shape)
    for _ in range(ROUNDS):
        phase = np.angle(np.fft.rfft2(found))
        shaped = np.fft.irfft2(amplitude * np.exp(1j * phase), s=patch.shape).reshape(count, -1)
        order = np.argsort(shaped, axis=1, kind="stable")
        flat = np.empty_like(shaped)
        np.put_along_axis(flat, order, values[None, :], axis=1)
        found = flat.reshape(count, *patch.shape)
    cover = np.zeros((count, *mark.cover.shape), dtype=np.float32)
    cover[:, y1:y2, x1:x2] = found
    return cover


def rectangle(mark: Mark) -> np.ndarray:
    """A plain translucent rectangle in the mark's box, of the mark's energy Σ cover²: float32 (height, width)."""
    x1, y1, x2, y2 = mark.box
    cover = np.zeros_like(mark.cover)
    cover[y1:y2, x1:x2] = np.sqrt(np.mean(mark.cover[y1:y2, x1:x2].astype(np.float64) ** 2))
    return cover


class Stamper:
    """Composes pictures with one mark, or its controls, on them; lazily and in chunks.

    Attributes:
        marks: The mark at each of `PLACES`.
    """

    def __init__(self, images: Tensor, name: str, rng: np.random.Generator, *, scrambles: int) -> None:
        """Draw the mark and its controls at all places.

        Args:
            images: uint8 or float (n, channels, height, width); of float inputs, each channel's own range is 0..255.
                Pictures without three channels take the ink's brightness.
            name: Of the mark.
            rng: Scrambles.
            scrambles: Different scrambled copies a place.

        Raises:
            ValueError: The pictures are too small for the mark.
        """
        self.images, self.scrambles = images, scrambles
        self.marks = [draw_mark(name, place, *images.shape[-2:]) for place in PLACES]
        covers = [np.stack([mark.cover, rectangle(mark), *scrambled(mark, scrambles, rng)]) for mark in self.marks]
        self.covers = torch.from_numpy(np.stack(covers))[:, :, None]
        self.ink = _ink(self.marks[0].ink, images)[:, None, None]

    def compose(self, arm: Arm, recipient: np.ndarray, place: np.ndarray, opacity: np.ndarray) -> Tensor:
        """The pictures for index arrays of equal length: float32 (len, channels, height, width).

        Each recipient has its own scrambled copy at each place.
        """
        copy = {"mark": np.zeros_like(place), "rectangle": np.ones_like(place)}
        layer = copy.get(arm, 2 + (recipient + place) % self.scrambles)
        covers = self.covers[torch.from_numpy(place), torch.from_numpy(layer)]
        weights = covers * torch.from_numpy(opacity.astype(np.float32))[:, None, None, None]
        return torch.lerp(
            self.images[torch.from_numpy(recipient)].float(), self.ink.expand(len(weights), -1, -1, -1), weights
        )


def _ink(colour: tuple[int, int, int], images: Tensor) -> Tensor:
    """The ink in the units of the pictures, one value a channel."""
    values = torch.tensor(colour, dtype=torch.float32)
    if images.shape[1] != 3:
        values = (values * torch.tensor([0.299, 0.587, 0.114])).sum().expand(images.shape[1])
    if images.dtype == torch.uint8:
        return values
    low, high = images.amin(dim=(0, 2, 3)).float(), images.amax(dim=(0, 2, 3)).float()
    return low + values / 255 * (high - low)
