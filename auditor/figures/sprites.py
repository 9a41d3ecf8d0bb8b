"""Many small maps in one grey picture, to be coloured by whoever shows them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.figures.colours import Values, colourise

ACROSS = 16
"""Maps in a row of a sprite."""
BLOCK = 8
"""Cells begin at multiples of this, so that no block of a JPEG holds parts of two maps."""
QUALITY = 80


@dataclass(frozen=True, slots=True)
class Sprite:
    """Grey maps in equal cells, left to right, top to bottom; 255 is each map's own largest value.

    Attributes:
        content: PNG, or JPEG where that is smaller.
        kind: Its media type.
        across: Cells in a row.
        cell: (width, height) of a cell in pixels.
        tile: (width, height) of the map in it, from its top-left corner.
        size: (width, height) of the whole picture.
        tops: The largest value of each map at this resolution: what 255 stands for.
    """

    content: bytes
    kind: str
    across: int
    cell: tuple[int, int]
    tile: tuple[int, int]
    size: tuple[int, int]
    tops: tuple[float, ...]


def sprite(maps: Values, *, side: int) -> Sprite:
    """Pack maps, averaged down to at most `side` cells on their longer side.

    Args:
        maps: Float, shape (n, rows, columns), not negative; what is not finite counts as nothing.
        side: Cells.
    """
    small = _averaged(np.nan_to_num(maps.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0).clip(min=0), side)
    count, rows, columns = small.shape
    tops = small.max(axis=(1, 2), initial=0.0)
    steps = (small * (255 / np.where(tops > 0, tops, 1))[:, None, None] + 0.5).astype(np.uint8)
    height, width = (-(-length // BLOCK) * BLOCK for length in (rows, columns))
    cells = np.pad(steps, ((0, -count % ACROSS), (0, height - rows), (0, width - columns)), mode="edge")
    grid = cells.reshape(-1, ACROSS, height, width).transpose(0, 2, 1, 3).reshape(-1, ACROSS * width)
    content, kind = _smaller(grid)
    return Sprite(
        content=content,
        kind=kind,
        across=ACROSS,
        cell=(width, height),
        tile=(columns, rows),
        size=(grid.shape[1], grid.shape[0]),
        tops=tuple(float(top) for top in tops),
    )


def lookup(palette: str = "viridis") -> NDArray[np.uint8]:
    """The colours of 256 steps of a perceptually uniform scale, uint8 (256, 3)."""
    colours: NDArray[np.uint8] = colourise(np.arange(256, dtype=np.float32)[None], 0, 255, palette=palette)[0]
    return colours


def jpeg_size(data: bytes) -> tuple[int, int]:
    """(width, height) from a JPEG's header, without decoding it.

    Raises:
        ValueError: No whole JPEG.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            size = picture.size
    except OSError as error:
        raise ValueError("these bytes are no JPEG") from error
    if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise ValueError("this JPEG breaks off")
    return size


def two_by_two(four: NDArray[np.generic]) -> NDArray[np.generic]:
    """Four layers of a clip or volume as one picture, in reading order.

    Args:
        four: Shape (4, height, width, ...).
    """
    return np.concatenate([np.concatenate(list(pair), axis=1) for pair in (four[:2], four[2:])])


def _averaged(maps: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    rows, columns = maps.shape[1:]
    scale = side / max(rows, columns)
    if scale >= 1:
        return maps
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in maps])


def _smaller(grid: NDArray[np.uint8]) -> tuple[bytes, str]:
    """Coarse maps are smaller as PNG and lose nothing; those of single pixels are noise, and smaller as JPEG."""
    settings = {
        "image/png": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 9]),
        "image/jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]),
    }
    encoded = {kind: cv2.imencode(ending, grid, wanted)[1].tobytes() for kind, (ending, wanted) in settings.items()}
    kind = min(encoded, key=lambda kind: len(encoded[kind]))
    return encoded[kind], kind
