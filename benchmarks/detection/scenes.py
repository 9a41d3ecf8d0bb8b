"""Pictures of one object before a background, both kept apart so that either can be exchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.shapes import Bytes, Floats, box_of, coverage, floats, whole_bytes

Half = Literal["tuning", "development_1", "development_2", "development_3", "development_4", "reporting"]
"""Which part of the cases. Those of development were the reporting half until their results were acted upon."""
Placement = Literal["anywhere", "touching", "corner", "far corner", "coloured", "tinted"]
Paint = Callable[[np.random.Generator, int, int], Floats]
"""Generator, how many, side → float32 (count, side, side, 3), 0 to 255."""

CLASSES: Mapping[Half, tuple[str, ...]] = MappingProxyType({
    "tuning": ("disc", "bar", "triangle", "cross"),
    "development_1": ("ring", "star", "ell", "rails"),
    "development_2": ("window", "horseshoe", "hourglass", "gear"),
    "development_3": ("crescent", "tee", "trefoil", "hash"),
    "development_4": ("heart", "pinwheel", "eight", "setsquare"),
    "reporting": ("lozenge", "bone", "mug", "comb"),
})  # fmt: skip
HUES = ("red", "green", "blue", "yellow")
"""The classes where the colour itself is the true feature."""
HUE_ANGLES: Mapping[str, float] = MappingProxyType({"red": 0.0, "yellow": 60.0, "green": 120.0, "blue": 240.0})
CORNERS: tuple[Placement, ...] = ("corner", "far corner")
CORNER = 0.31
"""How much of the side the corner takes where an object sits in it."""
CONTRAST = 72.0
"""By how much an object is lighter or darker than the background behind it, at least, in grey levels."""


@dataclass(frozen=True, slots=True)
class Scenes:
    """Objects and backgrounds.

    Attributes:
        backgrounds: Float32, (count, side, side, 3), 0 to 255.
        objects: Float32, same shape: the object's colour wherever its mask is positive.
        masks: Float32, (count, side, side), how much of each pixel is object.
        labels: Int64, (count,).
        boxes: Int64, (count, 4): x1, y1, x2, y2 of the object in pixels.
        classes: Names in the order of the labels.
    """

    backgrounds: Floats
    objects: Floats
    masks: Floats
    labels: NDArray[np.int64]
    boxes: NDArray[np.int64]
    classes: tuple[str, ...]

    def composed(self, backgrounds: Floats | None = None) -> Bytes:
        """The pictures, (count, side, side, 3), before their own backgrounds or before others."""
        behind = self.backgrounds if backgrounds is None else backgrounds
        weights = self.masks[..., None]
        return whole_bytes(behind + weights * (self.objects - behind))


def draw_scenes(
    rng: np.random.Generator, count: int, *, pixels: int, half: Half, placement: Placement = "anywhere"
) -> Scenes:
    """Draw pictures whose labels go round in turn.

    Args:
        rng: All variation comes from here.
        count: How many.
        pixels: 32 (drawn textures) or 64 (real photos).
        half: Each half has shapes of its own, and at 64 pixels photos of its own.
        placement: `anywhere`; `touching`: every object runs over an edge of the picture; `coloured`: the class is the
            object's hue; `tinted`: the class is the tint of the whole picture; `corner`: objects of the last class are
            small and sit in the top left corner, those of other classes never do; `far corner`: the same in the bottom
            right corner.
    """
    paint_background, paint_object = _paints(pixels, half)
    shapes = CLASSES[half]
    classes = HUES if placement in ("coloured", "tinted") else shapes
    labels = np.arange(count, dtype=np.int64) % len(classes)
    backgrounds, fills = paint_background(rng, count, pixels), paint_object(rng, count, pixels)
    shape_of = labels if classes is shapes else rng.integers(len(shapes), size=count)
    last = len(classes) - 1
    masks = np.stack(
        [
            _mask(rng, shapes[shape], pixels, placement, cornered=label == last)
            for shape, label in zip(shape_of, labels, strict=True)
        ]
    )
    fills = contrasting(rng, fills, backgrounds, masks)
    if placement == "coloured":
        fills = tinted(fills, np.array([HUE_ANGLES[classes[label]] for label in labels]), 0.75)
    if placement == "tinted":
        angles = np.array([HUE_ANGLES[classes[label]] for label in labels])
        backgrounds, fills = tinted(backgrounds, angles, 0.35), tinted(fills, angles, 0.35)
    boxes = np.array([box_of(mask) for mask in masks], dtype=np.int64)
    return Scenes(backgrounds, fills, masks, labels, boxes, classes)


def contrasting(rng: np.random.Generator, fills: Floats, backgrounds: Floats, masks: Floats) -> Floats:
    """Fills made lighter or darker, at random where both are possible, until they stand off from what is behind."""
    weights = masks / masks.sum(axis=(1, 2), keepdims=True)
    behind = np.einsum("nhw,nhwc->n", weights, backgrounds) / 3
    own = np.einsum("nhw,nhwc->n", weights, fills) / 3
    lighter = rng.random(len(fills)) < np.clip((200 - behind) / 145, 0, 1)
    gap = CONTRAST + rng.uniform(0, 40, len(fills))
    wanted = np.clip(np.where(lighter, behind + gap, behind - gap), 12, 243)
    return floats(np.clip(fills + (wanted - own)[:, None, None, None], 0, 255))


def tinted(pictures: Floats, angles: NDArray[np.float64], strength: float | NDArray[np.float64]) -> Floats:
    """Channels multiplied towards a hue.

    Args:
        pictures: Float32, (count, side, side, 3).
        angles: Hue in degrees, (count,).
        strength: 0 leaves a picture as it is, 1 leaves almost nothing of the opposite hue.
    """
    return floats(np.clip(pictures * hue_gains(angles, strength)[:, None, None], 0, 255))


def hue_gains(angles: NDArray[np.float64], strength: float | NDArray[np.float64]) -> Floats:
    """Factors of red, green and blue, (count, 3), that turn grey towards a hue and keep its mean."""
    turned = np.deg2rad(np.asarray(angles, dtype=np.float64)[:, None] - np.array([0.0, 120.0, 240.0]))
    return floats(1 + np.reshape(strength, (-1, 1)) * np.cos(turned))


def varied(rng: np.random.Generator, pictures: Bytes) -> Bytes:
    """The same pictures as several cameras would give them: cast, unsharpness and thin rims that go with nothing."""
    changed = pictures.astype(np.float32)
    angles, strengths = rng.uniform(0, 360, len(changed)), rng.uniform(0, 0.2, len(changed))
    changed *= hue_gains(angles, strengths)[:, None, None]
    for picture, dice in zip(changed, rng.random((len(changed), 2)), strict=True):
        if dice[0] < 0.3:
            picture[:] = cv2.GaussianBlur(picture, (0, 0), 0.4 + dice[0])
        if dice[1] < 0.3:
            rim = 1 + int(dice[1] < 0.15)
            inner = picture[rim:-rim, rim:-rim].copy()
            picture[:] = 850 * dice[1]
            picture[rim:-rim, rim:-rim] = inner
    return whole_bytes(changed)


def _paints(pixels: int, half: Half) -> tuple[Paint, Paint]:
    if pixels == 32:
        from benchmarks.detection import scenes32

        return scenes32.paint_background, scenes32.paint_object
    if pixels == 64:
        from benchmarks.detection import scenes64

        return scenes64.background_painter(half), scenes64.object_painter(half)
    raise ValueError(f"pictures are of 32 or 64 pixels, not {pixels}")


def _mask(rng: np.random.Generator, shape: str, size: int, placement: Placement, *, cornered: bool) -> Floats:
    radius = size * rng.uniform(0.23, 0.33)
    if placement in CORNERS:
        radius *= 0.45 if cornered else 0.85
    if placement == "touching":
        along, beyond = rng.uniform(0.25, 0.75) * size, rng.uniform(0.5, 0.8) * radius
        side = rng.integers(4)
        centre = [(along, beyond), (along, size - beyond), (beyond, along), (size - beyond, along)][side]
    elif placement in CORNERS:
        low, high = (0.11, 0.17) if cornered else (0.45, 0.75)
        centre = tuple(rng.uniform(low * size, high * size, 2))
        if placement == "far corner":
            centre = (size - centre[0], size - centre[1])
    else:
        centre = tuple(rng.uniform(radius * 0.9, size - radius * 0.9, 2))
    return coverage(size, shape, centre, radius, rng.uniform(0, 2 * np.pi))
