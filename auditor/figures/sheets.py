"""Many small pictures aligned to a grid; what each one is stands in the caption, row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.figures.colours import PAPER, Rgb, Values, colourise
from auditor.figures.pictures import fit

GAP = 6
ACROSS = 10
"""Small tiles in a row of a page at most."""


def contact_sheet(
    tiles: Sequence[Rgb], columns: int, *, cell: tuple[int, int] | None = None, gap: int = GAP, below: int = 0
) -> Rgb:
    """Tiles left to right, top to bottom, in equal cells on white.

    Args:
        tiles: uint8 (height, width, 3) each; sizes may differ.
        columns: Tiles in a row.
        cell: (height, width) of a cell in pixels; None takes the largest tile's. Tiles keep their shape and fill it.
        gap: White between cells, pixels.
        below: White under each cell besides, for words.

    Raises:
        ValueError: No tiles, or no columns.
    """
    if not tiles or columns < 1:
        raise ValueError(f"a contact sheet needs tiles and columns, got {len(tiles)} tiles in {columns} columns")
    height, width = cell or (max(tile.shape[0] for tile in tiles), max(tile.shape[1] for tile in tiles))
    rows = -(-len(tiles) // columns)
    across = min(columns, len(tiles))
    step = height + below + gap
    sheet = np.full((rows * step - gap, across * (width + gap) - gap, 3), PAPER, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * step, index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = fit(tile, height, width)
    return sheet


def channel_sheet(photo: Rgb, maps: Values | Sequence[Values], *, columns: int | None = None, side: int = 112) -> Rgb:
    """The photo, then the maps of single units, each on its own colour scale from its minimum to its maximum.

    Args:
        photo: uint8, shape (height, width, 3).
        maps: Float, shape (units, rows, columns), strongest first.
        columns: Tiles in a row, the photo among them; None: rows of the same length, of ten at most.
        side: Short side of a tile, pixels.
    """
    height, width = photo.shape[:2]
    scale = side / min(height, width)
    cell = (round(height * scale), round(width * scale))
    tiles = [photo, *(colourise(one, *_ends(one)) for one in maps)]
    across = columns or -(-len(tiles) // -(-len(tiles) // ACROSS))
    return contact_sheet(tiles, across, cell=cell)


def kernel_sheet(tiles: NDArray[np.floating], *, columns: int | None = None, side: int = 40) -> Rgb:
    """Weights as pictures: colour kernels stretched over their own range, single ones grey with zero as mid-grey.

    Args:
        tiles: Float, shape (count, rows, columns) or (count, rows, columns, 3).
        columns: Tiles in a row; None makes the sheet about twice as wide as high.
        side: Tiles smaller than this are enlarged by a whole factor.
    """
    across = columns or max(1, round((2 * len(tiles)) ** 0.5))
    return contact_sheet([enlarged_kernel(tile, side) for tile in tiles], across, gap=3)


def enlarged_kernel(tile: NDArray[np.floating], side: int) -> Rgb:
    """One kernel as uint8 RGB, enlarged by a whole factor."""
    if tile.ndim == 3:
        low, high = float(tile.min()), float(tile.max())
        shade = (tile - low) / (high - low) if high > low else np.full(tile.shape, 0.5)
    else:
        reach = float(np.abs(tile).max())
        shade = np.repeat((0.5 + tile / (2 * reach) if reach > 0 else np.full(tile.shape, 0.5))[:, :, None], 3, axis=2)
    rgb: Rgb = (np.clip(shade, 0, 1) * 255 + 0.5).astype(np.uint8)
    factor = max(1, -(-side // min(rgb.shape[:2])))
    return np.repeat(np.repeat(rgb, factor, axis=0), factor, axis=1)


def _ends(values: Values) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
