"""The causal map as pixels, for where somebody waits: what the chart of `causal` shows, without its library."""

from __future__ import annotations

import cv2
import numpy as np

from auditor.figures.causal import DARKEST, PALETTE, CausalGrid, scale_top, short_share
from auditor.figures.colours import PAPER, Rgb, colourise
from auditor.figures.fonts import typeface
from auditor.figures.svg import MUTED

SIDE = 420
"""Pixels: width of the picture, and of the grid."""
GAP = 30
LETTERS = 28
"""Pixels: height of the numbers."""
SMALLEST = 11


def causal_picture(grid: CausalGrid, photo: Rgb) -> Rgb:
    """The photo, and beside it the grid of effects over it in grey, each cell with its number; a scale below.

    Args:
        grid: One number a cell; NaN where a cell was not tested.
        photo: uint8 (height, width, 3).
    """
    from PIL import Image, ImageDraw

    tall = round(SIDE * min(1.6, max(0.4, photo.shape[0] / photo.shape[1])))
    foot = round(2.4 * LETTERS)
    top = scale_top(grid, None)
    page = np.full((tall + foot, 2 * SIDE + GAP, 3), PAPER, np.uint8)
    shown = cv2.resize(photo, (SIDE, tall), interpolation=cv2.INTER_AREA if photo.shape[1] > SIDE else cv2.INTER_LINEAR)
    page[:tall, :SIDE] = _ruled(np.asarray(shown, np.uint8), grid.effects.shape)
    left = SIDE + GAP
    page[:tall, left:] = _tinted(np.asarray(shown, np.uint8), grid, top)
    bar = left + np.arange(SIDE)
    page[tall + 12 : tall + 24, bar] = _colours(np.linspace(0, 1, SIDE))[None]
    drawn = Image.fromarray(page)
    pen = ImageDraw.Draw(drawn)
    below = tall + 30
    pen.text((left, below), "0", fill=MUTED, font=typeface(LETTERS - 2), anchor="la")
    pen.text((left + SIDE - 1, below), short_share(top), fill=MUTED, font=typeface(LETTERS - 2), anchor="ra")
    rows, columns = grid.effects.shape
    font = typeface(max(SMALLEST, min(LETTERS, round(0.32 * SIDE / max(rows, columns)))))
    for row in range(rows):
        for column in range(columns):
            effect = float(grid.effects[row, column])
            known = np.isfinite(effect)
            dark = known and float(_colours(np.array([_share(effect, top)]))[0] @ (0.3, 0.59, 0.11)) < 128
            place = (left + (column + 0.5) * SIDE / columns, (row + 0.5) * tall / rows)
            pen.text(place, short_share(effect) if known else "–", fill="#ffffff" if dark else "#111111", font=font,
                     anchor="mm")  # fmt: skip
    return np.asarray(drawn, np.uint8)


def _ruled(photo: Rgb, cells: tuple[int, ...]) -> Rgb:
    """The photo with the grid hinted at."""
    ruled = photo.copy()
    for axis, count in enumerate(cells):
        lines = np.round(np.arange(1, count) * photo.shape[axis] / count).astype(int)
        index = (lines, slice(None)) if axis == 0 else (slice(None), lines)
        ruled[index] = (0.45 * ruled[index] + 0.55 * PAPER).astype(np.uint8)
    return ruled


def _tinted(photo: Rgb, grid: CausalGrid, top: float) -> Rgb:
    """The pale grey photo under each cell's colour: the more it decides, the more opaque."""
    grey = 255 - (255 - photo.mean(axis=2, keepdims=True)) * 0.55
    tinted = np.repeat(grey, 3, axis=2)
    rows, columns = grid.effects.shape
    ys = np.round(np.linspace(0, photo.shape[0], rows + 1)).astype(int)
    xs = np.round(np.linspace(0, photo.shape[1], columns + 1)).astype(int)
    for row, column in np.argwhere(np.isfinite(grid.effects)):
        share = _share(float(grid.effects[row, column]), top)
        cell = (slice(ys[row], ys[row + 1]), slice(xs[column], xs[column + 1]))
        opacity = 0.62 + 0.36 * share
        tinted[cell] = opacity * _colours(np.array([share]))[0] + (1 - opacity) * tinted[cell]
    return (tinted + 0.5).astype(np.uint8)


def _share(effect: float, top: float) -> float:
    return min(1.0, max(0.0, effect / top))


def _colours(shares: np.ndarray) -> Rgb:
    """Of 0 to 1, (n, 3): the part of the palette that is used."""
    return np.asarray(colourise(DARKEST * shares[None].astype(np.float32), 0.0, 1.0, palette=PALETTE)[0], np.uint8)
