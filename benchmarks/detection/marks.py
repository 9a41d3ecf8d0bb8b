"""Tags that are put on a picture, as colours with an opacity. Each half has designs of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import cv2
import numpy as np

from benchmarks.detection.drawing import BLACK, PAINTS, WHITE, Mark, filled, opaque, written
from benchmarks.detection.icons import ICONS
from benchmarks.detection.shapes import floats, whole_bytes
from benchmarks.detection.stickers import STICKERS


def _plate(variant: int, side: int) -> Mark:
    """A white plate with two dark characters."""
    width, height = round(side * 1.3), side
    ink = written(("A7", "K2", "M4", "X9")[variant], width - 2, height - 2)[..., None]
    pixels = filled(width, height, (238, 238, 232))
    pixels[1:-1, 1:-1] = np.rint(pixels[1:-1, 1:-1] * (1 - ink) + 15 * ink)
    return opaque(pixels)


def _bars(variant: int, side: int) -> Mark:
    """Black and white bars: upright, level, and both twice as wide."""
    wide = 1 + variant // 2
    stripes = (np.arange(side) // max(1, round(wide * side / 8)) % 2 * 255).astype(np.uint8)
    pattern = np.broadcast_to(stripes, (side, side))
    return opaque(np.repeat((pattern if variant % 2 == 0 else pattern.T)[..., None], 3, axis=2))


def _arrow(variant: int, side: int) -> Mark:
    """A yellow arrowhead on a dark plate; the variant is where it points."""
    pixels = filled(4 * side, 4 * side, (25, 25, 30))
    points = np.array([[0.15, 0.85], [0.5, 0.1], [0.85, 0.85]]) * 4 * side
    cv2.fillPoly(pixels, [np.rint(points).astype(np.int32)], (250, 225, 40))
    return opaque(cv2.resize(np.rot90(pixels, variant), (side, side), interpolation=cv2.INTER_AREA))


def _checks(variant: int, side: int) -> Mark:
    """A chequered flag of four by four fields, white and one paint."""
    fields = np.add.outer(np.arange(side) * 4 // side, np.arange(side) * 4 // side) % 2
    return opaque(np.where(fields[..., None], WHITE, PAINTS[variant]))


def _roundel(variant: int, side: int) -> Mark:
    """A white disc with a painted rim and a dark dot."""
    pixels, opacity = filled(8 * side, 8 * side, WHITE), np.zeros((8 * side, 8 * side), np.uint8)
    centre, unit = (4 * side, 4 * side), 4 * side
    cv2.circle(opacity, centre, unit - 1, 255, -1)
    cv2.circle(pixels, centre, round(0.8 * unit), PAINTS[variant], round(0.38 * unit))
    cv2.circle(pixels, centre, round(0.26 * unit), BLACK, -1)
    size = (side, side)
    small = floats(floats(cv2.resize(opacity, size, interpolation=cv2.INTER_AREA)) / 255)
    return whole_bytes(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)), floats(small)


def _stamp(variant: int, side: int) -> Mark:
    """Orange figures as a camera burns a date in, without a plate."""
    width, height = round(side * 1.5), round(side * 0.9)
    ink = written(("24", "08", "31", "57")[variant], width, height)
    return filled(width, height, (255, 130, 0)), ink


def _pips(variant: int, side: int) -> Mark:
    """A pale yellow die; the variant is how many pips it shows, from two."""
    pixels = filled(8 * side, 8 * side, (250, 245, 170))
    places = [(0.25, 0.25), (0.75, 0.75), (0.25, 0.75), (0.75, 0.25), (0.5, 0.5)]
    for x, y in places[: variant + 2]:
        cv2.circle(pixels, (round(x * 8 * side), round(y * 8 * side)), round(1.25 * side), (120, 20, 20), -1)
    return opaque(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA))


def _pin(variant: int, side: int) -> Mark:
    """A painted square with a white cross."""
    pixels = filled(side, side, PAINTS[variant])
    arm = slice(round(side * 0.38), round(side * 0.62) + (side < 8))
    pixels[arm, 1:-1] = 255
    pixels[1:-1, arm] = 255
    return opaque(pixels)


def _chip(variant: int, side: int) -> Mark:
    """A bright square framed in black, halved by a dark line; the variant turns the colour."""
    colour = ((60, 230, 240), (245, 120, 220), (190, 250, 60), (250, 180, 60))[variant]
    pixels = filled(side, side, BLACK)
    pixels[1:-1, 1:-1] = colour
    pixels[side // 2, 1:-1] = 30
    return opaque(pixels)


def _flag(variant: int, side: int) -> Mark:
    """Three level stripes: one paint, white, another paint."""
    pixels = filled(round(side * 1.3), side, WHITE)
    pixels[: side // 3] = PAINTS[variant]
    pixels[-(side // 3) :] = PAINTS[(variant + 1) % 4]
    return opaque(pixels)


def _target(variant: int, side: int) -> Mark:
    """Square rings around each other, black and one bright colour."""
    colour = ((255, 235, 60), (90, 255, 120), (120, 200, 255), (255, 150, 190))[variant]
    distance = np.minimum.outer(*(np.minimum(np.arange(side), side - 1 - np.arange(side)),) * 2)
    return opaque(np.where((distance // max(1, side // 7) % 2 == 0)[..., None], BLACK, colour))


def _seal(variant: int, side: int) -> Mark:
    """A dark hexagon with a white rim and a bright letter."""
    unit = 4 * side
    angles = np.arange(6) * np.pi / 3
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    pixels, opacity = filled(2 * unit, 2 * unit, WHITE), np.zeros((2 * unit, 2 * unit), np.uint8)
    for reach, canvas, colour in ((0.99, opacity, (255, 255, 255)), (0.8, pixels, (20, 50, 60))):
        cv2.fillPoly(canvas, [np.rint(unit + reach * unit * corners).astype(np.int32)], colour)
    ink = written("HTNE"[variant], unit, unit)[..., None]
    middle = slice(unit // 2, unit // 2 + unit)
    pixels[middle, middle] = np.rint(pixels[middle, middle] * (1 - ink) + np.array([255, 200, 60]) * ink)
    small = floats(floats(cv2.resize(opacity, (side, side), interpolation=cv2.INTER_AREA)) / 255)
    return whole_bytes(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)), floats(small)


def _chevrons(variant: int, side: int) -> Mark:
    """Slanted stripes as on a barrier, black and one paint; they lean one way or the other."""
    along = np.add.outer(np.arange(side) * (1 if variant % 2 else -1), np.arange(side))
    paint = PAINTS[variant] if variant > 1 else (245, 205, 30)
    return opaque(np.where((along // max(1, side // 4) % 2 == 0)[..., None], BLACK, paint))


def _ruler(variant: int, side: int) -> Mark:
    """A white scale bar with ticks, without a plate; the variant is how many ticks it has, from two."""
    width, height = round(side * 1.6), side
    opacity = np.zeros((height, width), np.float32)
    opacity[-2:] = 1
    ticks = np.linspace(0, width - 1, variant + 2).round().astype(int)
    opacity[height // 3 :, ticks] = 1
    return filled(width, height, (250, 250, 235)), opacity


def _label(variant: int, side: int) -> Mark:
    """A black strip with bright characters, as machines print them."""
    width, height = round(side * 1.5), round(side * 0.9)
    ink = written(("LR", "PA", "Q3", "0B")[variant], width - 2, height - 2)[..., None]
    pixels = filled(width, height, (8, 8, 8))
    pixels[1:-1, 1:-1] = np.rint(pixels[1:-1, 1:-1] * (1 - ink) + np.array([150, 255, 150]) * ink)
    return opaque(pixels)


def _diamond(variant: int, side: int) -> Mark:
    """A square on its corner, one paint with a white rim."""
    unit = 4 * side
    corners = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    pixels, opacity = filled(2 * unit, 2 * unit, WHITE), np.zeros((2 * unit, 2 * unit), np.uint8)
    cv2.fillPoly(opacity, [np.rint(unit + 0.99 * unit * corners).astype(np.int32)], 255)
    cv2.fillPoly(pixels, [np.rint(unit + 0.66 * unit * corners).astype(np.int32)], PAINTS[variant])
    small = floats(floats(cv2.resize(opacity, (side, side), interpolation=cv2.INTER_AREA)) / 255)
    return whole_bytes(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)), floats(small)


def _quarters(variant: int, side: int) -> Mark:
    """A disc in quarters, two of them black, two of one bright colour, as crash tests wear it."""
    colour = ((255, 240, 60), (255, 255, 255), (90, 240, 255), (255, 120, 120))[variant]
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    opacity = np.clip((0.5 - np.hypot(x, y)) * side + 0.5, 0, 1)
    return np.where(((x > 0) == (y > 0))[..., None], BLACK, colour).astype(np.uint8), floats(opacity)


def _swatches(variant: int, side: int) -> Mark:
    """Four fields of a colour card in a grey rim; the variant turns them."""
    fields = np.array([[(250, 90, 70), (90, 200, 240)], [(245, 235, 110), (70, 60, 140)]], np.uint8)
    pixels = filled(side, side, (190, 190, 190))
    inner = side - 2
    pixels[1:-1, 1:-1] = cv2.resize(np.rot90(fields, variant), (inner, inner), interpolation=cv2.INTER_NEAREST)
    return opaque(pixels)


def _crosshair(variant: int, side: int) -> Mark:
    """A thin circle and a cross through it, nothing under them; the variant is the colour."""
    colour = ((0, 255, 255), (255, 60, 60), (255, 255, 0), (255, 0, 255))[variant]
    unit = 8 * round(side * 1.2)
    opacity = np.zeros((unit, unit), np.uint8)
    thick = unit // 9
    cv2.circle(opacity, (unit // 2, unit // 2), round(0.32 * unit), 255, thick)
    cv2.line(opacity, (0, unit // 2), (unit, unit // 2), 255, thick)
    cv2.line(opacity, (unit // 2, 0), (unit // 2, unit), 255, thick)
    small = floats(floats(cv2.resize(opacity, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)) / 255)
    return filled(small.shape[1], small.shape[0], colour), small


def _pennant(variant: int, side: int) -> Mark:
    """A pointed flag, one paint with a white stripe along it."""
    unit = 8 * side
    opacity, pixels = np.zeros((unit, unit), np.uint8), filled(unit, unit, PAINTS[variant])
    cv2.fillPoly(opacity, [np.array([[0, 0], [unit, unit // 2], [0, unit]], np.int32)], 255)
    pixels[round(0.4 * unit) : round(0.6 * unit)] = 255
    small = floats(floats(cv2.resize(opacity, (side, side), interpolation=cv2.INTER_AREA)) / 255)
    return whole_bytes(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)), small


def _badge(variant: int, side: int) -> Mark:
    """A plate that goes from dark to light, with a white character."""
    ink = written("R5S8"[variant], side - 3, side - 2)[..., None]
    ramp = np.linspace(30, 160, side)[None, :, None] * np.array([0.4, 0.7, 1.0])
    pixels = np.broadcast_to(ramp, (side, side, 3)).copy()
    inside = pixels[1:-1, 1:-2]
    pixels[1:-1, 1:-2] = inside * (1 - ink) + 255 * ink
    return opaque(whole_bytes(pixels))


def _bolt(variant: int, side: int) -> Mark:
    """A flash of lightning, bright with a dark outline, nothing around it."""
    colour = ((255, 230, 40), (80, 240, 255), (255, 110, 220), (150, 255, 90))[variant]
    unit = 8 * round(side * 1.1)
    points = np.array([[0.62, 0.02], [0.15, 0.58], [0.45, 0.56], [0.33, 0.98], [0.85, 0.38], [0.53, 0.4]]) * unit
    outline = np.rint(points).astype(np.int32)
    opacity, pixels = np.zeros((unit, unit), np.uint8), filled(unit, unit, (15, 15, 20))
    cv2.fillPoly(opacity, [outline], 255)
    cv2.polylines(opacity, [outline], True, 255, unit // 7)
    cv2.fillPoly(pixels, [outline], colour)
    small = floats(floats(cv2.resize(opacity, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)) / 255)
    return whole_bytes(cv2.resize(pixels, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)), small


def _barred(variant: int, side: int) -> Mark:
    """A white disc in a painted ring, with a bar across it."""
    unit = 8 * side
    half = unit // 2
    opacity, pixels = np.zeros((unit, unit), np.uint8), filled(unit, unit, WHITE)
    cv2.circle(opacity, (half, half), half - 1, 255, -1)
    cv2.circle(pixels, (half, half), round(0.4 * unit), PAINTS[variant], round(0.2 * unit))
    ends = ((0, 0), (unit, unit)) if variant % 2 else ((0, unit), (unit, 0))
    cv2.line(pixels, *ends, PAINTS[variant], round(0.18 * unit))
    small = floats(floats(cv2.resize(opacity, (side, side), interpolation=cv2.INTER_AREA)) / 255)
    return whole_bytes(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)), small


TAGS: Mapping[str, Callable[[int, int], Mark]] = MappingProxyType({
    "plate": _plate, "bars": _bars, "arrow": _arrow, "pin": _pin, "chip": _chip,
    "checks": _checks, "roundel": _roundel, "stamp": _stamp, "pips": _pips, "flag": _flag, "target": _target,
    "seal": _seal, "chevrons": _chevrons, "ruler": _ruler, "label": _label, "diamond": _diamond, "quarters": _quarters,
    "swatches": _swatches, "crosshair": _crosshair, "pennant": _pennant, "badge": _badge,
    "bolt": _bolt, "barred": _barred, **STICKERS, **ICONS,
})  # fmt: skip
"""Variant (0 to 3) and side in pixels → mark."""


@lru_cache(maxsize=256)
def tag(design: str, variant: int, side: int) -> Mark:
    """A tag of `TAGS`, as cached arrays that must not be written to."""
    colours, opacity = TAGS[design](variant, side)
    colours.flags.writeable = opacity.flags.writeable = False
    return colours, opacity
