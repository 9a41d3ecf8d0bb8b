"""What a static overlay paints, recovered from the pictures that carry it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_PICTURES", "Patch", "recover"]

LEAST_PICTURES = 4
"""On each side, with and without the overlay: with fewer, means and deviations say nothing."""
_FAINTEST = 0.05
"""Opacity below which a patch is mostly noise."""
_OPAQUE = 0.8
"""From this opacity on a pixel's own deviation tells how much of it is covered."""
_CORE = 0.6
"""Share of the full step from which a pixel counts as fully covered, when opacity is measured."""
_CLEAR = 0.3
"""Share of the full step from which a step is the mark's and not the sample's."""
_SURE = 3.0
"""Standard errors from which a pixel's step is no chance."""
_OTHER_WAY = 0.15
"""Share of the squared steps that goes the other way from which a mark is both light and dark."""
_FULL = 0.9
"""Quantile of the steps over the covered pixels that is the full step."""


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
    images: NDArray[np.uint8], carriers: NDArray[np.bool_], others: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> Patch | None:
    """Solve x' = (1 − α) x + α ξ for α and ξ from the means and deviations of pictures with and without the overlay.

    Where the mark is opaque, deviations tell each pixel's opacity. Where one sees through it, they tell the opacity of
    its core, and the step of the mean from pictures without it tells how much of each pixel is covered: soft edges stay
    soft. A pixel's colour is drawn towards the mark's median by as much as sampling noise explains (James–Stein): the
    mean picture of the carriers must not shine through a faint mark.

    Args:
        images: (n, channels, height, width).
        carriers, others: bool (n,), with and without the overlay.
        mask: bool (height, width), covered pixels; one pixel around them is looked at as well.

    Returns:
        The patch, or None with too few pictures or nothing to see.
    """
    if min(carriers.sum(), others.sum()) < LEAST_PICTURES or not mask.any():
        return None
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    ys, xs = np.flatnonzero(wide.any(axis=1)), np.flatnonzero(wide.any(axis=0))
    box = (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
    covered = wide[box[1] : box[3], box[0] : box[2]]
    window = images[:, :, box[1] : box[3], box[0] : box[2]].astype(np.float32)
    marked, plain = window[carriers], window[others]
    alpha = _opacity(marked, plain, covered)
    if float(alpha.max()) < _FAINTEST:
        return None
    return Patch(box, _colour(marked, plain, alpha), alpha)


def _opacity(
    marked: NDArray[np.float32], plain: NDArray[np.float32], covered: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """float32 (height, width)."""
    spread = np.sqrt(marked.var(axis=0).mean(axis=0) / np.maximum(plain.var(axis=0).mean(axis=0), 1e-6))
    own = np.clip(1 - spread, 0, 1)
    step = marked.mean(axis=0) - plain.mean(axis=0)
    size = _size(step, marked.var(axis=0) / len(marked) + plain.var(axis=0) / len(plain), covered)
    share = np.clip(size / max(float(np.quantile(size[covered], _FULL)), 1e-6), 0, 1)
    core = covered & (share >= _CORE)
    full = float(np.median(own[core])) if core.any() else 0.0
    alpha = own if float(np.quantile(own[covered], _FULL)) >= _OPAQUE else full * share
    # nothing is brighter than white or darker than black: what moves the mean so far must cover at least so much
    room = np.where(step > 0, 255 - plain.mean(axis=0), plain.mean(axis=0))
    alpha = np.maximum(alpha, np.clip(np.abs(step) / np.maximum(room, 1), 0, 1).max(axis=0) * (share >= _CLEAR))
    return np.where(covered, alpha, 0).astype(np.float32)


def _size(step: NDArray[np.float32], noise: NDArray[np.float32], covered: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far each pixel's mean moves along the mark's line of colours: float32 (height, width), non-negative.

    A mark of one ink moves all one way. An embossed one is light on one side and dark on the other, so that its mean
    step is next to nothing: there the line is the principal one, and both ways count, less what noise explains.
    """
    towards = step[:, covered].mean(axis=1)
    towards /= max(float(np.linalg.norm(towards)), 1e-6)
    one_way = np.clip(np.tensordot(towards, step, axes=1), 0, None)
    line = np.linalg.svd(step[:, covered], full_matrices=False)[0][:, 0]
    along, spread = np.tensordot(line, step, axes=1), np.tensordot(line**2, noise, axes=1)
    sure = covered & (along**2 > _SURE**2 * spread)
    ways = [float(np.square(along[sure & (along * sign > 0)]).sum()) for sign in (1, -1)]
    if min(ways) < _OTHER_WAY * sum(ways) or not sure.any():
        return np.asarray(one_way)
    return np.asarray(np.sqrt(np.maximum(along**2 - spread, 0)), dtype=np.float32)


def _colour(marked: NDArray[np.float32], plain: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (channels, height, width)."""
    seen = np.maximum(alpha, _FAINTEST)
    colour = (marked.mean(axis=0) - (1 - seen) * plain.mean(axis=0)) / seen
    noise = (marked.var(axis=0) / len(marked) + (1 - seen) ** 2 * plain.var(axis=0) / len(plain)) / seen**2
    core = alpha >= _CORE * float(alpha.max())
    middle = np.median(colour[:, core], axis=1)[:, None, None]
    signal = np.maximum(((colour - middle) ** 2 - noise)[:, core].mean(axis=1), 0.0)[:, None, None]
    kept = signal / np.maximum(signal + noise, 1e-6)
    return np.asarray(np.clip(middle + kept * (colour - middle), 0, 255), dtype=np.float32)
