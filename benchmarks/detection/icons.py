"""Tags as clinics, telephones, maps and robots put them on pictures, as colours with an opacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from benchmarks.detection.drawing import BLACK, WHITE, Mark, filled, opaque, shrunk, written
from benchmarks.detection.shapes import floats


def _lead_letter(variant: int, side: int) -> Mark:
    """A letter in a ring, both of bright metal and nothing under them, as X-ray plates are told left from right."""
    unit = 8 * round(side * 1.3)
    pixels, opacity = filled(unit, unit, (252, 252, 245)), np.zeros((unit, unit), np.float32)
    cv2.circle(opacity, (unit // 2, unit // 2), round(0.43 * unit), 1.0, unit // 9)
    wide, high = round(0.38 * unit), round(0.5 * unit)
    y, x = (unit - high) // 2, (unit - wide) // 2
    opacity[y : y + high, x : x + wide] = written("RLAD"[variant], wide, high)
    return shrunk(pixels, opacity)


def _battery(variant: int, side: int) -> Mark:
    """A telephone's battery lying on its side: a white outline, and a charge that is red, amber, green or blue."""
    charge, colour = ((0.25, (255, 50, 50)), (0.5, (255, 190, 0)), (1.0, (50, 225, 80)), (0.75, (60, 150, 255)))[
        variant
    ]
    width, height = 8 * round(side * 1.6), 8 * round(side * 0.9)
    pixels = filled(width, height, (12, 12, 14))
    line, body = height // 7, round(0.9 * width)
    cv2.rectangle(pixels, (0, 0), (body, height - 1), WHITE, -1)
    cv2.rectangle(pixels, (line, line), (body - line, height - 1 - line), (12, 12, 14), -1)
    cv2.rectangle(pixels, (body, height // 3), (width - 1, height - height // 3), WHITE, -1)
    full = body - 4 * line
    cv2.rectangle(pixels, (2 * line, 2 * line), (2 * line + round(charge * full), height - 1 - 2 * line), colour, -1)
    opacity = np.ones((height, width), np.float32)
    opacity[: height // 3, body + 1 :] = opacity[height - height // 3 + 1 :, body + 1 :] = 0
    return shrunk(pixels, opacity)


def _inset_map(variant: int, side: int) -> Mark:
    """A small map in a white rim: land, a river across it, and where one is; the variant turns it."""
    reach = round(side * 1.15)
    unit = 8 * (reach - 2)
    pixels = filled(unit, unit, (150, 205, 110))
    shore = np.array([[0.0, 0.55], [0.3, 0.7], [0.55, 0.62], [1.0, 0.95], [1.0, 1.0], [0.0, 1.0]]) * unit
    cv2.fillPoly(pixels, [np.rint(shore).astype(np.int32)], (70, 130, 225))
    road = np.array([[0.1, 0.0], [0.35, 0.3], [1.0, 0.45]]) * unit
    cv2.polylines(pixels, [np.rint(road).astype(np.int32)], False, (255, 240, 170), unit // 7)
    cv2.circle(pixels, (round(0.68 * unit), round(0.2 * unit)), unit // 8, (220, 20, 30), -1)
    small = cv2.resize(np.rot90(pixels, variant), (reach - 2, reach - 2), interpolation=cv2.INTER_AREA)
    return opaque(np.pad(small, ((1, 1), (1, 1), (0, 0)), constant_values=250))


def _pen(variant: int, side: int) -> Mark:
    """A tick, a cross, a circle or a question mark drawn with a thick pen, nothing around it."""
    colour = ((235, 20, 40), (20, 70, 240), (0, 190, 60), (20, 20, 25))[variant]
    unit = 8 * round(side * 1.3)
    opacity = np.zeros((unit, unit), np.float32)
    strokes = (
        [[[0.1, 0.55], [0.36, 0.86], [0.9, 0.1]]],
        [[[0.12, 0.14], [0.86, 0.9]], [[0.88, 0.1], [0.14, 0.84]]],
        [[[0.5 + 0.4 * np.cos(t), 0.5 + 0.36 * np.sin(t)] for t in np.linspace(-1.0, 5.6, 24)]],
        [[[0.22, 0.32], [0.34, 0.12], [0.66, 0.12], [0.76, 0.34], [0.5, 0.52], [0.5, 0.66]], [[0.5, 0.88], [0.5, 0.9]]],
    )
    for stroke in strokes[variant]:
        cv2.polylines(opacity, [np.rint(np.array(stroke) * unit).astype(np.int32)], False, 1.0, unit // 5)
    return shrunk(filled(unit, unit, colour), opacity)


def _fiducial(variant: int, side: int) -> Mark:
    """The square by which a robot knows where it is: a broad black rim with a code of three by three in white."""
    code = np.array(
        [
            [[1, 1, 0], [1, 0, 1], [0, 0, 1]],
            [[0, 1, 0], [1, 1, 1], [0, 1, 0]],
            [[1, 0, 1], [0, 0, 0], [1, 0, 1]],
            [[1, 0, 0], [1, 0, 0], [1, 1, 1]],
        ]
    )[variant]
    fields = np.pad(np.pad(code, 1), 1, constant_values=1)
    cells = np.kron(fields, np.ones((16, 16), np.int64)) * 235 + 12
    reach = round(side * 1.3)
    small = cv2.resize(cells.astype(np.uint8), (reach, reach), interpolation=cv2.INTER_AREA)
    return opaque(np.repeat(small[..., None], 3, axis=2))


def _smiley(variant: int, side: int) -> Mark:
    """A bright face with a dark outline, as people stick on what they share; the variant is its mood and colour."""
    colour = ((255, 220, 30), (120, 230, 255), (255, 120, 90), (190, 255, 80))[variant]
    unit = 8 * round(side * 1.25)
    middle = unit // 2
    pixels, opacity = filled(unit, unit, colour), np.zeros((unit, unit), np.float32)
    cv2.circle(opacity, (middle, middle), middle - 1, 1.0, -1)
    cv2.circle(pixels, (middle, middle), round(0.45 * unit), (70, 40, 0), unit // 11)
    for x in (0.34, 0.66):
        cv2.circle(pixels, (round(x * unit), round(0.38 * unit)), unit // 13, BLACK, -1)
    mouth = (round(0.24 * unit), round(0.18 * unit))
    if variant == 2:
        cv2.ellipse(pixels, (middle, round(0.78 * unit)), mouth, 0, 200, 340, BLACK, unit // 11)
    elif variant == 1:
        cv2.circle(pixels, (middle, round(0.68 * unit)), unit // 8, BLACK, -1)
    elif variant == 3:
        cv2.line(
            pixels, (round(0.3 * unit), round(0.68 * unit)), (round(0.7 * unit), round(0.6 * unit)), BLACK, unit // 11
        )
    else:
        cv2.ellipse(pixels, (middle, round(0.56 * unit)), mouth, 0, 10, 170, BLACK, unit // 11)
    return shrunk(pixels, floats(opacity))


ICONS: Mapping[str, Callable[[int, int], Mark]] = MappingProxyType({
    "lead letter": _lead_letter, "battery": _battery, "inset map": _inset_map, "pen": _pen,
    "fiducial": _fiducial, "smiley": _smiley,
})  # fmt: skip
"""Variant (0 to 3) and side in pixels → mark."""
