"""Tags as screens, scanners and shops put them on pictures, as colours with an opacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from benchmarks.detection.drawing import BLACK, WHITE, Mark, filled, opaque, shrunk, written
from benchmarks.detection.shapes import floats


def _matrix(variant: int, side: int) -> Mark:
    """A data matrix of seven by seven modules: two solid sides, two of alternating fields, and a code."""
    modules = np.random.default_rng(variant + 40).random((7, 7)) < 0.5
    modules[:, 0] = modules[-1] = True
    modules[0] = np.arange(7) % 2 == 0
    modules[:, -1] = np.arange(7) % 2 == 0
    fields = np.where(modules, 12, 244).astype(np.uint8)
    return opaque(np.repeat(cv2.resize(fields, (side, side), interpolation=cv2.INTER_NEAREST)[..., None], 3, axis=2))


def _play(variant: int, side: int) -> Mark:
    """A dark disc that lets some of the picture through, with the bright sign of a player; the variant is the sign."""
    unit = 8 * round(side * 1.15)
    pixels, opacity = filled(unit, unit, (15, 15, 18)), np.zeros((unit, unit), np.float32)
    cv2.circle(opacity, (unit // 2, unit // 2), unit // 2 - 1, 0.75, -1)
    signs = (
        [[[0.34, 0.22], [0.8, 0.5], [0.34, 0.78]]],
        [
            [[0.26, 0.24], [0.44, 0.24], [0.44, 0.76], [0.26, 0.76]],
            [[0.58, 0.24], [0.76, 0.24], [0.76, 0.76], [0.58, 0.76]],
        ],
        [[[0.28, 0.28], [0.72, 0.28], [0.72, 0.72], [0.28, 0.72]]],
        [[[0.22, 0.66], [0.5, 0.2], [0.78, 0.66]], [[0.22, 0.72], [0.78, 0.72], [0.78, 0.84], [0.22, 0.84]]],
    )
    for corners in signs[variant]:
        points = [np.rint(np.array(corners) * unit).astype(np.int32)]
        cv2.fillPoly(pixels, points, WHITE)
        cv2.fillPoly(opacity, points, 1.0)
    return shrunk(pixels, opacity)


def _brackets(variant: int, side: int) -> Mark:
    """The corners of a square, as a camera shows where it focuses; nothing between them."""
    colour = ((60, 255, 60), (255, 235, 0), (255, 40, 40), (0, 200, 255))[variant]
    reach = round(side * 1.3)
    line, arm = max(1, side // 7), round(reach * 0.36)
    along = np.arange(reach)
    near = np.minimum(along, reach - 1 - along)
    edge, end = near < line, near < arm
    opacity = (edge[:, None] & end[None]) | (end[:, None] & edge[None])
    return filled(reach, reach, colour), floats(opacity)


def _cursor(variant: int, side: int) -> Mark:
    """A mouse pointer with its outline, nothing around it."""
    fill, rim = ((WHITE, BLACK), (BLACK, WHITE), ((255, 235, 60), BLACK), ((40, 120, 255), WHITE))[variant]
    unit = 8 * round(side * 1.25)
    corners = [[0.12, 0.06], [0.12, 0.8], [0.32, 0.63], [0.46, 0.94], [0.62, 0.87], [0.48, 0.57], [0.74, 0.57]]
    points = np.rint(np.array(corners) * unit).astype(np.int32)
    pixels, opacity = filled(unit, unit, rim), np.zeros((unit, unit), np.float32)
    cv2.fillPoly(opacity, [points], 1.0)
    cv2.polylines(opacity, [points], True, 1.0, unit // 7)
    cv2.fillPoly(pixels, [points], fill)
    rows, columns = np.flatnonzero(opacity.any(axis=1)), np.flatnonzero(opacity.any(axis=0))
    height, width = (len(rows) + 7) // 8 * 8, (len(columns) + 7) // 8 * 8
    pad = ((0, height - len(rows)), (0, width - len(columns)))
    tight = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return shrunk(np.pad(pixels[tight], (*pad, (0, 0)), mode="edge"), np.pad(opacity[tight], pad))


def _starburst(variant: int, side: int) -> Mark:
    """A fluorescent star of nine points with a dark figure, as prices are shown."""
    colour = ((255, 240, 0), (120, 255, 40), (255, 120, 0), (255, 60, 190))[variant]
    unit = 8 * round(side * 1.25)
    angles = np.arange(18) * np.pi / 9
    radii = np.where(np.arange(18) % 2 == 0, 0.5, 0.36)[:, None]
    points = np.rint((0.5 + radii * np.stack([np.sin(angles), np.cos(angles)], axis=1)) * unit).astype(np.int32)
    pixels, opacity = filled(unit, unit, colour), np.zeros((unit, unit), np.float32)
    cv2.fillPoly(opacity, [points], 1.0)
    ink = written("1479"[variant], round(0.34 * unit), round(0.56 * unit))[..., None]
    y, x = (unit - ink.shape[0]) // 2, (unit - ink.shape[1]) // 2
    patch = pixels[y : y + ink.shape[0], x : x + ink.shape[1]]
    patch[:] = np.rint(patch * (1 - ink) + 15 * ink)
    return shrunk(pixels, opacity)


def _tape(variant: int, side: int) -> Mark:
    """A slanted strip of adhesive tape that lets very little through, with ragged ends."""
    colour = ((60, 130, 245), (225, 50, 50), (245, 225, 150), (60, 200, 90))[variant]
    width, height = 8 * round(side * 1.4), 8 * side
    y, x = np.mgrid[:height, :width] / height
    turn = np.deg2rad(24 if variant % 2 else -24)
    middle = width / height / 2
    along = np.cos(turn) * (x - middle) + np.sin(turn) * (y - 0.5)
    across = -np.sin(turn) * (x - middle) + np.cos(turn) * (y - 0.5)
    ragged = 0.62 + 0.04 * np.where(np.floor(across * 14) % 2 == 0, 1, -1)
    opacity = floats(0.92 * ((np.abs(along) < ragged) & (np.abs(across) < 0.31)))
    return shrunk(filled(width, height, colour), opacity)


STICKERS: Mapping[str, Callable[[int, int], Mark]] = MappingProxyType({
    "matrix": _matrix, "play": _play, "brackets": _brackets, "cursor": _cursor,
    "starburst": _starburst, "tape": _tape,
})  # fmt: skip
"""Variant (0 to 3) and side in pixels → mark."""
