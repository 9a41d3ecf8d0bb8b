"""Which images carry a structure at exactly one place: an overlay is pinned to the pixel, anatomy is not.

Aligned pictures (faces, radiographs, centred signs) agree in their gradients too. What tells an overlay from them is
seen image by image: shifted by a pixel or two in any direction an image fits the others' consensus worse when an
overlay made the consensus, while a lung or a face sits a little differently in each image and fits best at a shift of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.overlays.features import Planes

__all__ = ["MIN_PINNED", "SCOUTING", "THOROUGH", "Effort", "Pinning", "Placed", "Window", "compare", "pin"]

MIN_PINNED = 5
"""Fewer images than these are no overlay but a coincidence or duplicates."""
_REACH = 2
"""Pixels of shift in each direction."""
_ROUNDS = 5
_HOPELESS_SHARE = 0.3
"""A start of which fewer images are pinned is given up."""
_FOLDS = 4
"""An image is compared with a consensus that its own quarter of the images had no part in."""
_NULL_QUANTILE = 0.999
"""A fit must exceed that of one in a thousand places far away, over all images."""
_FAR_KEPT = 0.875
"""Of the far places the rest, where images fit best on average, repeat the structure: a frame's side along itself."""
_OWN_CELLS = 2 / 3
"""Share of a template's cells that the consensus has a say in; the others lie just outside, where it must end."""
_CLEARLY_BEST = 1.02
"""How much better than shifted a fit must be: flat surfaces fit equally well everywhere."""
_SAME_UNDER_SHIFT = 0.75
"""A consensus that agrees with its shifted self that well cannot tell the shift: a straight line along itself."""

Window = tuple[slice, slice]
"""Rows and columns of the picture."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly images are compared.

    Attributes:
        shifts: Rows down and columns across that an image is shifted by; unshifted first.
        cells: How many of the consensus' most telling cells are compared.
        null_fits: Fits at places far away, over all images, from which the threshold is taken.
        agreement: Share of a template's votes, beyond opposite ones, that a fitting image must agree with.
        share: Of the images that fit within two pixels, the share that must fit best unshifted.
    """

    shifts: tuple[tuple[int, int], ...]
    cells: int
    null_fits: int
    agreement: float = 0.0
    share: float = 0.7


_ALL = [(down, across) for down in range(-_REACH, _REACH + 1) for across in range(-_REACH, _REACH + 1)]
SCOUTING = Effort(((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1), (-2, 0), (2, 0), (0, -2), (0, 2)), 128, 1000)
THOROUGH = Effort(tuple(sorted(_ALL, key=lambda shift: shift != (0, 0))), 256, 6000)


@dataclass(frozen=True, slots=True)
class Pinning:
    """How each image fits the consensus of the others in a region.

    Attributes:
        present: bool (n,), fits beyond chance, and clearly best unshifted.
        fits: bool (n,), fits beyond chance within two pixels.
    """

    present: NDArray[np.bool_]
    fits: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Of the images that fit, the share that is pinned."""
        return float(self.present.sum() / max(int(self.fits.sum()), 1))


class Placed:
    """Planes of votes with a margin, flattened, so that a shift is an addition to indices."""

    def __init__(self, planes: Planes, effort: Effort, *, seed: int) -> None:
        self.effort = effort
        self.count, self.depth, self.height, self.width = planes.shape
        self.stride = self.width + 2 * _REACH
        self.plane = self.stride * (self.height + 2 * _REACH)
        self.padded = np.pad(planes, ((0, 0), (0, 0), (_REACH, _REACH), (_REACH, _REACH)))
        self.flat = self.padded.reshape(self.count, self.depth * self.plane)
        rng = np.random.default_rng(seed)
        self.folds = rng.permutation(np.arange(self.count) % _FOLDS)
        distance = max(self.plane // 10, 1)
        self.far = rng.integers(distance, self.plane - distance, max(8, -(-effort.null_fits // self.count)))
        self.down, self.across = np.asarray(effort.shifts, np.int64).T

    def is_overlay(self, pinning: Pinning) -> bool:
        """Whether enough images agree to the pixel."""
        return int(pinning.present.sum()) >= MIN_PINNED and pinning.share >= self.effort.share

    def inside(self, window: Window) -> tuple[slice, slice]:
        """Rows and columns of the window with its margin, in the padded planes."""
        rows, columns = window
        return slice(rows.start, rows.stop + 2 * _REACH), slice(columns.start, columns.stop + 2 * _REACH)

    def cells(self, window: Window, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Flat indices of cells counted within a window (planes, rows, columns)."""
        rows, columns = window
        shape = (self.depth, rows.stop - rows.start, columns.stop - columns.start)
        plane, row, column = np.unravel_index(chosen, shape)
        return np.asarray(
            plane * self.plane + (row + rows.start + _REACH) * self.stride + column + columns.start + _REACH, np.int64
        )

    def moved(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """The cells under every near shift, then rolled to far places; shape (shifts + far, cells)."""
        near = cells + (self.down * self.stride + self.across)[:, None]
        within = cells % self.plane
        far = cells - within + (within + self.far[:, None]) % self.plane
        return np.concatenate([near, far])


def pin(
    placed: Placed, window: Window, *, region: NDArray[np.bool_] | None = None, start: NDArray[np.bool_] | None = None
) -> Pinning:
    """Find the images that share a structure in a window to the pixel.

    Begins with the consensus of `start`, or with that of the closest group of images and where that leads nowhere with
    that of all; repeats with the images that turned out pinned.

    Args:
        placed: All images' votes.
        window: Where to look.
        region: bool of the window's shape: only these pixels.
        start: bool (n,), images that are thought to share it.
    """
    seen, allowed = _seen(placed, window, region)
    if start is not None:
        return _settled(placed, window, seen, allowed, start)
    pinning = _settled(placed, window, seen, allowed, _closest_group(seen))
    if not placed.is_overlay(pinning):
        pinning = _settled(placed, window, seen, allowed, np.ones(placed.count, bool))
    return pinning


def compare(placed: Placed, window: Window, members: NDArray[np.bool_]) -> Pinning:
    """How all images fit the consensus of some in a window."""
    seen, allowed = _seen(placed, window, None)
    return _compared(placed, window, seen, allowed, members)


def _seen(placed: Placed, window: Window, region: NDArray[np.bool_] | None) -> tuple[Planes, NDArray[np.bool_]]:
    """The votes in a window and its margin, and which of its pixels may be used."""
    rows, columns = placed.inside(window)
    shape = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    return placed.padded[:, :, rows, columns], np.ones(shape, bool) if region is None else region


def _settled(
    placed: Placed, window: Window, seen: Planes, allowed: NDArray[np.bool_], members: NDArray[np.bool_]
) -> Pinning:
    pinning = _compared(placed, window, seen, allowed, members)
    for _ in range(_ROUNDS):
        hopeless = pinning.present.sum() < MIN_PINNED or pinning.share < _HOPELESS_SHARE
        if hopeless or np.array_equal(pinning.present, members):
            break
        members = pinning.present
        pinning = _compared(placed, window, seen, allowed, members)
    return pinning


def _closest_group(seen: Planes) -> NDArray[np.bool_]:
    """The image with the nearest company, and all that are nearly as near to it; bool (n,)."""
    flat = seen.reshape(len(seen), -1).astype(np.float32)
    alike = flat @ flat.T
    # Ten cells more, so that a handful of coincidences in a flat corner is no resemblance.
    size = np.sqrt(np.diag(alike) + 10)
    alike /= size[:, None] * size
    np.fill_diagonal(alike, -1)
    company = np.partition(alike, -min(MIN_PINNED - 1, len(seen)), axis=1)[:, -min(MIN_PINNED - 1, len(seen))]
    centre = int(company.argmax())
    group = alike[centre] >= 0.7 * company[centre]
    group[centre] = True
    return np.asarray(group, bool)


def _compared(
    placed: Placed, window: Window, seen: Planes, allowed: NDArray[np.bool_], members: NDArray[np.bool_]
) -> Pinning:
    shifts = placed.across.size
    fits = np.zeros((placed.count, shifts + placed.far.size), np.float32)
    agreement = np.zeros((placed.count, shifts), np.float32)
    telling = np.zeros((placed.count, shifts), bool)
    for fold in range(_FOLDS):
        inside = placed.folds == fold
        chosen, template, own, tells = _template(placed, seen[members & ~inside], allowed)
        if chosen.size == 0 or not inside.any():
            continue
        cells = placed.moved(placed.cells(window, chosen))
        fits[inside], agreement[inside] = _fit(template, own, placed.flat[inside][:, cells], shifts)
        telling[inside] = tells
    far = fits[:, shifts:]
    ordinary = np.argsort(far.mean(axis=0), kind="stable")[: int(np.ceil(_FAR_KEPT * far.shape[1]))]
    threshold = max(float(np.quantile(far[:, ordinary], _NULL_QUANTILE)), 1e-3)
    near = fits[:, :shifts]
    still = near[:, 0]
    best = np.where(telling, near, -np.inf).max(axis=1)
    fit = (np.maximum(best, still) > threshold) & (agreement.max(axis=1) >= placed.effort.agreement)
    return Pinning(fit & (still > _CLEARLY_BEST * np.maximum(best, 0)), fit)


def _template(
    placed: Placed, voting: Planes, allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """The consensus at its most telling cells: its borders from the inside, and against it from the outside.

    Returns:
        Cells counted within the window, their weights, which of them the consensus has a say in (the others lie just
        outside it and count against), and the shifts that can be told.
    """
    votes = voting.sum(axis=0, dtype=np.int32).astype(np.float32)
    voters = np.abs(voting).sum(axis=0, dtype=np.int32).astype(np.float32)
    # Votes within two deviations of a coin's are noise.
    clear = np.sign(votes) * np.maximum(np.abs(votes) - 2 * np.sqrt(voters), 0)
    side = 2 * _REACH + 1
    blurred = np.stack([cv2.blur(plane, (side, side), borderType=cv2.BORDER_CONSTANT) for plane in clear])
    inner = (slice(None), slice(_REACH, -_REACH), slice(_REACH, -_REACH))
    clear_in, blurred, weight = clear[inner], blurred[inner], allowed / np.maximum(voters[inner], 1)
    inside = np.maximum(clear_in * (clear_in - blurred), 0) * weight
    outside = np.where(np.abs(clear_in) < np.abs(blurred), (blurred - clear_in) ** 2, 0) * weight
    within = _greatest(inside, round(_OWN_CELLS * placed.effort.cells))
    beyond = _greatest(np.where(inside > 0, 0, outside), placed.effort.cells - within.size)
    chosen = np.concatenate([within, beyond])
    template = np.concatenate([clear_in.ravel()[within], (clear_in - blurred).ravel()[beyond]]).astype(np.float32)
    own = np.arange(chosen.size) < within.size
    return chosen, template, own, _telling_shifts(placed, clear, chosen, template)


def _greatest(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Places of the greatest values above zero, at most `count`."""
    order = np.argsort(-values, axis=None, kind="stable")[:count]
    return np.asarray(order[values.ravel()[order] > 0], np.int64)


def _fit(
    template: NDArray[np.float32], own: NDArray[np.bool_], votes: Planes, near: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Agreement with the template in deviations of coin flips; for the first `near` places also its own cells' share.

    Args:
        template: Shape (cells,).
        own: bool (cells,), where the consensus has a say.
        votes: Shape (images, places, cells).
        near: How many places a share is needed for.
    """
    agreed = votes @ template
    spread = np.sqrt((votes != 0) @ template**2)
    within = template * own
    share = votes[:, :near] @ within / max(float(np.abs(within).sum()), 1e-6)
    return np.asarray(agreed / np.maximum(spread, 1e-6), np.float32), np.asarray(share, np.float32)


def _telling_shifts(
    placed: Placed, clear: NDArray[np.float32], chosen: NDArray[np.int64], template: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Which shifts can be told from none: all but those along a straight line that the consensus consists of."""
    across, down = placed.across, placed.down
    depth, height, width = clear.shape
    plane, row, column = np.unravel_index(chosen, (depth, height - 2 * _REACH, width - 2 * _REACH))
    alike = np.array([
        float(template @ clear[plane, row + _REACH + y, column + _REACH + x]) for y, x in zip(down, across, strict=True)
    ])  # fmt: skip
    still = (down == 0) & (across == 0)
    same = alike >= _SAME_UNDER_SHIFT * max(float(alike[still][0]), 1e-6)
    telling = ~still
    if not same[(down == 0) & (across != 0)].any():
        telling &= ~(same & (across == 0))
    elif not same[(across == 0) & (down != 0)].any():
        telling &= ~(same & (down == 0))
    return np.asarray(telling, bool)
