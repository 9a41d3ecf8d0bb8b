"""Overlays that one class alone carries: looked for among its pictures, where they are not diluted by the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from auditor.overlays.finding import Overlay, find_overlays

__all__ = ["find_class_overlays"]

_LEAST_PICTURES = 12
"""Of a class; with fewer, agreement beyond chance cannot be told."""
_KNOWN = 0.6
"""A class is left out where this share of its pictures carries an overlay that was found already."""
_LEAST_DRAWS = 299
_DRAWS_A_CLASS = 75
"""Rolled samples for each class looked at, so that the least p passes the correction for all of them."""


def find_class_overlays(
    images: NDArray[np.uint8],
    classes: NDArray[np.int64],
    known: Sequence[Overlay],
    *,
    seed: int,
    alpha: float = 0.05,
) -> list[Overlay]:
    """Search each class on its own; the level is shared out among the classes.

    Args:
        images: (n, channels, height, width).
        classes: int (n,), as predicted.
        known: Overlays of the whole sample.
        seed: All draws start here.
        alpha: Level over all classes.

    Returns:
        Overlays whose `present` is over all images, and true within the class alone; most images first.
    """
    asked = []
    for label in np.unique(classes):
        own = classes == label
        if own.sum() >= _LEAST_PICTURES and all(overlay.present[own].mean() < _KNOWN for overlay in known):
            asked.append(np.flatnonzero(own))
    found: list[Overlay] = []
    for members in asked:
        draws = max(_LEAST_DRAWS, _DRAWS_A_CLASS * len(asked))
        for overlay in find_overlays(images[members], seed=seed, alpha=alpha / len(asked), max_draws=draws):
            present = np.zeros(len(images), dtype=bool)
            present[members[overlay.present]] = True
            found.append(replace(overlay, present=present, p=min(1.0, overlay.p * len(asked))))
    return sorted(found, key=lambda overlay: (-int(overlay.present.sum()), overlay.box))
