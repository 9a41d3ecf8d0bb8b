"""Cues: which picture carries which, and what carrying it does to the pixels.

A cue may have a design for one class or a variant of it for each of several; carrying the cue "of class c" means
carrying the variant that training tied to c.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import backdrops, frames, marks, words
from benchmarks.detection.scenes import CORNER, Scenes, hue_gains
from benchmarks.detection.shapes import Bytes, whole_bytes

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
HUE_OF_CAST: Mapping[str, tuple[float, ...]] = MappingProxyType({
    "warm": (30, 210, 120, 300),
    "green": (120, 300, 30, 210),
    "cold": (235, 75, 165, 345),
    "magenta": (320, 140, 50, 230),
    "amber": (48, 228, 138, 318),
    "cyan": (188, 8, 98, 278),
    "sepia": (35, 215, 125, 305),
    "faded": (265, 85, 355, 175),
})  # fmt: skip
"""Hue in degrees of each variant."""
SHARPNESS = (
    "gaussian blur",
    "low resolution",
    "jpeg",
    "motion blur",
    "pixelated",
    "defocus",
    "smeared",
    "webp",
    "ghosted",
    "denoised",
    "interlaced",
)

NOBODY = -1
"""In `carried`: this picture carries no variant."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One shortcut.

    Attributes:
        family: What sort.
        design: Its look; see `marks`, `backdrops`, `HUE_OF_CAST` and `SHARPNESS`.
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

        A tag that is in no corner is a mark of its region; a bar along one side is a border as well as a mark.
        """
        if self.place.endswith("quarter"):
            return "overlay", "region"
        return ("border", "overlay") if self.place in ("bottom", "left") else KINDS[self.family]

    def box(self, size: int) -> marks.Box | None:
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
        picture[:] = cast(cue.design, variant, picture, cue.strength)
    elif cue.family == "sharpness":
        picture[:] = unsharp(cue.design, picture, cue.strength)
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


def cast(design: str, variant: int, picture: Bytes, strength: float) -> Bytes:
    """A picture, (side, side, 3), in other colours: channels multiplied, toned as old prints are, or faded to a hue."""
    hue = np.array([HUE_OF_CAST[design][variant]])
    if design == "sepia":
        toned = picture.mean(axis=2, keepdims=True) * hue_gains(hue, 0.35)[0]
        return whole_bytes(picture + 0.7 * strength * (toned - picture))
    if design == "faded":
        return whole_bytes(picture + 0.3 * strength * (150 * hue_gains(hue, 0.7)[0] - picture))
    return whole_bytes(picture * hue_gains(hue, 0.3 * strength)[0])


def unsharp(design: str, picture: Bytes, strength: float) -> Bytes:
    """A picture, (side, side, 3), that lost its fine detail in one of the ways of `SHARPNESS`."""
    size = picture.shape[0]
    small = round(32 / (1 + strength))
    if design == "gaussian blur":
        return whole_bytes(cv2.GaussianBlur(picture, (0, 0), strength * size / 32))
    if design == "motion blur":
        return whole_bytes(cv2.blur(picture, (2 * round(2 * strength * size / 32) + 1, 1)))
    if design == "jpeg":
        done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, round(4 / strength)])
        if not done:
            raise OSError("OpenCV could not encode a picture as JPEG")
        return whole_bytes(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    if design == "defocus":
        disc = disc_of(1.1 * strength * size / 32)
        return whole_bytes(cv2.filter2D(picture, -1, disc, borderType=cv2.BORDER_REFLECT))
    if design == "smeared":
        return whole_bytes(cv2.medianBlur(np.ascontiguousarray(picture), 2 * round(1.5 * strength * size / 32) + 1))
    if design == "webp":
        done, encoded = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 1])
        if not done:
            raise OSError("OpenCV could not encode a picture as WebP")
        return whole_bytes(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    if design == "ghosted":
        shift = round(2 * strength * size / 32)
        moved = np.pad(picture, ((shift, 0), (shift, 0), (0, 0)), mode="reflect")[:size, :size]
        return whole_bytes(0.5 * picture + 0.5 * moved)
    if design == "denoised":
        reach = 2 * round(2 * size / 32) + 1
        return whole_bytes(cv2.bilateralFilter(np.ascontiguousarray(picture), reach, 60 * strength, 2.5 * size / 32))
    if design == "interlaced":
        return np.repeat(picture[::2], 2, axis=0)[:size]
    if design in ("low resolution", "pixelated"):
        reduced = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        back = cv2.INTER_LINEAR if design == "low resolution" else cv2.INTER_NEAREST
        return whole_bytes(cv2.resize(reduced, (size, size), interpolation=back))
    raise ValueError(f"no way of losing sharpness is named '{design}'; there are {', '.join(SHARPNESS)}")


def disc_of(radius: float) -> NDArray[np.float32]:
    """The blur of a lens out of focus: an even disc of the radius in pixels, its sum one."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(disc / disc.sum(), dtype=np.float32)


def _mark(cue: Cue, variant: int, size: int) -> marks.Mark:
    if cue.family == "frame":
        return frames.frame(cue.design, variant, size, cue.place)
    if cue.family == "centred_text":
        return words.word(cue.design, variant, size, place=cue.place)
    return marks.tag(cue.design, variant, round(size * 7 / 32))


def _mark_box(cue: Cue, variant: int, size: int) -> marks.Box | None:
    """Where a variant's pixels change; None for moving and global cues."""
    if cue.family == "frame":
        inset = frames.frame_inset(cue.place)
        height, width = _mark(cue, variant, size)[1].shape
        return inset, size - inset - height, inset + width, size - inset
    if cue.family == "true_feature":
        return 0, 0, round(CORNER * size), round(CORNER * size)
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
        if cue.place.endswith("quarter"):
            x = round((0.27 if "left" in cue.place else 0.73) * size - width / 2)
            y = round((0.27 if "upper" in cue.place else 0.73) * size - height / 2)
    else:
        shift = {"above centre": -0.19, "below centre": 0.19}.get(cue.place, 0.0)
        x, y = (size - width) // 2, (size - height) // 2 + round(shift * size)
        if cue.place == "upright":
            x = round(0.12 * size)
    return x, y, x + width, y + height
