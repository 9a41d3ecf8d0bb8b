"""Pictures in other colours as a whole. Each half has designs of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from benchmarks.detection.scenes import hue_gains
from benchmarks.detection.shapes import Bytes, whole_bytes

HUE_OF_CAST: Mapping[str, tuple[float, ...]] = MappingProxyType({
    "warm": (30, 210, 120, 300),
    "green": (120, 300, 30, 210),
    "cold": (235, 75, 165, 345),
    "magenta": (320, 140, 50, 230),
    "amber": (48, 228, 138, 318),
    "cyan": (188, 8, 98, 278),
    "sepia": (35, 215, 125, 305),
    "faded": (265, 85, 355, 175),
    "split toned": (55, 235, 145, 325),
    "window light": (200, 20, 290, 110),
    "cross processed": (70, 250, 340, 160),
    "false colour": (15, 195, 285, 105),
    "haze": (222, 42, 132, 312),
})  # fmt: skip
"""Hue in degrees of each variant."""


def cast(design: str, variant: int, picture: Bytes, strength: float) -> Bytes:
    """A picture, (side, side, 3), in other colours.

    Channels are multiplied; or the picture is toned as old prints are, faded to a hue, given one hue in its lights and
    the opposite one in its shadows, or lit in a hue from the left; or each channel has a curve of its own, brightness
    is shown as a hue that turns, or a coloured haze lies before it, thicker before what is dark.
    """
    hue = np.array([HUE_OF_CAST[design][variant]])
    if design == "sepia":
        toned = picture.mean(axis=2, keepdims=True) * hue_gains(hue, 0.35)[0]
        return whole_bytes(picture + 0.7 * strength * (toned - picture))
    if design == "faded":
        return whole_bytes(picture + 0.3 * strength * (150 * hue_gains(hue, 0.7)[0] - picture))
    if design == "split toned":
        lights = np.clip((picture.mean(axis=2, keepdims=True) - 115) / 60, -1, 1)
        return whole_bytes(picture + 40 * strength * lights * (hue_gains(hue, 1.0)[0] - 1))
    if design == "window light":
        fall = np.linspace(0.55, 0.05, picture.shape[1])
        return whole_bytes(picture * hue_gains(np.repeat(hue, len(fall)), strength * fall))
    if design == "cross processed":
        curves = (picture / 255.0) ** (1 / hue_gains(hue, 0.45 * strength)[0])
        return whole_bytes(255 * curves)
    if design == "false colour":
        grey = picture.mean(axis=2)
        turned = hue_gains(hue[0] + 150 * (grey.ravel() / 255 - 0.5), 0.5).reshape(picture.shape)
        return whole_bytes(picture + 0.75 * strength * (grey[..., None] * turned - picture))
    if design == "haze":
        air = 190 * hue_gains(hue, 0.45)[0]
        return whole_bytes(picture + 0.45 * strength * (1 - picture / 255.0) * air)
    return whole_bytes(picture * hue_gains(hue, 0.3 * strength)[0])
