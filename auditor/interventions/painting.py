"""Insertion: a mark painted onto pictures that do not carry it, x ← (1 − α) x + α ξ.

Source: the spurious score, docs/methods.md; the blending model of visible watermarks, Dekel et al., "On the
Effectiveness of Visible Watermarks", CVPR 2017, eq. 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

SPREAD = 1.5
"""Sides of the window that a shuffled mark is scattered over, against its own: a plain square stays no square."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A mark to be painted.

    Attributes:
        name: For the report: "the recovered mark".
        colour: float32 (channels, height, width), in the pictures' units.
        alpha: float32 (height, width) in [0, 1].
        corner: x, y of its upper left pixel where it was found.
        added: Whether α ξ is added to the picture, to turn one mark into another, instead of painted over it.
    """

    name: str
    colour: np.ndarray
    alpha: np.ndarray
    corner: tuple[int, int]
    added: bool = False

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Where it was found: x1, y1, x2, y2, ends exclusive."""
        height, width = self.alpha.shape
        return self.corner[0], self.corner[1], self.corner[0] + width, self.corner[1] + height

    def fainter(self, share: float) -> Stamp:
        """The same mark with a share of its opacity."""
        return replace(self, alpha=(self.alpha * share).astype(np.float32))


def stamp(images: Tensor, recipients: np.ndarray, stamps: Sequence[Stamp], corners: np.ndarray) -> Tensor:
    """Paint one mark on each picture.

    Args:
        images: uint8 or float (n, channels, height, width).
        recipients: (count,) indices of pictures.
        stamps: One a recipient.
        corners: int (count, 2): x, y of each mark's upper left pixel; what reaches over the edge is cut off.

    Returns:
        float32 (count, channels, height, width).
    """
    painted = images[torch.from_numpy(np.ascontiguousarray(recipients))].float()
    height, width = painted.shape[-2:]
    for picture, mark, (x, y) in zip(painted, stamps, corners, strict=True):
        left, top = max(0, -int(x)), max(0, -int(y))
        right, bottom = min(mark.alpha.shape[1], width - int(x)), min(mark.alpha.shape[0], height - int(y))
        if right <= left or bottom <= top:
            continue
        alpha = torch.from_numpy(mark.alpha[top:bottom, left:right])
        colour = torch.from_numpy(mark.colour[:, top:bottom, left:right])
        window = picture[:, int(y) + top : int(y) + bottom, int(x) + left : int(x) + right]
        if mark.added:
            window.add_(alpha * colour).clamp_(float(images.min()), float(images.max()))
        else:
            window.lerp_(colour, alpha)
    return painted


def shuffled(mark: Stamp, height: int, width: int, rng: np.random.Generator) -> Stamp:
    """The same painted pixels in random order over a window around their place: equal colours and energy, no shape.

    Args:
        height, width: Of the pictures; the window stays inside.
    """
    h, w = mark.alpha.shape
    tall, wide = min(height, max(h, round(SPREAD * h))), min(width, max(w, round(SPREAD * w)))
    x = min(max(0, mark.corner[0] - (wide - w) // 2), width - wide)
    y = min(max(0, mark.corner[1] - (tall - h) // 2), height - tall)
    alpha = np.zeros(tall * wide, np.float32)
    colour = np.zeros((len(mark.colour), tall * wide), np.float32)
    places = rng.permutation(tall * wide)[: h * w]
    alpha[places] = mark.alpha.reshape(-1)
    colour[:, places] = mark.colour.reshape(len(colour), -1)
    return Stamp(
        "the same pixels shuffled",
        colour.reshape(-1, tall, wide),
        alpha.reshape(tall, wide),
        (max(0, x), max(0, y)),
        mark.added,
    )
