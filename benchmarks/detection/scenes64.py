"""Half-real pictures of 64 pixels: crops of photos that ship inside scikit-learn and scikit-image.

Nothing is downloaded; the files are read where pip put them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from benchmarks.detection.scenes import Half, Paint, hue_gains
from benchmarks.detection.shapes import Bytes, Floats, floats

PHOTOS: Mapping[Half, tuple[str, ...]] = MappingProxyType({
    "tuning": ("china.jpg", "astronaut.png", "coffee.png", "motorcycle_left.png", "coins.png"),
    "development": ("flower.jpg", "chelsea.png", "rocket.jpg", "motorcycle_right.png", "camera.png"),
    "reporting": ("retina.jpg", "hubble_deep_field.jpg", "text.png", "clock_motion.png", "cell.png"),
})  # fmt: skip
"""Scenes behind the objects."""
FILLS: Mapping[Half, tuple[str, ...]] = MappingProxyType({
    "tuning": ("china.jpg", "moon.png", "coffee.png"),
    "development": ("chelsea.png", "hubble_deep_field.jpg", "flower.jpg"),
    "reporting": ("retina.jpg", "gravel.png", "ihc.png"),
})  # fmt: skip
"""What the objects are cut from."""


@lru_cache(maxsize=32)
def photo(name: str) -> Bytes:
    """A shipped photo, (height, width, 3), its longer side at most 640 pixels.

    Raises:
        FileNotFoundError: scikit-learn or scikit-image is missing, or does not bring the file.
    """
    for package, folder in (("sklearn", "datasets/images"), ("skimage", "data")):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        path = Path(spec.origin).parent / folder / name
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) if path.is_file() else None
        if pixels is not None:
            shrink = min(1.0, 640 / max(pixels.shape))
            whole = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            whole.flags.writeable = False
            return whole.astype(np.uint8, copy=False)
    raise FileNotFoundError(f"{name} is not among the files of scikit-learn or scikit-image; install both")


def background_painter(half: Half) -> Paint:
    """Crops of the half's photos, of many scales, mirrored and exposed at random, harsh ones softened."""

    def paint(rng: np.random.Generator, count: int, size: int) -> Floats:
        crops = _crops(rng, PHOTOS[half], count, size, (1.2, 3.2))
        mean = crops.mean(axis=(1, 2, 3), keepdims=True)
        wanted = rng.uniform(70, 185, mean.shape)
        deviation = crops.std(axis=(1, 2, 3), keepdims=True)
        gain = np.minimum(0.9, rng.uniform(14, 28, mean.shape) / (deviation + 1e-6))
        return floats(np.clip((crops - mean) * gain + wanted, 0, 255))

    return paint


def object_painter(half: Half) -> Paint:
    """Crops of the half's fills, faint, in a colour of their own."""

    def paint(rng: np.random.Generator, count: int, size: int) -> Floats:
        crops = _crops(rng, FILLS[half], count, size, (0.8, 2.0))
        mean = crops.mean(axis=(1, 2, 3), keepdims=True)
        faint = (crops - mean) * 0.25 + 128
        gains = hue_gains(rng.uniform(0, 360, count), rng.uniform(0, 0.3, count))
        return floats(np.clip(faint * gains[:, None, None], 0, 255))

    return paint


def texture(rng: np.random.Generator, name: str, count: int, size: int) -> Floats:
    """Crops of one photo as a pattern, (count, size, size), most of it between −1 and 1."""
    crops = _crops(rng, (name,), count, size, (1.5, 2.5)).mean(axis=3)
    centred = crops - crops.mean(axis=(1, 2), keepdims=True)
    return floats(centred / (1.5 * centred.std(axis=(1, 2), keepdims=True) + 1e-6))


def _crops(
    rng: np.random.Generator, names: tuple[str, ...], count: int, size: int, scales: tuple[float, float]
) -> Floats:
    crops = np.empty((count, size, size, 3), np.uint8)
    for index, (which, scale) in enumerate(
        zip(rng.integers(len(names), size=count), rng.uniform(*scales, count), strict=True)
    ):
        whole = photo(names[which])
        side = min(round(size * scale), *whole.shape[:2])
        y, x = (int(rng.integers(length - side + 1)) for length in whole.shape[:2])
        crop = cv2.resize(whole[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
        crops[index] = crop[:, ::-1] if rng.random() < 0.5 else crop
    return crops.astype(np.float32)
