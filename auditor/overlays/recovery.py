"""What a static overlay paints, recovered from the pictures that carry it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_PICTURES", "Patch", "recover"]

LEAST_PICTURES = 4
"""On each side, with and without the overlay: with fewer, means and deviations say nothing."""
_FAINTEST = 0.05
"""Opacity below which a patch is mostly noise."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Colour and opacity of what is painted.

    Attributes:
        box: x1, y1, x2, y2, ends exclusive.
        colour: float32 (channels, height, width) of the box, 0..255.
        alpha: float32 (height, width) of the box.
    """

    box: tuple[int, int, int, int]
    colour: NDArray[np.float32]
    alpha: NDArray[np.float32]


def recover(
    images: NDArray[np.uint8],
    carriers: NDArray[np.bool_],
    others: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    opacity: float | None,
) -> Patch | None:
    """Solve x' = (1 − α) x + α ξ for ξ from the means of pictures with and without the overlay.

    A pixel's colour is drawn towards the overlay's median by as much as sampling noise explains (James–Stein): the
    mean picture of the carriers must not shine through a faint mark.

    Args:
        images: (n, channels, height, width).
        carriers, others: bool (n,), with and without the overlay.
        mask: bool (height, width), covered pixels.
        opacity: As measured; None: from how much less the covered pixels vary.

    Returns:
        The patch, or None with too few pictures or nothing to see.
    """
    if min(carriers.sum(), others.sum()) < LEAST_PICTURES or not mask.any():
        return None
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
    x1, y1, x2, y2 = box
    covered = mask[y1:y2, x1:x2]
    window = images[:, :, y1:y2, x1:x2].astype(np.float32)
    marked, plain = window[carriers], window[others]
    if opacity is None:
        spread = [float(np.sqrt(part.var(axis=0)[:, covered].mean())) for part in (marked, plain)]
        opacity = 1.0 - spread[0] / max(spread[1], 1e-6)
    alpha = float(np.clip(opacity, 0.0, 1.0))
    if alpha < _FAINTEST:
        return None
    colour = (marked.mean(axis=0) - (1 - alpha) * plain.mean(axis=0)) / alpha
    noise = (marked.var(axis=0) / len(marked) + (1 - alpha) ** 2 * plain.var(axis=0) / len(plain)) / alpha**2
    middle = np.median(colour[:, covered], axis=1)[:, None, None]
    signal = np.maximum(((colour - middle) ** 2 - noise)[:, covered].mean(axis=1), 0.0)[:, None, None]
    kept = signal / np.maximum(signal + noise, 1e-6)
    colour = np.clip(middle + kept * (colour - middle), 0, 255).astype(np.float32)
    return Patch(box, colour, (alpha * covered).astype(np.float32))
