"""Frames as prints, scanners and screens leave them, as colours with an opacity, each in the one place it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from benchmarks.detection.drawing import BLACK, WHITE, Mark, filled, written
from benchmarks.detection.shapes import floats, whole_bytes


def _deckle(variant: int, size: int) -> Mark:
    """A torn edge of paper around a print, now wider, now narrower."""
    colour = ((246, 243, 235), (28, 24, 22), (176, 128, 80), (120, 160, 215))[variant]
    uneven = np.random.default_rng(7).normal(0, 1, (4, 9)).astype(np.float32)
    depths = cv2.resize(uneven, (size, 4), interpolation=cv2.INTER_CUBIC) * size / 56 + size / 13
    depths = np.clip(depths, 1, size / 7)
    across = np.arange(size)[:, None] + 0.5
    sides = [depths[0][None] - across, depths[1][None] - (size - across)]
    sides += [depths[2][:, None] - across.T, depths[3][:, None] - (size - across.T)]
    opacity = np.clip(np.max([np.broadcast_to(side, (size, size)) for side in sides], axis=0) + 0.5, 0, 1)
    return filled(size, size, colour), floats(opacity)


def _perforation(variant: int, size: int) -> Mark:
    """The white margin of a postage stamp with its round holes, on dark or coloured ground."""
    ground = ((20, 20, 24), (170, 30, 40), (30, 60, 140), (40, 110, 60))[variant]
    unit, step = 8 * size, size
    margin = unit // 9
    pixels, opacity = filled(unit, unit, (250, 248, 240)), np.ones((unit, unit), np.float32)
    opacity[margin:-margin, margin:-margin] = 0
    for at in range(0, unit + 1, step):
        for centre in ((at, 0), (at, unit), (0, at), (unit, at)):
            cv2.circle(pixels, centre, round(0.36 * step), ground, -1)
    small = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    return whole_bytes(small), floats(cv2.resize(opacity, (size, size), interpolation=cv2.INTER_AREA))


def _photo_corners(variant: int, size: int) -> Mark:
    """Triangles of card that hold a print in its album, one in every corner."""
    colour = (BLACK, (200, 160, 60), (150, 30, 45), (40, 80, 60))[variant]
    along = np.minimum(np.arange(size), size - 1 - np.arange(size))
    legs = np.add.outer(along, along)
    reach = round(size / 4.4)
    pixels = filled(size, size, colour)
    pixels[(legs >= reach - max(2, size // 16)) & (legs < reach)] = np.minimum(np.array(colour) + 90, 255)
    return pixels, floats(legs < reach)


def _axes(variant: int, size: int) -> Mark:
    """The two scales of a plot, at the left and on top, with ticks."""
    paper, ink = ((WHITE, BLACK), (BLACK, (250, 220, 60)), ((225, 235, 250), (20, 40, 160)), ((60, 60, 60), WHITE))[
        variant
    ]
    width, step = round(size / 7), max(4, size // 8)
    y, x = np.mgrid[:size, :size]
    ticks = ((x % step < max(1, size // 32)) & (y >= width // 3) & (y < width)) | (
        (y % step < max(1, size // 32)) & (x >= width // 3) & (x < width)
    )
    pixels = filled(size, size, paper)
    pixels[ticks] = ink
    return pixels, floats((x < width) | (y < width))


def _lid(variant: int, size: int) -> Mark:
    """Light or shade along one side, where a scanner's lid does not close."""
    colour = (BLACK, WHITE, (80, 30, 0), (0, 20, 90))[variant]
    width = round(size / 4.5)
    fall = 1 - (np.arange(width) + 0.5) / width
    opacity = np.broadcast_to((0.95 * fall**0.7)[None, ::-1], (size, width))
    return filled(width, size, colour), floats(opacity)


def _hairline(variant: int, size: int) -> Mark:
    """The thin line of a viewfinder that marks what will surely be seen, well inside the picture."""
    colour = ((255, 255, 0), (0, 255, 255), (255, 0, 255), (255, 40, 40))[variant]
    side, line = size - 2 * far_inset(size), max(1, size // 32)
    opacity = np.ones((side, side), np.float32)
    opacity[line:-line, line:-line] = 0
    return filled(side, side, colour), opacity


def _caption(variant: int, size: int) -> Mark:
    """A strip along the top with a line of writing, as recorders burn it in."""
    paper, ink = (((10, 10, 10), (255, 255, 255)), ((20, 40, 150), (255, 240, 90)), ((235, 235, 230), (150, 20, 20)),
                  ((110, 15, 20), (240, 240, 240)))[variant]  # fmt: skip
    height = round(size / 5.5)
    letters = written(
        ("CAM 04 12:31", "REC 00:58 A", "CH2 25 fps", "ID 7731 LT")[variant], round(0.86 * size), height - 2
    )
    pixels = filled(size, height, paper)
    x = (size - letters.shape[1]) // 2
    line = pixels[1:-1, x : x + letters.shape[1]]
    line[:] = np.rint(line + letters[..., None] * (np.array(ink) - line))
    return pixels, np.ones((height, size), np.float32)


def far_inset(size: int) -> int:
    """Pixels between the picture's edge and the line of a viewfinder."""
    return size // 8


EDGES: Mapping[str, Callable[[int, int], Mark]] = MappingProxyType({
    "deckle": _deckle, "perforation": _perforation, "photo corners": _photo_corners,
    "axes": _axes, "lid": _lid, "hairline": _hairline, "caption": _caption,
})  # fmt: skip
"""Variant (0 to 3) and the picture's side in pixels → mark, as large as the frame or its bar is."""
