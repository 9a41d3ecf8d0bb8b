"""Backgrounds that go with a class: textures and colours. Each half has designs of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.scenes import tinted
from benchmarks.detection.scenes32 import gratings
from benchmarks.detection.shapes import Floats, floats

HUES: Mapping[str, tuple[float, ...]] = MappingProxyType({
    "leaf": (115, 295, 25, 205),
    "orange": (28, 208, 118, 298),
    "sea": (215, 70, 160, 340),
    "plum": (290, 50, 140, 230),
    "teal": (178, 338, 58, 258),
    "rose": (342, 92, 192, 262),
    "gold": (45, 165, 225, 315),
    "indigo": (255, 15, 105, 185),
    "lime": (82, 262, 352, 168),
    "dusk": (318, 58, 198, 138),
    "mint": (152, 332, 62, 242),
    "lamplight": (8, 188, 98, 278),
})  # fmt: skip
"""Hue in degrees of each variant of a coloured background."""

_Pattern = Callable[[np.random.Generator, int, int, int], Floats]
"""Generator, variant, count, side → (count, side, side), −1 to 1."""


def _stripes(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Waves of any direction; the variant is their period."""
    periods = size * np.array([0.11, 0.2, 0.3, 0.42])[variant] * rng.uniform(0.9, 1.1, count)
    return gratings(rng, count, size, periods)


def _grain(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Random fields, black or white; the variant is their width in 32nds of the side."""
    cells = size // ((1, 2, 4, 8)[variant] * size // 32)
    fields = np.where(rng.random((count, cells, cells)) < 0.5, -1.0, 1.0).astype(np.float32)
    return np.repeat(np.repeat(fields, size // cells, axis=1), size // cells, axis=2)


def _checks(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """A chequered floor, shifted at random; the variant is its field."""
    field = size * (0.09, 0.16, 0.25, 0.36)[variant]
    offsets = rng.uniform(0, 2 * field, (2, count, 1))
    x, y = ((np.arange(size) + offset) // field for offset in offsets)
    return np.where((x[:, None, :] + y[:, :, None]) % 2 == 0, -1.0, 1.0).astype(np.float32)


def _dots(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """A lattice of round dots, shifted at random; the variant is its period."""
    period = size * (0.16, 0.25, 0.34, 0.45)[variant]
    offsets = rng.uniform(0, period, (2, count, 1))
    x, y = (np.cos(2 * np.pi * (np.arange(size) + offset) / period) for offset in offsets)
    return floats(np.clip(1.6 * (x[:, None, :] + y[:, :, None]) - 0.6, -1, 1))


def _hatch(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Two sets of thin slanted lines across each other; the variant is their period."""
    period = size * (0.13, 0.2, 0.3, 0.4)[variant]
    offsets = rng.uniform(0, period, (2, count, 1, 1))
    y, x = np.mgrid[:size, :size]
    lines = [
        np.abs((x + sign * y + offset) % period / period - 0.5) for sign, offset in zip((1, -1), offsets, strict=True)
    ]
    return floats(np.where(np.minimum(*lines) < 0.14, 1.0, -0.4))


def _ripples(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Waves around a point anywhere; the variant is their period."""
    period = size * (0.12, 0.19, 0.28, 0.4)[variant]
    centre = rng.uniform(0, size, (2, count, 1, 1))
    y, x = np.mgrid[:size, :size]
    return floats(np.sin(2 * np.pi * np.hypot(x - centre[0], y - centre[1]) / period))


def _zigzag(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Parallel lines that go up and down in corners; the variant is their period."""
    period = size * (0.14, 0.21, 0.3, 0.42)[variant]
    offsets = rng.uniform(0, period, (2, count, 1, 1))
    y, x = np.mgrid[:size, :size]
    bent = y + offsets[0] + 2 * np.abs((x + offsets[1]) / period % 1 - 0.5) * period
    return floats(np.where(bent / period % 1 < 0.45, 1.0, -0.8))


def _flecks(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Short dark dashes in one direction, anywhere; the variant is their direction."""
    length, turn = size / 8, np.pi * variant / 4
    step = np.array([np.cos(turn), np.sin(turn)]) * length / 2
    pictures = np.zeros((count, size, size), np.float32)
    for picture in pictures:
        for middle in rng.uniform(0, size, (40, 2)):
            start, end = (np.rint(16 * (middle + sign * step)).astype(int).tolist() for sign in (-1, 1))
            cv2.line(picture, start, end, 1.0, max(1, size // 32), cv2.LINE_8, shift=4)
    return floats(0.5 - 1.5 * pictures)


def _bubbles(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Thin rings anywhere, over each other; the variant is their radius."""
    radius = size * (0.08, 0.13, 0.19, 0.27)[variant]
    pictures = np.zeros((count, size, size), np.float32)
    for picture in pictures:
        for middle in rng.uniform(0, size, (round(0.4 * (size / radius) ** 2), 2)):
            centre = np.rint(16 * middle).astype(int).tolist()
            cv2.circle(picture, centre, round(16 * radius), 1.0, max(1, size // 28), cv2.LINE_8, shift=4)
    return floats(1.5 * pictures - 0.6)


def _weave(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """A basket: fields of level and of upright bands in turn, shifted at random; the variant is the field."""
    field = size * (0.16, 0.22, 0.3, 0.4)[variant]
    offsets = rng.uniform(0, 2 * field, (2, count, 1, 1))
    y, x = np.mgrid[:size, :size]
    across, down = (x + offsets[0]) / field, (y + offsets[1]) / field
    level = (np.floor(across) + np.floor(down)) % 2 == 0
    band = np.where(level, down, across) * 2 % 1
    return floats(np.where(band < 0.3, -1.0, 0.2 + 0.8 * np.sin(np.pi * np.clip((band - 0.3) / 0.7, 0, 1))))


def _shingles(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Rows of round-ended shingles, each over the row below, shifted at random; the variant is their width."""
    width = size * (0.16, 0.23, 0.31, 0.42)[variant]
    offsets = rng.uniform(0, width, (2, count, 1, 1))
    y, x = np.mgrid[:size, :size]
    down = (y + offsets[0]) / width * 2
    result = np.full((count, size, size), np.inf)
    for above in (1, 0):
        row = np.floor(down) - above
        across = (x + offsets[1]) / width + 0.5 * (row % 2)
        reach = np.hypot(across - np.floor(across) - 0.5, (down - row) / 2)
        result = (
            np.where(reach <= 0.58, reach, result)
            if above
            else np.where(reach <= 0.58, np.minimum(reach, result), result)
        )
    return floats(np.where(np.isinf(result), -1.0, np.where(result > 0.44, -1.0, 0.9 - 1.2 * result)))


def _blotches(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
    """Camouflage: patches of three tones with hard edges; the variant is their size."""
    cells = (16, 11, 7, 5)[variant]
    seeds = rng.normal(0, 1, (count, cells, cells)).astype(np.float32)
    smooth = np.stack([cv2.resize(seed, (size, size), interpolation=cv2.INTER_CUBIC) for seed in seeds])
    return floats(np.digitize(smooth, (-0.3, 0.3)) - 1.0)


def _photo(name: str) -> _Pattern:
    def cut(rng: np.random.Generator, variant: int, count: int, size: int) -> Floats:
        from benchmarks.detection.scenes64 import texture

        return texture(rng, name, count, size)

    return cut


TEXTURES: Mapping[str, _Pattern] = MappingProxyType({
    "stripes": _stripes,
    "grain": _grain,
    "checks": _checks,
    "dots": _dots,
    "grass": _photo("grass.png"),
    "brick": _photo("brick.png"),
    "gravel": _photo("gravel.png"),
    "cells": _photo("ihc.png"),
    "hatch": _hatch,
    "ripples": _ripples,
    "print": _photo("page.png"),
    "vessels": _photo("microaneurysms.png"),
    "zigzag": _zigzag,
    "flecks": _flecks,
    "relief": _photo("jacksboro_fault_dem.npz"),
    "handwriting": _photo("digits.csv.gz"),
    "bubbles": _bubbles,
    "weave": _weave,
    "coins": _photo("coins.png"),
    "stars": _photo("hubble_deep_field.jpg"),
    "shingles": _shingles,
    "blotches": _blotches,
    "faces": _photo("lfw_subset.npy"),
    "fur": _photo("chelsea.png"),
})  # fmt: skip


SKIES = ("dusk",)
"""Colours that are strongest at the top and end at the bottom."""
LAMPS = ("lamplight",)
"""Colours that are strongest around a point anywhere."""


def _from_above(coloured: Floats, plain: Floats) -> Floats:
    share = np.linspace(1, 0.1, plain.shape[1])[:, None, None]
    return floats(share * coloured + (1 - share) * plain)


def _around(centres: NDArray[np.float64], coloured: Floats, plain: Floats) -> Floats:
    """Colour that falls off with the distance from a point, (2, count), in sides of the picture."""
    size = plain.shape[1]
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    distance = np.hypot(x - centres[0][:, None, None], y - centres[1][:, None, None])
    share = np.exp(-((distance / 0.7) ** 2))[..., None]
    return floats(share * coloured + (1 - share) * plain)


def painted(
    rng: np.random.Generator, design: str, variant: int, backgrounds: Floats, *, strength: float = 1.0
) -> Floats:
    """Backgrounds of a design in place of others; their brightness and, for textures, their colours are kept.

    Args:
        rng: Phases, offsets and crops.
        design: One of `TEXTURES` or `HUES`.
        variant: 0 to 3.
        backgrounds: Float32, (count, side, side, 3).
        strength: Contrast of the texture, or strength of the colour; 1 is full.
    """
    count, size = backgrounds.shape[:2]
    if design in HUES:
        angles = np.asarray(HUES[design][variant] + rng.uniform(-8, 8, count))
        coloured = tinted(backgrounds, angles, 0.5 * strength)
        if design in SKIES:
            return _from_above(tinted(backgrounds, angles, 0.7 * strength), backgrounds)
        if design in LAMPS:
            return _around(rng.uniform(0, 1, (2, count)), tinted(backgrounds, angles, 0.75 * strength), backgrounds)
        return coloured
    pattern = TEXTURES[design](rng, variant, count, size)
    base = backgrounds.mean(axis=(1, 2), keepdims=True)
    detail = 0.35 * (backgrounds - base)
    contrast = strength * rng.uniform(26, 42, (count, 1, 1, 1))
    return floats(np.clip(base + detail + contrast * pattern[..., None], 0, 255))
