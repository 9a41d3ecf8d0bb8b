"""Marks: watermarks, stamps, rulers and logos, drawn.

Letters are strokes of our own, so that every machine draws the same mark whatever fonts it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

Place = Literal["top-left", "centre", "bottom-right"]
PLACES: tuple[Place, ...] = ("top-left", "centre", "bottom-right")
LEAST_SIDE = 24
"""Pixels of the shorter side; in smaller pictures no text can be read."""
LARGEST_SHARE = 0.92
"""Of the picture's width and height."""
SPACING = 0.28
"""Between letters, in heights of a capital: a clear pixel in the smallest text."""
INSET = 0.04
"""Distance of a mark from the rim, as a share of the shorter side."""

_LATIN = {
    "A": "06 20 46|14 34", "E": "40 00 06 46|03 33", "H": "00 06|40 46|03 43", "L": "00 06 46", "M": "06 00 23 40 46",
    "O": "10 30 41 45 36 16 05 01 10", "P": "06 00 30 41 42 33 03", "R": "06 00 30 41 42 33 03|23 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05", "T": "00 40|20 26",
    "c": "43 32 12 03 05 16 36 45", "i": "02 06|00 00", "m": "06 02 12 23 26|23 32 43 46",
    "o": "12 32 43 45 36 16 05 03 12", "p": "02 08|03 12 32 43 45 36 16 05", "w": "02 16 23 36 42", ".": "06 06",
    "0": "00 40 46 06 00", "1": "20 26", "2": "00 40 43 03 06 46", "4": "00 03 43|40 46", "8": "00 40 46 06 00|03 43",
    "9": "46 40 00 03 43", " ": "",
}  # fmt: skip
"""Polylines of xy digits on a grid 6 high (y downwards); digits have seven segments, as cameras stamp them."""
_WIDE = {
    "©": "30 60 81 93 96 88 69 39 18 06 03 11 30|63 43 34 35 46 66", "中": "11 81 85 15 11|40 49",
    "文": "40 51|02 92|72 09|23 99", "水": "50 59 38|03 43 08|82 54|54 98", "印": "40 12 18 47|14 44|61 91 96 86|61 69",
}  # fmt: skip
"""The same on a grid 9 high."""


@dataclass(frozen=True, slots=True)
class _Design:
    """What a mark looks like.

    Attributes:
        texts: What is written; the first that is legible is taken.
        share: Width (of texts) or height (of one letter) as a share of the shorter side, where legible.
        least: Height of the letters in pixels below which they cannot be read.
        ink: RGB.
    """

    words: str
    texts: tuple[str, ...]
    share: float
    least: float = 5.0
    ink: tuple[int, int, int] = (255, 255, 255)


_DESIGNS = {
    "latin": _Design("Latin text", ("PHOTO",), 0.7),
    "cjk": _Design("Chinese text", ("中文水印", "水印"), 0.7, 8.0),
    "url": _Design("a web address", ("www.pic.com", "pic.com"), 0.6),
    "copyright": _Design("a copyright tag", ("©2024",), 0.4),
    "date": _Design("a date stamp", ("98 12 24", "12 24"), 0.4, ink=(255, 140, 30)),
    "ruler": _Design("a ruler", (), 0.7),
    "marker": _Design("a marker letter", ("R",), 0.12, 6.0),
    "logo": _Design("a logo disc", ("A",), 0.16, 6.0),
}
MARKS = tuple(_DESIGNS)


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark at its place.

    Attributes:
        words: What it is: "Latin text 'PHOTO'".
        box: x1, y1, x2, y2 in the picture, end exclusive.
        cover: float32 (rows, columns) of the box, in [0, 1]: how much of the ink each pixel takes.
        outline: float32, same shape: what is left of the mark when nothing in it can be told apart any more; a plain
            rectangle for texts and rulers, a plain disc for the logo.
        ink: RGB, 0..255.
    """

    name: str
    words: str
    place: Place
    cover: np.ndarray
    outline: np.ndarray
    box: tuple[int, int, int, int]
    ink: tuple[int, int, int]


def too_small(name: str, height: int, width: int) -> str | None:
    """Why a mark cannot be drawn legibly in pictures of a size; None where it can."""
    if min(height, width) < LEAST_SIDE:
        return f"in pictures of {width}×{height} pixels no mark can be drawn legibly; {LEAST_SIDE} are needed"
    if _written(name, height, width) is None:
        return f"{_DESIGNS[name].words} is not legible in pictures of {width}×{height} pixels"
    return None


def draw_mark(name: str, place: Place, height: int, width: int) -> Mark:
    """A mark of the bank, drawn for pictures of a size; the same on every machine.

    Args:
        name: One of `MARKS`.

    Raises:
        ValueError: The pictures are too small, as `too_small` says.
    """
    why = too_small(name, height, width)
    written = _written(name, height, width)
    if why is not None or written is None:
        raise ValueError(why)
    strokes, thickness, text = written
    patch = _drawn(strokes, thickness)
    outline = np.ones_like(patch)
    if name == "logo":
        outline, patch = _disc(patch)
    rows, columns = patch.shape
    inset = max(1, round(INSET * min(height, width)))
    corner = {
        "top-left": (inset, inset),
        "centre": ((height - rows) // 2, (width - columns) // 2),
        "bottom-right": (height - rows - inset, width - columns - inset),
    }[place]
    y, x = max(0, min(corner[0], height - rows)), max(0, min(corner[1], width - columns))
    design = _DESIGNS[name]
    words = f"{design.words} '{text}'" if text and name != "logo" else design.words
    return Mark(name, words, place, patch, outline, (x, y, x + columns, y + rows), design.ink)


def _written(name: str, height: int, width: int) -> tuple[np.ndarray, float, str] | None:
    """Strokes in pixels, their thickness, and the text; None where nothing legible fits."""
    design, side = _DESIGNS[name], min(height, width)
    if name == "ruler":
        return (*_ruler(design.share * side), "")
    for text in design.texts:
        strokes = _lines(text)
        wide = float(strokes[:, [0, 2]].max())
        scale = max(design.least, design.share * side / (wide if len(text) > 1 else 1.0))
        tall = float(strokes[:, [1, 3]].max())
        thickness = max(1.0, 0.14 * scale)
        if wide * scale + 2 * thickness <= LARGEST_SHARE * width and tall * scale <= LARGEST_SHARE * height:
            return strokes * scale, thickness, text
    return None


def _lines(text: str) -> np.ndarray:
    """Segments of a line of text: (segments, 4) as x1, y1, x2, y2 in heights of a capital."""
    found: list[list[float]] = []
    x = 0.0
    for letter in text:
        drawn, grid = (_WIDE[letter], 9) if letter in _WIDE else (_LATIN[letter], 6)
        ends = [[(int(xy[0]), int(xy[1])) for xy in line.split()] for line in drawn.split("|") if line]
        left = min((point[0] for line in ends for point in line), default=0)
        right = max((point[0] for line in ends for point in line), default=2)
        for line in ends:
            found += [
                [x + (a[0] - left) / grid, a[1] / grid, x + (b[0] - left) / grid, b[1] / grid]
                for a, b in pairwise(line)
            ]
        x += (right - left) / grid + SPACING
    return np.asarray(found)


def _ruler(length: float) -> tuple[np.ndarray, float]:
    """A line with ticks at least three pixels apart, every fifth of them longer."""
    ticks = int(min(31, max(4, length / 3)))
    thickness = max(1.0, length / 120)
    x = np.linspace(0.0, length, ticks)
    tall = np.where(np.arange(ticks) % 5 == 0, 0.16, 0.09) * max(length, 20.0)
    base = tall.max()
    strokes = np.stack([x, base - tall, x, np.full(ticks, base)], axis=1)
    return np.concatenate([strokes, [[0.0, base, length, base]]]), thickness


def _drawn(strokes: np.ndarray, thickness: float) -> np.ndarray:
    """Round-ended strokes with soft edges, in the smallest patch that holds them: float32 (rows, columns)."""
    margin = int(np.ceil(thickness / 2))
    points = strokes + margin
    columns = int(np.ceil(points[:, [0, 2]].max())) + margin + 1
    rows = int(np.ceil(points[:, [1, 3]].max())) + margin + 1
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    cover = np.zeros((rows, columns))
    for x1, y1, x2, y2 in points:
        dx, dy = x2 - x1, y2 - y1
        along = np.clip(((x - x1) * dx + (y - y1) * dy) / max(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
        distance = np.hypot(x - x1 - along * dx, y - y1 - along * dy)
        cover = np.maximum(cover, np.clip(thickness / 2 + 0.5 - distance, 0.0, 1.0))
    return cover[:, cover.any(axis=0)][cover.any(axis=1)].astype(np.float32)


def _disc(letter: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A filled disc, and the same with a letter left out of it: float32 (size, size) each."""
    radius = 0.75 * float(np.hypot(*letter.shape))
    size = int(np.ceil(2 * radius)) + 1
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0).astype(np.float32)
    logo = disc.copy()
    top, left = (size - letter.shape[0]) // 2, (size - letter.shape[1]) // 2
    logo[top : top + letter.shape[0], left : left + letter.shape[1]] *= 1 - letter
    return disc, logo
