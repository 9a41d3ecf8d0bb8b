"""What marks are drawn with: writing, plates and paints, as colours with an opacity."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np

from benchmarks.detection.shapes import Bytes, Floats, floats, whole_bytes

Mark: TypeAlias = tuple[Bytes, Floats]
"""Colours, byte (height, width, 3), and opacity, float32 (height, width), 0 to 1."""
Box: TypeAlias = tuple[int, int, int, int]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
PAINTS: tuple[tuple[int, int, int], ...] = ((220, 40, 40), (30, 90, 220), (20, 160, 60), (150, 40, 180))
"""Red, blue, green, violet: what tells the variants of some designs apart."""


def written(text: str, width: int, height: int, *, font: int = cv2.FONT_HERSHEY_SIMPLEX) -> Floats:
    """A word that fills a box, as opacity, (height, width)."""
    scale = 2.0
    (wide, high), below = cv2.getTextSize(text, font, scale, 8)
    canvas = np.zeros((high + below + 8, wide + 8), np.uint8)
    cv2.putText(canvas, text, (4, high + 4), font, scale, 255, 8, cv2.LINE_AA)
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    tight = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = floats(floats(cv2.resize(tight, (width, height), interpolation=cv2.INTER_AREA)) / 255)
    return floats(np.clip(small * 1.5, 0, 1))


def opaque(pixels: Any) -> Mark:
    """A mark through which nothing shows."""
    colours = np.asarray(pixels, dtype=np.uint8)
    return colours, np.ones(colours.shape[:2], np.float32)


def filled(width: int, height: int, colour: tuple[int, int, int]) -> Bytes:
    """An even field of colour, (height, width, 3)."""
    return np.full((height, width, 3), colour, np.uint8)


def shrunk(pixels: Bytes, opacity: Floats) -> Mark:
    """A drawing made eight times too large."""
    height, width = opacity.shape[0] // 8, opacity.shape[1] // 8
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return whole_bytes(small), floats(cv2.resize(opacity, (width, height), interpolation=cv2.INTER_AREA))
