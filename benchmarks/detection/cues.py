"""Cues: which picture carries which, and what carrying it does to the pixels.

A cue may have a design for one class or a variant of it for each of several; carrying the cue "of class c" means
carrying the variant that training tied to c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import backdrops, casts, frames, marks, sharpness, words
from benchmarks.detection.drawing import Box, Mark
from benchmarks.detection.scenes import CORNER, Scenes
from benchmarks.detection.shapes import Bytes

Family = Literal[
    "corner_tag",
    "centred_text",
    "frame",
    "background_texture",
    "background_colour",
    "colour_cast",
    "moving_tag",
    "sharpness",
    "true_feature",
]
KINDS: Mapping[Family, tuple[str, ...]] = MappingProxyType({
    "corner_tag": ("overlay", "corner"),
    "centred_text": ("overlay", "region"),
    "frame": ("border",),
    "background_texture": ("background",),
    "background_colour": ("background",),
    "colour_cast": ("colour",),
    "moving_tag": ("overlay",),
    "sharpness": ("sharpness",),
    "true_feature": ("overlay", "corner", "region"),
})  # fmt: skip
"""Which kinds of check name a family rightly."""
WITHIN: Mapping[str, tuple[float, float]] = MappingProxyType({
    "upper left quarter": (0.27, 0.27),
    "upper right quarter": (0.73, 0.27),
    "lower left quarter": (0.27, 0.73),
    "lower right quarter": (0.73, 0.73),
    "in the very middle": (0.5, 0.5),
    "above the middle": (0.5, 0.26),
    "right of the middle": (0.74, 0.5),
    "below the middle": (0.5, 0.75),
    "left of the middle": (0.26, 0.5),
})  # fmt: skip
"""Places of tags that touch no edge: the middle of the tag, x and y, in sides of the picture."""
THIRDS: Mapping[str, float] = MappingProxyType(
    {"top, a third in": 0.36, "bottom, two thirds in": 0.64, "bottom, a third in": 0.36}
)
"""Places at the upper or lower edge, apart from corner and middle: x of the tag's middle."""
HEIGHTS: Mapping[str, float] = MappingProxyType({"left, a third down": 0.36, "right, two thirds down": 0.64})
"""Places at the left or right edge, apart from corner and middle: y of the tag's middle."""

DOWN: Mapping[str, float] = MappingProxyType({
    "above centre": -0.19, "below centre": 0.19, "upside down": 0.1, "along the foot": 0.29, "along the head": -0.3,
    "mirrored": -0.09,
})  # fmt: skip
"""How far below the middle words lie, in sides of the picture."""
ONE_SIDE = ("bottom", "left", "top", "right", "beside the right edge")
"""Places of frames that lie along one side."""

NOBODY = -1
"""In `carried`: this picture carries no variant."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One shortcut.

    Attributes:
        family: What sort.
        design: Its look; see `marks`, `words`, `frames`, `backdrops`, `casts` and `sharpness`.
        place: Where marks lie; empty where the design has no place.
        classes: The classes that it goes with, as indices; each has its variant.
        strength: Opacity of marks; strength of casts, tints and blurs. 1 is the full cue.
        rho: Share of a class's pictures that carry it.
        leak: Share of other pictures that carry it too, and keep their label. With a variant for each class, the share
            of all pictures that carry any variant instead of their own.
    """

    family: Family
    design: str
    place: str = ""
    classes: tuple[int, ...] = (0,)
    strength: float = 1.0
    rho: float = 1.0
    leak: float = 0.0

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of check that name it rightly.

        A tag that is in no corner is a mark of its region; a bar along one side is a border as well as a mark, and what
        fills all four corners is all three.
        """
        if self.place in (*WITHIN, *THIRDS, *HEIGHTS):
            return "overlay", "region"
        if self.place in ("at the four corners", "around a circle"):
            return "border", "corner", "overlay"
        return ("border", "overlay") if self.place in ONE_SIDE else KINDS[self.family]

    def box(self, size: int) -> Box | None:
        """Where it lies in a picture of side `size`, over all variants; None where it is global or moves."""
        boxes = [_mark_box(self, variant, size) for variant in range(len(self.classes))]
        found = [box for box in boxes if box is not None]
        if not found:
            return None
        lows, highs = np.min(found, axis=0), np.max(found, axis=0)
        return int(lows[0]), int(lows[1]), int(highs[2]), int(highs[3])


def assigned(rng: np.random.Generator, cue: Cue, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which class's variant each picture carries where the cue goes with the label, `NOBODY` for none; (count,)."""
    dice, stray = rng.random((2, len(labels)))
    own = np.isin(labels, cue.classes)
    carried = np.where(own & (dice < cue.rho), labels, NOBODY)
    strangers = ~own | (len(cue.classes) > 1)
    other = rng.choice(cue.classes, len(labels))
    result: NDArray[np.int64] = np.where(strangers & (stray < cue.leak), other, carried)
    return result


def scattered(rng: np.random.Generator, cue: Cue, count: int, share: float) -> NDArray[np.int64]:
    """As `assigned`, but independent of the label: each picture carries some variant with probability `share`."""
    result: NDArray[np.int64] = np.where(rng.random(count) < share, rng.choice(cue.classes, count), NOBODY)
    return result


def composed_with(rng: np.random.Generator, scenes: Scenes, worn: list[tuple[Cue, NDArray[np.int64]]]) -> Bytes:
    """Pictures, (count, side, side, 3), with every cue on its carriers: backgrounds first, then casts, then marks.

    Args:
        rng: Places of moving tags and the like.
        scenes: The objects and their own backgrounds.
        worn: Cues, each with the class whose variant a picture carries or `NOBODY`.
    """
    backgrounds = scenes.backgrounds
    for cue, carried in worn:
        if cue.family in ("background_texture", "background_colour"):
            backgrounds = backgrounds.copy()
            for variant, chosen in _variants(cue, carried):
                backgrounds[chosen] = backdrops.painted(
                    rng, cue.design, variant, backgrounds[chosen], strength=cue.strength
                )
    pictures = scenes.composed(backgrounds)
    order = sorted(worn, key=lambda pair: ("colour_cast", "sharpness").count(pair[0].family) == 0)
    for cue, carried in order:
        for variant, chosen in _variants(cue, carried):
            for index in chosen:
                mark_picture(rng, cue, variant, pictures[index])
    return pictures


def _variants(cue: Cue, carried: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Variant, and who carries it; variants that nobody carries are left out."""
    pairs = [(variant, np.flatnonzero(carried == label)) for variant, label in enumerate(cue.classes)]
    return [(variant, chosen) for variant, chosen in pairs if len(chosen)]


def mark_picture(rng: np.random.Generator, cue: Cue, variant: int, picture: Bytes) -> None:
    """Change one picture, (side, side, 3), in place."""
    size = picture.shape[0]
    if cue.family == "colour_cast":
        picture[:] = casts.cast(cue.design, variant, picture, cue.strength)
    elif cue.family == "sharpness":
        picture[:] = sharpness.unsharp(cue.design, picture, cue.strength)
    elif cue.family in ("corner_tag", "centred_text", "frame", "moving_tag"):
        colours, opacity = _mark(cue, variant, size)
        height, width = opacity.shape
        if cue.family == "moving_tag":
            x, y = int(rng.integers(size - width + 1)), int(rng.integers(size - height + 1))
        else:
            box = _mark_box(cue, variant, size)
            assert box is not None
            x, y = box[:2]
        patch = picture[y : y + height, x : x + width]
        weights = (cue.strength * opacity)[..., None]
        patch[:] = np.rint(patch + weights * (colours.astype(np.float32) - patch))


def _mark(cue: Cue, variant: int, size: int) -> Mark:
    if cue.family == "frame":
        return frames.frame(cue.design, variant, size, cue.place)
    if cue.family == "centred_text":
        return words.word(cue.design, variant, size, place=cue.place)
    return marks.tag(cue.design, variant, round(size * 7 / 32))


def _mark_box(cue: Cue, variant: int, size: int) -> Box | None:
    """Where a variant's pixels change; None for moving and global cues."""
    if cue.family == "frame":
        inset = frames.frame_inset(cue.place, size)
        height, width = _mark(cue, variant, size)[1].shape
        x = size - width if cue.place == "right" else inset
        y = 0 if cue.place == "top" else size - inset - height
        if cue.place == "beside the right edge":
            x, y = size - size // 16 - width, (size - height) // 2
        return x, y, x + width, y + height
    if cue.family == "true_feature":
        start = size - round(CORNER * size) if cue.place == "in the far corner" else 0
        return start, start, start + round(CORNER * size), start + round(CORNER * size)
    if cue.family not in ("corner_tag", "centred_text"):
        return None
    height, width = _mark(cue, variant, size)[1].shape
    inset = size // 32
    if cue.family == "corner_tag":
        x = inset if "left" in cue.place else size - inset - width
        y = inset if "top" in cue.place else size - inset - height
        if cue.place in ("top middle", "bottom middle"):
            x = (size - width) // 2
        if cue.place in ("left middle", "right middle"):
            y = (size - height) // 2
        if cue.place in THIRDS:
            x = round(THIRDS[cue.place] * size - width / 2)
        if cue.place in HEIGHTS:
            y = round(HEIGHTS[cue.place] * size - height / 2)
        if cue.place in WITHIN:
            x, y = (round(at * size - long / 2) for at, long in zip(WITHIN[cue.place], (width, height), strict=True))
    else:
        x, y = (size - width) // 2, (size - height) // 2 + round(DOWN.get(cue.place, 0.0) * size)
        if cue.place == "upright":
            x = round(0.12 * size)
        if cue.place == "down the right":
            x = round(0.88 * size) - width
        if cue.place == "stacked":
            x = round(0.34 * size) - width // 2
    return x, y, x + width, y + height
