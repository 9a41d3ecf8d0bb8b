"""Where the object probably is, when nobody drew masks or boxes: estimated, and how far the estimate repeats itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Foreground", "clearest_part", "estimate_foreground", "object_within"]

_SIDE = 96
"""Longer side, pixels, at which colours are modelled."""
_MARGINS = (0.06, 0.14)
"""Two starts: what lies within this share of the side from the edge is background to begin with."""
_ROUNDS = 4
_LEAST, _MOST = 0.04, 0.7
"""Share of the picture that a believable object covers."""
_LEAST_OF_BOX, _MOST_OF_BOX = 0.1, 0.98
"""Share of its box that a believable object covers."""
_CLEAREST = 0.8
"""Share of the lightness step between object and surroundings from which a pixel is the object's alone."""
_STEP_QUANTILE = 0.9
_LEAST_PIXELS = 4
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Source: ITU-R BT.601"""
STABLE = 0.6
"""Overlap of the two starts' objects (intersection over union) from which the estimate is used."""


@dataclass(frozen=True, slots=True)
class Foreground:
    """Estimated objects.

    Attributes:
        objects: bool (n, height, width): what both starts agree on.
        stability: float (n,): intersection over union of the two starts' objects.
        usable: bool (n,): stable, and of believable size.
    """

    objects: NDArray[np.bool_]
    stability: NDArray[np.float64]
    usable: NDArray[np.bool_]

    def agreement(self, masks: NDArray[np.bool_], known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Intersection over union with drawn masks, for the pictures that have one: float (known,)."""
        return np.array([_overlap(a, b) for a, b in zip(self.objects[known], masks[known], strict=True)])


def estimate_foreground(images: NDArray[np.uint8]) -> Foreground:
    """Cut the object out by colour, starting from a frame of background, twice with different frames.

    Args:
        images: (n, channels, height, width).

    Source: Rother et al., "GrabCut: interactive foreground extraction using iterated graph cuts", SIGGRAPH 2004, as
    OpenCV has it
    """
    count, _, height, width = images.shape
    objects = np.zeros((count, height, width), dtype=bool)
    stability = np.zeros(count)
    for index, image in enumerate(images):
        first, second = (_cut(image, margin) for margin in _MARGINS)
        stability[index] = _overlap(first, second)
        objects[index] = first & second
    share = objects.mean(axis=(1, 2))
    return Foreground(objects, stability, (stability >= STABLE) & (share >= _LEAST) & (share <= _MOST))


def object_within(image: NDArray[np.uint8], box: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The object's own pixels in its box, cut out by colour; the whole box where colours do not part from the rest.

    Args:
        image: (channels, height, width).
        box: bool (height, width), True in the box.
    """
    found = _cut_out(image, box) & box
    share = found.sum() / max(1, int(box.sum()))
    return found if _LEAST_OF_BOX <= share <= _MOST_OF_BOX else box


def clearest_part(image: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The object without its soft edges and what shines through its holes: pixels furthest in lightness from the rest.

    Chosen by lightness alone, so that nothing is chosen by its hue.

    Args:
        image: (channels, height, width).
        inside: bool (height, width), the object; all of it comes back where it has no lightness of its own.
    """
    if inside.all() or not inside.any():
        return inside
    light = np.tensordot(_LUMA, image, axes=1) if len(image) == 3 else image.mean(axis=0)
    step = np.abs(light - np.median(light[~inside]))
    part: NDArray[np.bool_] = inside & (step >= _CLEAREST * np.quantile(step[inside], _STEP_QUANTILE))
    return part if part.sum() >= _LEAST_PIXELS else inside


def _cut(image: NDArray[np.uint8], margin: float) -> NDArray[np.bool_]:
    height, width = image.shape[1:]
    inset_x, inset_y = max(1, round(margin * width)), max(1, round(margin * height))
    start = np.zeros((height, width), dtype=bool)
    start[inset_y:-inset_y, inset_x:-inset_x] = True
    return _cut_out(image, start)


def _cut_out(image: NDArray[np.uint8], start: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """GrabCut: what is not in `start` is background, the rest may be either."""
    plane = np.ascontiguousarray(image.transpose(1, 2, 0))
    plane = np.repeat(plane, 3, axis=2) if plane.shape[2] == 1 else plane[:, :, :3]
    height, width = plane.shape[:2]
    factor = min(1.0, _SIDE / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    small = np.ascontiguousarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))
    inside = cv2.resize(start.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    mask = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    models: list[Any] = [np.zeros((1, 65)), np.zeros((1, 65))]
    whole = (0, 0, size[0], size[1])
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(small, mask, whole, models[0], models[1], _ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # a picture of one colour has nothing to cut out
        return np.zeros((height, width), dtype=bool)
    found = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_NEAREST) > 0)


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 0.0
