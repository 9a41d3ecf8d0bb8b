"""Planes through one voxel as pictures of one size, so that they can stand in rows beside others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.figures.colours import PAPER, Rgb

__all__ = ["cut", "even_planes", "sized"]

Scalar = TypeVar("Scalar", bound=np.generic)


def cut(values: NDArray[Scalar], at: tuple[int, int, int]) -> list[NDArray[Scalar]]:
    """The planes across depth (rows × columns), across height (depth × columns) and across width (depth × rows).

    Args:
        values: Shape (depth, height, width), with colours behind where there are some.
        at: The voxel through which they go.
    """
    return [np.take(values, index, axis) for axis, index in enumerate(at)]


def even_planes(planes: Sequence[Rgb], spacing: tuple[float, float, float], *, side: int = 112) -> list[Rgb]:
    """Planes in true proportions to each other, in the middle of pictures of one size.

    The last slice is on top in the two upright planes, as in `three_planes`.

    Args:
        planes: As `cut` gives them, uint8 with colours.
        spacing: Size of a voxel along depth, height and width, in any one unit.
        side: The longest side of the volume, pixels.
    """
    depth, height, width = spacing
    units = ((height, width), (depth, width), (depth, height))
    extents = [
        (plane.shape[0] * down, plane.shape[1] * across) for plane, (down, across) in zip(planes, units, strict=True)
    ]
    scale = side / max(max(one) for one in extents)
    drawn = []
    for number, (plane, (tall, wide)) in enumerate(zip(planes, extents, strict=True)):
        picture = sized(plane, (max(1, round(wide * scale)), max(1, round(tall * scale))))
        drawn.append(picture if number == 0 else picture[::-1])
    rows, columns = (max(one.shape[axis] for one in drawn) for axis in (0, 1))
    return [_centred(one, rows, columns) for one in drawn]


def sized(rgb: Rgb, size: tuple[int, int]) -> Rgb:
    """(width, height) in pixels; crisp where it grows, averaged where it shrinks."""
    grows = size[0] >= rgb.shape[1] and size[1] >= rgb.shape[0]
    method = cv2.INTER_NEAREST if grows else cv2.INTER_AREA
    return np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=method), np.uint8)


def _centred(rgb: Rgb, rows: int, columns: int) -> Rgb:
    placed = np.full((rows, columns, 3), PAPER, np.uint8)
    top, left = (rows - rgb.shape[0]) // 2, (columns - rgb.shape[1]) // 2
    placed[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return placed
