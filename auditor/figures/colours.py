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
    steps, missing = _steps(values, low, high)
    colours = cv2.LUT(cv2.cvtColor(steps, cv2.COLOR_GRAY2RGB), _table(palette)[None])
    if missing is not None:
        colours[missing] = 127
    return np.asarray(colours, np.uint8)


def overlay(photo: Rgb, values: Values, low: float, high: float, *, palette: str = "viridis") -> Rgb:
    """The map over the greyed photo: the higher the value, the more opaque its colour.

    Args:
        photo: uint8, shape (height, width, 3).
        values: Float, same height and width.
        low, high: Ends of the scale.
    """
    steps, missing = _steps(values, low, high)
    tints, left = _tints(palette)
    coloured = cv2.LUT(cv2.cvtColor(steps, cv2.COLOR_GRAY2RGB), tints)
    dull = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    grey = cv2.multiply(dull, cv2.LUT(steps, left), scale=1 / 255)
    shown = cv2.add(coloured, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
    if missing is not None:
        quiet = dull[missing][:, None]
        shown[missing] = (left[0] / 255 * quiet + (1 - left[0] / 255) * (PAPER // 2) + 0.5).astype(np.uint8)
    return np.asarray(shown, np.uint8)


def ramp(palette: str = "viridis", end: float = 1.0) -> tuple[str, ...]:
    """A few colours of a scale from its low end up, as a legend names them.

    Args:
        end: Share of the scale that is used.
    """
    table = _table(palette)[np.linspace(0, 255 * end, RAMP).round().astype(int)]
    return tuple("#" + bytes(colour).hex() for colour in table)


def _steps(values: Values, low: float, high: float) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Shares of the scale in 255 steps, uint8, and where values are not finite; None: nowhere.

    Whole bytes from here on: a CPU handles 16 or more of them at a time.
    """
    finite = np.isfinite(values)
    missing = None if finite.all() else ~finite
    given = values if missing is None else np.where(finite, values, low)
    above = np.subtract(given, low, dtype=np.float32, casting="unsafe")
    steps = cv2.addWeighted(above, 255 / (high - low) if high > low else 0.0, above, 0, 0, dtype=cv2.CV_8U)
    return np.asarray(steps, np.uint8), missing


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
