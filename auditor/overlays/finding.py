"""Overlays: watermarks, tags, logos, stamps and frames at one place in many images, found without labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.overlays.features import (
    FloatImages,
    Planes,
    checked,
    chroma_images,
    chroma_sign_planes,
    colour_codes,
    colour_images,
    colour_planes,
    grey_images,
    mirrored,
    sign_planes,
)
from auditor.overlays.gathering import (
    SAME_IMAGES,
    Mask,
    Search,
    bounding_box,
    dilated,
    jaccard,
)
from auditor.overlays.pinning import Pinning
from auditor.overlays.screening import Agreement, ColourAgreement, Screening, SignAgreement, screen
from auditor.overlays.strokes import trace

__all__ = ["Overlay", "find_overlays"]

_FINE_SIDE, _FINE_COLOUR_SIDE = 256, 128
"""Longer side, in pixels, at which images are compared to the pixel; larger ones are shrunk first."""
_COLOUR_SIDE = 48
"""Longer side at which colours are screened."""
_LEAST_AGREEMENT = {"gradient": 0.0, "chroma": 0.0, "colour": 0.6}
"""A translucent mark bends a gradient only sometimes; an opaque one repeats its colours, and flat surfaces of any other
colour agree with half of its votes by chance."""
_LEAST_PINNED = {"gradient": 0.7, "chroma": 0.7, "colour": 0.85}
"""Of the images that fit within two pixels, how many must fit best unshifted. [measured: overlays .82 to 1 by gradient
and .94 to 1 by colour; drawn radiographs of 96 and 256 pixels and traffic signs of 30 and 48 pixels mostly 0 to .3, at
most .6 by gradient and .81 by colour]"""
_REPEATED = 0.5
"""Share of its pixels that an opaque overlay must repeat."""
_ALIKE = 0.5
"""Two overlays whose pixels agree at least so (Jaccard) are one."""
_MARGIN, _SCREEN_MARGIN = 2, 3
"""Pixels around an overlay, where images are compared and where they are screened, in which it shows as well."""
_LARGEST = 1 / 3
"""What covers a larger share of the picture is no overlay."""
_LARGEST_RIM = 0.5
"""But a frame: what leaves the picture's middle free."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Something painted at the same pixels of several images.

    Attributes:
        box: x1, y1, x2, y2 around the strokes in pixels of the images given, far edges exclusive.
        mask: bool (height, width), the pixels that it covers.
        present: bool (n,), the images in which it was recognised; a lower bound where it is faint.
        p: Probability of so much agreement anywhere in such a sample by chance, corrected for looking everywhere.
        draws: Rolled samples that p rests on.
        pinned_share: Of the images that fit it within two pixels, the share that fit best at exactly its place.
        opacity: 0 to 1; None where it cannot be told.
        polarity: "brighter", "darker" or "mixed", against its surroundings.
        found_by: "gradient", "chroma" (gradients of opponent colours) or "colour": what the images agree on.
    """

    box: tuple[int, int, int, int]
    mask: Mask
    present: Mask
    p: float
    draws: int
    pinned_share: float
    opacity: float | None
    polarity: str
    found_by: str

    @property
    def prevalence(self) -> float:
        """Share of the images that carry it."""
        return float(self.present.mean())


def find_overlays(
    images: NDArray[Any], *, seed: int, side: int = 96, alpha: float = 0.05, max_draws: int = 999
) -> list[Overlay]:
    """Find what is painted at the same place of many images; those on most images first.

    Images must agree beyond chance (`screening`) on gradients or on colours, and those that agree must do so to the
    pixel (`pinning`), which aligned anatomy does not. A quarter of 64 images with an opaque tag is enough, a tenth of
    128, or 32 images that all carry a mark of opacity .15. Marks that move between images are not found.

    Args:
        images: uint8 (n, 1 or 3, height, width) in RGB order, or float grey (n, height, width) from 0 to 255.
        seed: All draws start here.
        side: Longer side of the picture that is screened, pixels.
        alpha: Level of the screening, shared out evenly among its looks: three at colour pictures, two at grey ones.
        max_draws: Rolled samples at most; the least p is the number of looks / (max_draws + 1).

    Raises:
        ValueError: Images of another shape, or values that are not finite.
    """
    pictures = checked(images)
    grey = grey_images(pictures, _FINE_SIDE)
    found: list[_Found] = []
    looks = ("gradient", "chroma", "colour") if pictures.shape[1] == 3 else ("gradient", "colour")
    for look in looks:
        screening = screen(_agreement(look, pictures, side), seed=seed, max_draws=max_draws)
        candidates = screening.candidates(alpha / len(looks))
        if not candidates.any():
            continue
        planes = _planes(look, pictures, grey)
        search = Search(planes, seed=seed, agreement=_LEAST_AGREEMENT[look], share=_LEAST_PINNED[look])
        for region, pinning in search.regions(_resized(candidates, planes.shape[2:])):
            shown = _projected(pictures, region, pinning.present) if look == "chroma" else grey
            overlay = _described(look, shown, pictures.shape[2:], region, pinning, screening)
            if overlay is not None:
                found.append(_Found(replace(overlay, p=min(1.0, len(looks) * overlay.p)), region, candidates, search))
    return _distinct(found)


@dataclass(frozen=True, slots=True)
class _Found:
    """An overlay, the region of the search in which it was found, and where that had been asked to look."""

    overlay: Overlay
    region: Mask
    candidates: Mask
    search: Search

    @property
    def weight(self) -> int:
        """Painted pixels over all images."""
        return int(self.overlay.mask.sum()) * int(self.overlay.present.sum())


def _agreement(look: str, pictures: NDArray[Any], side: int) -> Agreement:
    if look == "gradient":
        grey = grey_images(pictures, side)
        return SignAgreement(sign_planes(grey), sign_planes(mirrored(grey)))
    if look == "chroma":
        chroma = chroma_images(pictures, side)
        return SignAgreement(chroma_sign_planes(chroma), chroma_sign_planes(mirrored(chroma)))
    colours = colour_images(pictures, min(side, _COLOUR_SIDE))
    return ColourAgreement(colour_codes(colours), colour_codes(mirrored(colours)))


def _planes(look: str, pictures: NDArray[Any], grey: FloatImages) -> Planes:
    """What images may agree on to the pixel."""
    if look == "gradient":
        return sign_planes(grey)
    if look == "chroma":
        return chroma_sign_planes(chroma_images(pictures, _FINE_SIDE))
    return colour_planes(colour_images(pictures, _FINE_COLOUR_SIDE))


def _projected(pictures: NDArray[Any], region: Mask, present: Mask) -> FloatImages:
    """One plane an image, along the colour by which the carrying images differ from the others in the region.

    Without others to compare with: the opponent colour that varies more over the mean picture.

    Returns:
        (n, height, width), in grey levels.
    """
    if not present.all():
        colours = colour_images(pictures, _FINE_SIDE)
        step = colours[present].mean(axis=0) - colours[~present].mean(axis=0)
        line = np.linalg.svd(step[:, _resized(region, step.shape[1:])], full_matrices=False)[0][:, 0]
        return np.asarray(np.tensordot(colours, line, axes=(1, 0)), np.float32)
    chroma = chroma_images(pictures, _FINE_SIDE)
    spread = chroma.mean(axis=0)[:, _resized(region, chroma.shape[2:])].std(axis=1)
    return np.asarray(chroma[:, int(spread.argmax())], np.float32)


def _described(
    look: str, grey: FloatImages, shape: tuple[int, ...], region: Mask, pinning: Pinning, screening: Screening
) -> Overlay | None:
    """What the region's images share, traced; None where that is too little, too much or, in colour, never the same."""
    strokes = trace(grey, pinning.present, _resized(region, grey.shape[1:]))
    mask = _resized(strokes.mask, shape)
    largest = _LARGEST if _middle(mask).any() else _LARGEST_RIM
    if not mask.any() or mask.mean() > largest or (look == "colour" and strokes.repeated_share < _REPEATED):
        return None
    seen = _touched(region, screening.statistic.shape)
    return Overlay(
        box=bounding_box(mask),
        mask=mask,
        present=pinning.present,
        p=screening.p_of(float(screening.statistic[seen].max())),
        draws=screening.null_maxima.size,
        pinned_share=pinning.share,
        opacity=strokes.opacity,
        polarity=strokes.polarity,
        found_by=look,
    )


def _middle(mask: Mask) -> Mask:
    """Its part in the middle half of the picture, in both directions."""
    height, width = mask.shape
    return mask[height // 4 : height - height // 4, width // 4 : width - width // 4]


def _distinct(found: list[_Found]) -> list[Overlay]:
    """Join what two looks found alike, leave out what is a part of a larger overlay; most images first."""
    kept: list[Overlay] = []
    for item in sorted(found, key=lambda item: (-item.weight, item.overlay.box)):
        for index, larger in enumerate(kept):
            if _same_images(item.overlay, larger) and _is_part(item, larger):
                alike = jaccard(item.overlay.mask, larger.mask) >= _ALIKE
                present = larger.present | item.overlay.present if alike else larger.present
                kept[index] = replace(larger, present=present, p=min(larger.p, item.overlay.p))
                break
        else:
            kept.append(item.overlay)
    return sorted(kept, key=lambda overlay: (-int(overlay.present.sum()), overlay.box))


def _same_images(overlay: Overlay, larger: Overlay) -> bool:
    return int((overlay.present & larger.present).sum()) >= SAME_IMAGES * int(overlay.present.sum())


def _is_part(item: _Found, larger: Overlay) -> bool:
    """Whether nothing would be found there any more, once the larger overlay is left out."""
    if jaccard(item.overlay.mask, larger.mask) >= _ALIKE:
        return True
    explained = dilated(_resized(larger.mask, item.region.shape), _MARGIN)
    if not (explained & item.region).any():
        return False
    seen = item.candidates & _touched(item.region, item.candidates.shape)
    if not (seen & ~dilated(_touched(larger.mask, seen.shape), _SCREEN_MARGIN)).any():
        return True
    return not item.search.holds(item.region & ~explained, item.overlay.present)


def _touched(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Pixels of a smaller picture that the mask reaches into."""
    return cv2.resize(mask.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_AREA) > 0


def _resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    if mask.shape == tuple(shape):
        return mask
    return cv2.resize(mask.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST).astype(bool)
