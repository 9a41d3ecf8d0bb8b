"""Frames around a picture, as colours with an opacity. Each half has designs and places of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.drawing import BLACK, WHITE, Mark
from benchmarks.detection.edges import EDGES, far_inset
from benchmarks.detection.shapes import Floats, floats

FRAMES = (
    "plain line",
    "double line",
    "dashes",
    "painted line",
    "strips",
    "beads",
    "two tones",
    "bands",
    "film",
    "mount",
    "vignette",
    "ticks",
    "bar",
    *EDGES,
)


PARTS_OF_SIDE: Mapping[str, float] = MappingProxyType(
    {"strips": 11, "bands": 9, "film": 6.5, "vignette": 4, "ticks": 10, "bar": 7}
)
"""Some are as wide as the picture's side over this."""


@lru_cache(maxsize=64)
def frame(design: str, variant: int, size: int, place: str) -> Mark:
    """A frame for a picture of side `size`, transparent inside, as large as the frame or its bar is.

    Args:
        design: One of `FRAMES`.
        variant: 0 to 3, its colour.
        size: Side in pixels.
        place: `rim` (all sides, at the edge), `inset` and `close inset` (all sides, a line in), `top and bottom`,
            `left and right`, `bottom and right`, `all but top`, `bottom`, `left`; designs of
            `EDGES` have a place of their own.
    """
    if design in EDGES:
        return EDGES[design](variant, size)
    depth = _depth(size, place)
    line = max(1, round(size / 21)) if design != "double line" else max(1, round(size / 32))
    if design in PARTS_OF_SIDE:
        line = round(size / PARTS_OF_SIDE[design])
    start = frame_inset(place, size)
    inside = (depth >= start) & (depth < start + line)
    colours = np.full((size, size, 3), _frame_colours(design)[variant], np.uint8)
    if design == "double line":
        inside = depth < 3 * line
        colours[depth // line == 1] = 255 - colours[depth // line == 1]
    if design == "dashes":
        along = np.add.outer(np.arange(size), np.arange(size)) // max(2, size // 10) % 2 == 0
        colours[along] = 255 - colours[along]
    if design == "beads":
        beads = np.add.outer(np.arange(size), np.arange(size)) // max(2, size // 16) % 2 == 0
        inside &= beads
    if design == "two tones":
        inside = depth < 2 * line
        colours[depth >= line] = (235, 230, 220)
    opacity = floats(inside)
    if design == "film":
        punched = (np.arange(size) // max(2, size // 12) % 2 == 0)[:, None]
        holes = punched & (depth >= line // 3) & (depth < line - line // 3)
        colours[holes] = 255 - colours[holes]
    if design == "mount":
        opacity = _outside_round_corners(size)
    if design == "vignette":
        opacity = floats(np.clip(1 - depth / line, 0, 1) * 0.9)
    if design == "ticks":
        along = np.add.outer(np.arange(size), np.arange(size)) % max(4, size // 8) < max(1, size // 32)
        opacity = floats(inside & along)
    rows = slice(size - line, size) if place == "bottom" else slice(start, size - start)
    columns = slice(line) if place == "left" else slice(start, size - start)
    return colours[rows, columns], opacity[rows, columns]


def _outside_round_corners(size: int) -> Floats:
    """1 outside a square with round corners that fills a picture but for a thirtieth, as slides are mounted."""
    y, x = np.abs(np.mgrid[:size, :size] + 0.5 - size / 2)
    radius, half = 0.3 * size, size / 2 - size / 32
    beyond = np.hypot(np.maximum(x - half + radius, 0), np.maximum(y - half + radius, 0)) - radius
    return floats(np.clip(beyond + 0.5, 0, 1))


def frame_inset(place: str, size: int) -> int:
    """Pixels between the picture's edge and a frame."""
    return {"inset": 2, "close inset": 1, "far inset": far_inset(size)}.get(place, 0)


def _frame_colours(design: str) -> tuple[tuple[int, int, int], ...]:
    if design == "painted line":
        return ((30, 60, 225), (225, 30, 160), (20, 190, 190), (235, 140, 20))
    if design == "strips":
        return (BLACK, WHITE, (10, 10, 110), (120, 10, 10))
    if design == "beads":
        return ((250, 240, 90), (60, 230, 250), (250, 90, 200), (15, 15, 15))
    if design == "two tones":
        return ((120, 70, 20), (20, 70, 120), (90, 20, 90), (20, 90, 50))
    if design == "bands":
        return ((200, 200, 205), (35, 35, 40), (20, 120, 130), (170, 110, 20))
    if design == "film":
        return ((15, 15, 20), (110, 60, 20), (25, 60, 110), (230, 230, 225))
    if design == "mount":
        return ((245, 245, 240), (10, 10, 10), (110, 20, 30), (20, 60, 110))
    if design == "vignette":
        return (BLACK, (70, 30, 0), (0, 20, 80), WHITE)
    if design == "ticks":
        return ((255, 255, 60), (255, 70, 70), (70, 255, 255), (20, 20, 20))
    if design == "bar":
        return ((20, 20, 25), (240, 240, 235), (190, 30, 40), (30, 60, 150))
    if design == "dashes":
        return ((20, 20, 20), (200, 20, 20), (20, 20, 200), (20, 140, 20))
    return (WHITE, BLACK, (230, 60, 50), (70, 200, 60))


def _depth(size: int, place: str) -> NDArray[np.int64]:
    """How many pixels from the edges that a frame follows, (size, size)."""
    along = np.minimum(np.arange(size), size - 1 - np.arange(size))
    rows, columns = np.meshgrid(along, along, indexing="ij")
    if place == "top and bottom":
        return rows
    if place == "left and right":
        return columns
    if place == "left":
        return np.asarray(np.broadcast_to(np.arange(size), (size, size)))
    if place == "bottom":
        return np.asarray(np.broadcast_to((size - 1 - np.arange(size))[:, None], (size, size)))
    far = size - 1 - np.arange(size)
    if place == "bottom and right":
        return np.asarray(np.minimum.outer(far, far))
    if place == "all but top":
        return np.asarray(np.minimum(far[:, None], columns))
    return np.asarray(np.minimum(rows, columns))
