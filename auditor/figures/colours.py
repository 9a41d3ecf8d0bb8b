"""Values as colours, alone or over a photo."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
"""uint8, shape (height, width, 3), RGB."""
Values = NDArray[np.floating]
"""Float, shape (rows, columns); higher means more."""

PAPER = 255
RAMP = 5
"""Colours by which a legend shows a scale."""


def colourise(values: Values, low: float, high: float, *, palette: str = "viridis") -> Rgb:
    """Colours of a perceptually uniform scale; values that are not finite become mid-grey.

    Args:
        values: Float, shape (rows, columns).
        low, high: Ends of the scale; values beyond take the end's colour. With low = high all is the lower end.
        palette: A perceptually uniform colour map: viridis, cividis, magma, inferno, plasma; with _r backwards.
    """
    span = high - low
    finite = np.isfinite(values)
    share = np.zeros(values.shape, np.float32)
    if span > 0:
        np.divide(values - low, span, out=share, where=finite, casting="unsafe")
    steps = (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)
    colours: Rgb = _table(palette)[steps]
    if not finite.all():
        colours[~finite] = 127
    return colours


def overlay(photo: Rgb, values: Values, low: float, high: float, *, palette: str = "viridis") -> Rgb:
    """The map over the greyed photo: the higher the value, the more opaque its colour.

    Args:
        photo: uint8, shape (height, width, 3).
        values: Float, same height and width.
        low, high: Ends of the scale.
    """
    finite = np.isfinite(values)
    given = values.astype(np.float32, copy=False)
    if not finite.all():
        given = np.where(finite, given, low)
    scale = 255 / (high - low) if high > low else 0.0
    # everything from here on is whole bytes, which a CPU handles 16 or more at a time
    steps = cv2.addWeighted(given, scale, given, 0, -low * scale, dtype=cv2.CV_8U)
    tints, left = _tints(palette)
    coloured = cv2.LUT(cv2.cvtColor(steps, cv2.COLOR_GRAY2RGB), tints)
    grey = cv2.multiply(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.LUT(steps, left), scale=1 / 255)
    shown = cv2.add(coloured, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
    if not finite.all():
        quiet = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[~finite][:, None]
        shown[~finite] = (left[0] / 255 * quiet + (1 - left[0] / 255) * (PAPER // 2) + 0.5).astype(np.uint8)
    return np.asarray(shown, np.uint8)


def ramp(palette: str = "viridis", end: float = 1.0) -> tuple[str, ...]:
    """A few colours of a scale from its low end up, as a legend names them.

    Args:
        end: Share of the scale that is used.
    """
    table = _table(palette)[np.linspace(0, 255 * end, RAMP).round().astype(int)]
    return tuple("#" + bytes(colour).hex() for colour in table)


@cache
def _tints(palette: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For 256 steps: colour times opacity, uint8 (1, 256, 3), and what is left of the photo, uint8 (256,)."""
    opacity = 0.15 + 0.65 * np.linspace(0, 1, 256)
    tints = _table(palette) * opacity[:, None] + 0.5
    return tints.astype(np.uint8)[None], (255 * (1 - opacity) + 0.5).astype(np.uint8)


@cache
def _table(palette: str) -> NDArray[np.uint8]:
    """256 colours, uint8 (256, 3), of a scale by its name in matplotlib; OpenCV has the same numbers, and is here."""
    name, backwards = palette.removesuffix("_r"), palette.endswith("_r")
    steps = np.arange(256, dtype=np.uint8)[::-1] if backwards else np.arange(256, dtype=np.uint8)
    bgr = cv2.applyColorMap(steps[:, None].copy(), getattr(cv2, f"COLORMAP_{name.upper()}"))
    return np.ascontiguousarray(bgr[:, 0, ::-1])
