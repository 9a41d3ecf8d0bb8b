"""Stamping: marks over pictures, and the same pixels without their shape.

The shape of a mark is what its controls lack: scrambled, its pixels keep their values and nearly their spectrum; as a
plain outline they keep their energy and their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from auditor.interventions.marks import PLACES, Mark, draw_mark

if TYPE_CHECKING:
    from torch import Tensor

Arm = Literal["mark", "plain", "scrambled"]
ROUNDS = 12
"""Of the scrambling; the order of the pixels has settled by then."""


def scrambled(cover: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """A mark's pixels in another order that keeps their spectrum: texture without the shape.

    The phases of the Fourier transform are drawn at random; the values are those of the mark exactly, so that its
    energy at any opacity is the same.

    Args:
        cover: (rows, columns) in [0, 1].

    Returns:
        float32 (count, rows, columns).

    Source: Schreiber and Schmitz, "Improved surrogate data for nonlinearity tests", Phys. Rev. Lett. 1996
    """
    patch = cover.astype(np.float64)
    values, amplitude = np.sort(patch.ravel()), np.abs(np.fft.rfft2(patch))
    found = rng.permuted(np.tile(patch.ravel(), (count, 1)), axis=1).reshape(count, *patch.shape)
    for _ in range(ROUNDS):
        phase = np.angle(np.fft.rfft2(found))
        shaped = np.fft.irfft2(amplitude * np.exp(1j * phase), s=patch.shape).reshape(count, -1)
        flat = np.empty_like(shaped)
        np.put_along_axis(flat, np.argsort(shaped, axis=1, kind="stable"), values[None, :], axis=1)
        found = flat.reshape(count, *patch.shape)
    return np.asarray(found, dtype=np.float32)


def plain(cover: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """The mark's outline filled evenly, of the mark's energy Σ cover²: float32, same shape."""
    energy, area = (float((values.astype(np.float64) ** 2).sum()) for values in (cover, outline))
    return np.asarray(outline * np.sqrt(energy / area), dtype=np.float32)


def dealt(count: int, each: int, opacities: Sequence[float], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places and opacities dealt out over pictures like a Latin square: every combination equally often.

    Args:
        count: Pictures.
        each: Combinations a picture, one after another in the square; neighbours there differ in place and opacity.

    Returns:
        place: int (count · each,), index into `PLACES`. opacity: float, same shape. Sorted by picture.
    """
    levels, places = len(opacities), len(PLACES)
    turn = (rng.permutation(count)[:, None] + np.arange(each)).ravel() % (places * levels)
    return (turn % levels + turn // levels) % places, np.asarray(opacities)[turn % levels]


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
        self.marks: list[Mark] = [draw_mark(name, place, *images.shape[-2:]) for place in PLACES]
        cover, filled = self.marks[0].cover, plain(self.marks[0].cover, self.marks[0].outline)
        layers = [np.stack([cover, filled, *scrambled(cover, scrambles, rng)]) for _ in PLACES]
        self.covers = torch.from_numpy(np.stack(layers))[:, :, None]
        self.ink = _ink(self.marks[0].ink, images)[None, :, None, None]

    def compose(self, arm: Arm, recipient: np.ndarray, place: np.ndarray, opacity: np.ndarray) -> Tensor:
        """The pictures for index arrays of equal length: float32 (len, channels, height, width).

        Each recipient has its own scrambled copy at each place.
        """
        copies = {"mark": np.zeros_like(place), "plain": np.ones_like(place)}
        layer = copies.get(arm, 2 + (recipient + place) % self.scrambles)
        weights = self.covers[torch.from_numpy(place), torch.from_numpy(layer)]
        weights = weights * torch.from_numpy(opacity.astype(np.float32))[:, None, None, None]
        pictures = self.images[torch.from_numpy(recipient)].to(torch.float32, copy=True)
        for at, mark in enumerate(self.marks):
            rows = torch.from_numpy(np.flatnonzero(place == at))
            x1, y1, x2, y2 = mark.box
            under = pictures[rows, :, y1:y2, x1:x2]
            pictures[rows, :, y1:y2, x1:x2] = under + weights[rows] * (self.ink - under)
        return pictures


def _ink(colour: tuple[int, int, int], images: Tensor) -> Tensor:
    """The ink in the units of the pictures: (channels,)."""
    values = torch.tensor(colour, dtype=torch.float32)
    if images.shape[1] != 3:
        values = (values * torch.tensor([0.299, 0.587, 0.114])).sum().expand(images.shape[1])
    if images.dtype == torch.uint8:
        return values
    low, high = images.amin(dim=(0, 2, 3)).float(), images.amax(dim=(0, 2, 3)).float()
    return low + values / 255 * (high - low)
