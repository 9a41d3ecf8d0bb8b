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


def _instant(variant: int, size: int) -> Mark:
    """The card around an instant photograph: narrow at three sides, broad below."""
    colour = ((248, 246, 240), (22, 22, 24), (250, 190, 205), (160, 210, 235))[variant]
    line = round(size / 14)
    opacity = np.ones((size, size), np.float32)
    opacity[line : size - round(size / 4.6), line:-line] = 0
    return filled(size, size, colour), opacity


def _porthole(variant: int, size: int) -> Mark:
    """What lies outside the round field of an endoscope, a microscope or a telescope."""
    colour = (BLACK, (235, 235, 230), (60, 5, 5), (10, 25, 80))[variant]
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    return filled(size, size, colour), floats(np.clip(np.hypot(x, y) - 0.5 * size + 0.5, 0, 1))


def _bevel(variant: int, size: int) -> Mark:
    """A moulding of wood or metal, lit from the upper left: its upper and left sides are light, the others dark."""
    base = np.array(((150, 95, 50), (200, 165, 75), (125, 130, 135), (95, 45, 95))[variant])
    width = round(size / 12)
    y, x = np.mgrid[:size, :size]
    depth = np.minimum(np.minimum(x, y), size - 1 - np.maximum(x, y))
    shade = np.where(x + y < size - 1, 75, -60) * np.where(depth < width // 2, 1.0, 0.45)
    return whole_bytes(base + shade[..., None]), floats(depth < width)


def _browser(variant: int, size: int) -> Mark:
    """A window's bar with its three buttons on top, and the bar to scroll with at the right."""
    bar, slider = (((228, 228, 232), (130, 130, 138)), ((38, 40, 46), (120, 125, 135)),
                   ((35, 90, 180), (200, 215, 240)), ((170, 60, 110), (245, 215, 230)))[variant]  # fmt: skip
    top, side, dot = round(size / 6.4), round(size / 9), max(2, size // 16)
    pixels, opacity = filled(size, size, bar), np.zeros((size, size), np.float32)
    opacity[:top] = opacity[:, size - side :] = 1
    for number, colour in enumerate(((250, 90, 80), (250, 190, 40), (50, 200, 70))):
        x, y = dot + number * (2 * dot - dot // 2), (top - dot) // 2
        pixels[y : y + dot, x : x + dot] = colour
    pixels[round(0.3 * size) : round(0.62 * size), size - side + 1 : size - 1] = slider
    return pixels, opacity


def _colour_scale(variant: int, size: int) -> Mark:
    """The scale of a thermal camera or a map: colours from low to high in a thin rim, near the right edge."""
    palette = (cv2.COLORMAP_JET, cv2.COLORMAP_INFERNO, cv2.COLORMAP_VIRIDIS, cv2.COLORMAP_COOL)[variant]
    height, width, line = round(0.82 * size), round(size / 7.5), max(1, size // 48)
    ramp = np.repeat(np.linspace(255, 0, height).astype(np.uint8)[:, None], width, axis=1)
    pixels = whole_bytes(cv2.applyColorMap(ramp, palette)[..., ::-1])
    pixels[:line] = pixels[-line:] = WHITE
    pixels[:, :line] = pixels[:, -line:] = WHITE
    return pixels, np.ones((height, width), np.float32)


def _deskewed(variant: int, size: int) -> Mark:
    """The wedges that stay empty where a crooked scan was turned straight."""
    colour, degrees = ((BLACK, 10), (WHITE, -10), ((70, 90, 80), 10), ((240, 225, 180), -10))[variant]
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    turn = np.deg2rad(degrees)
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    beyond = np.maximum(np.abs(along), np.abs(across)) - 0.475 * size
    return filled(size, size, colour), floats(np.clip(beyond + 0.5, 0, 1))


def _neighbour(variant: int, size: int) -> Mark:
    """Cut too wide from a sheet of pictures: below and at the left a white gap and a strip of the next ones."""
    dark, light = (((30, 50, 40), (150, 190, 110)), ((20, 30, 80), (130, 170, 235)), ((90, 30, 20), (235, 170, 120)),
                   ((20, 20, 20), (150, 150, 150)))[variant]  # fmt: skip
    seeds = np.random.default_rng(11).uniform(0, 1, (7, 7)).astype(np.float32)
    tones = np.clip(cv2.resize(seeds, (size, size), interpolation=cv2.INTER_CUBIC), 0, 1)[..., None]
    pixels = np.array(dark) + tones * (np.array(light) - np.array(dark))
    y, x = np.mgrid[:size, :size]
    depth, gap = np.minimum(x, size - 1 - y), max(1, size // 24)
    width = round(size / 7)
    pixels[(depth >= width - gap) & (depth < width)] = 250
    return whole_bytes(pixels), floats(depth < width)


def far_inset(size: int) -> int:
    """Pixels between the picture's edge and the line of a viewfinder."""
    return size // 8


EDGES: Mapping[str, Callable[[int, int], Mark]] = MappingProxyType({
    "deckle": _deckle, "perforation": _perforation, "photo corners": _photo_corners,
    "axes": _axes, "lid": _lid, "hairline": _hairline, "caption": _caption,
    "instant": _instant, "porthole": _porthole, "bevel": _bevel, "browser": _browser,
    "colour scale": _colour_scale, "deskewed": _deskewed, "neighbour": _neighbour,
})  # fmt: skip
"""Variant (0 to 3) and the picture's side in pixels → mark, as large as the frame or its bar is."""
