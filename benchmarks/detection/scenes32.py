"""Drawn pictures of 32 pixels: smooth noise, gratings and grain, no two alike."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.detection.shapes import Floats


def paint_background(rng: np.random.Generator, count: int, size: int) -> Floats:
    """Backgrounds of middle brightness and weak colour, (count, size, size, 3), 0 to 255."""
    base = rng.uniform(60, 195, (count, 1, 1, 1)) + rng.normal(0, 9, (count, 1, 1, 3))
    coarse = _smooth(rng, count, size, cells=4) * rng.uniform(8, 30, (count, 1, 1, 1))
    middle = _smooth(rng, count, size, cells=9) * rng.uniform(2, 16, (count, 1, 1, 1))
    grain = rng.normal(0, 1, (count, size, size, 1)) * rng.uniform(2, 9, (count, 1, 1, 1))
    return (base + coarse + middle + grain).astype(np.float32)


def paint_object(rng: np.random.Generator, count: int, size: int) -> Floats:
    """Object colours with a grain and a grating of their own; shape and range as for `paint_background`."""
    base = 128 + rng.normal(0, 28, (count, 1, 1, 3))
    fine = _smooth(rng, count, size, cells=12) * rng.uniform(3, 14, (count, 1, 1, 1))
    waves = gratings(rng, count, size, np.full(count, size / 5.0)) * rng.uniform(0, 16, count)[:, None, None]
    return (base + fine + waves[..., None]).astype(np.float32)


def gratings(rng: np.random.Generator, count: int, size: int, periods: np.ndarray) -> Floats:
    """Sine waves of the given periods in pixels, any direction and phase: (count, size, size), −1 to 1."""
    angles, phases = rng.uniform(0, np.pi, count), rng.uniform(0, 2 * np.pi, count)
    y, x = np.mgrid[:size, :size]
    along = np.cos(angles)[:, None, None] * x + np.sin(angles)[:, None, None] * y
    waves: Floats = np.sin(2 * np.pi * along / periods[:, None, None] + phases[:, None, None]).astype(np.float32)
    return waves


def _smooth(rng: np.random.Generator, count: int, size: int, cells: int) -> Floats:
    """Grey noise without edges, (count, size, size, 1), of deviation about 0.7."""
    seeds = rng.normal(0, 1, (count, cells, cells)).astype(np.float32)
    grown = np.stack([cv2.resize(seed, (size, size), interpolation=cv2.INTER_CUBIC) for seed in seeds])
    return grown[..., None]
