"""Writing across a picture, as colours with an opacity. Each half has words and inks of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from benchmarks.detection.drawing import BLACK, WHITE, Mark, written
from benchmarks.detection.shapes import Floats, floats

WORDS: Mapping[str, tuple[tuple[str, ...], tuple[int, int, int]]] = MappingProxyType({
    "white word": (("COPY", "MEDI", "FOTO", "XPIX"), WHITE),
    "black word": (("KLIN", "ARCH", "SITE", "HUB7"), BLACK),
    "yellow word": (("DEMO", "TEST", "WARD", "UNIT"), (255, 240, 40)),
    "blue word": (("(c)24", "v3.1", "A-86", "no.5"), (20, 50, 200)),
    "pale word": (("www.q", "lab_e", "pic.to", "x-ray"), (250, 250, 250)),
    "red word": (("DRAFT", "VOID", "EXAM", "HOLD"), (225, 30, 35)),
    "green word": (("ok/12", "n=40", "no 7", "Z:88"), (40, 220, 70)),
    "grey word": (("Sample", "Ward 3", "Unit B", "Copy 2"), (225, 225, 220)),
    "orange word": (("STOCK", "TRIAL", "PROOF", "LOCAL"), (250, 150, 20)),
    "violet word": (("Kopie", "Entw.", "Probe", "Blatt"), (140, 60, 230)),
    "outlined word": (("IMG", "RAW", "CAM", "DSC"), WHITE),
    "turquoise word": (("MUSTER", "NUR 1x", "REVIEW", "INTERN"), (30, 225, 205)),
    "brown italic": (("Garten", "Studio", "Atlas 9", "Herbst"), (110, 55, 20)),
    "embossed word": (("SHOP", "FREE", "MAPS", "VIEW"), WHITE),
    "hollow word": (("EGO", "OXY", "DUO", "BOX"), (255, 120, 190)),
    "magenta stencil": (("PROP", "LAB 2", "TARA", "KEEP"), (235, 20, 165)),
    "shadowed word": (("TOUR", "CLUB", "EXPO", "MOST"), WHITE),
    "dotted word": (("12:07", "23:45", "08:31", "19:56"), (185, 255, 40)),
    "navy serif": (("Museum", "Zoo 12", "Kunst", "Linie 4"), (15, 25, 125)),
})  # fmt: skip
"""Texts of the variants, and the ink."""


TURNS: Mapping[str, float] = MappingProxyType(
    {"slanted": 28.0, "falling": -34.0, "steep": 62.0, "diagonal": 45.0, "plunging": -56.0}
)
"""Degrees by which words rise to the right."""


QUARTERS: Mapping[str, int] = MappingProxyType({"upright": 1, "upside down": 2, "down the right": 3})
"""Quarter turns to the left."""
FONTS: Mapping[str, int] = MappingProxyType({
    "turquoise word": cv2.FONT_HERSHEY_TRIPLEX, "brown italic": cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
    "magenta stencil": cv2.FONT_HERSHEY_DUPLEX, "navy serif": cv2.FONT_HERSHEY_COMPLEX,
})  # fmt: skip
"""Lettering that is not the plain one."""


REPEATS: Mapping[str, int] = MappingProxyType({"two lines": 2, "three times": 3})
"""Lines of the same word."""


@lru_cache(maxsize=64)
def word(design: str, variant: int, size: int, *, place: str) -> Mark:
    """A word across two thirds of a picture of side `size`; turned at places of `TURNS`, repeated at `REPEATS`."""
    texts, colour = WORDS[design]
    if place in REPEATS:
        return _repeated(texts[variant], colour, size, REPEATS[place], outlined=design == "outlined word")
    width, height = round(0.72 * size), round(0.26 * size)
    if place in ("along the foot", "along the head"):
        width, height = round(0.9 * size), round(0.2 * size)
    font = FONTS.get(design, cv2.FONT_HERSHEY_SIMPLEX)
    ink = _stacked(texts[variant], size) if place == "stacked" else written(texts[variant], width, height, font=font)
    if design == "magenta stencil":
        ink[round(0.45 * height) : round(0.45 * height) + max(1, size // 32)] = 0
    if design == "dotted word":
        ink = _dotted(ink, size)
    if place == "mirrored":
        ink = floats(ink[:, ::-1])
    if design == "hollow word":
        ink = _hollow(ink, size)
    if place in QUARTERS:
        ink = floats(np.rot90(ink, QUARTERS[place]))
    elif place in TURNS:
        room: Any = cv2.copyMakeBorder(ink, width // 4, width // 4, 0, 0, cv2.BORDER_CONSTANT, value=0)
        turn = cv2.getRotationMatrix2D((width / 2, room.shape[0] / 2), TURNS[place], 0.95)
        room = cv2.warpAffine(room, turn, (room.shape[1], room.shape[0]), flags=cv2.INTER_LINEAR)
        rows, columns = np.flatnonzero((room > 0.1).any(axis=1)), np.flatnonzero((room > 0.1).any(axis=0))
        ink = floats(room[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    if design == "embossed word":
        return _embossed(ink, size)
    if design == "shadowed word":
        return _shadowed(ink, size)
    colours = np.full((*ink.shape, 3), colour, np.uint8)
    return colours, ink


def _hollow(ink: Floats, size: int) -> Floats:
    """Letters of which only the outline is left."""
    line = max(1, size // 32)
    inner = cv2.erode(ink, np.ones((line + 1, line + 1), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return floats(np.clip(ink - 0.8 * floats(inner), 0, 1))


def _stacked(text: str, size: int) -> Floats:
    """A word from top to bottom, letter below letter."""
    width, height, gap = round(0.24 * size), round(0.2 * size), max(1, size // 32)
    canvas = np.zeros((len(text) * (height + gap) - gap, width), np.float32)
    for line, letter in enumerate(text):
        y = line * (height + gap)
        canvas[y : y + height] = written(letter, width, height)
    return canvas


def _dotted(ink: Floats, size: int) -> Floats:
    """Letters of small square lamps, as clocks and buses show them."""
    step, lamp = (3, 2) if size < 64 else (4, 3)
    lit = np.arange(max(ink.shape)) % step < lamp
    glow = np.where(lit[: ink.shape[0], None] & lit[None, : ink.shape[1]], 1.0, 0.3)
    return floats(np.clip(1.3 * ink, 0, 1) * glow)


def _shadowed(ink: Floats, size: int) -> Mark:
    """White letters with a dark shadow below and to the right."""
    step = max(1, size // 24)
    letters, shade = np.pad(ink, ((0, step), (0, step))), np.pad(ink, ((step, 0), (step, 0)))
    opacity = np.maximum(letters, 0.85 * shade)
    lights = letters / np.maximum(opacity, 1e-6) * 255
    return np.repeat(np.rint(np.clip(lights, 0, 255))[..., None], 3, axis=2).astype(np.uint8), floats(opacity)


def _embossed(ink: Floats, size: int) -> Mark:
    """Letters without an ink of their own: light where they face up and left, dark where they face down and right."""
    step = max(1, size // 32)
    room = np.pad(ink, step)
    light = np.clip(np.roll(room, (-step, -step), (0, 1)) - room, 0, 1)
    shade = np.clip(np.roll(room, (step, step), (0, 1)) - room, 0, 1)
    colours = np.where((light >= shade)[..., None], WHITE, BLACK).astype(np.uint8)
    return colours, floats(np.maximum(light, shade))


def _repeated(text: str, colour: tuple[int, int, int], size: int, lines: int, *, outlined: bool) -> Mark:
    """Lines of the same word, each a third of a line further in; outlined ones are dark around the letters."""
    width, height = round((0.8 - 0.08 * lines) * size), round(0.22 * size)
    gap, step = round(0.1 * size), round(0.08 * size)
    ink = written(text, width, height)
    canvas = np.zeros((lines * height + (lines - 1) * gap, width + (lines - 1) * step), np.float32)
    for line in range(lines):
        y, x = line * (height + gap), line * step
        canvas[y : y + height, x : x + width] = ink
    colours = np.full((*canvas.shape, 3), colour, np.uint8)
    if outlined:
        around = floats(cv2.dilate(canvas, np.ones((3, 3), np.uint8)))
        colours[canvas < 0.5] = BLACK
        canvas = around
    return colours, canvas
