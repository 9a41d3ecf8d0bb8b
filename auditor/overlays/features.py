"""What images of one data set can agree on at a pixel: the direction of the gradient, or the colour itself.

A translucent mark bends gradients the same way whatever lies under it; an opaque one repeats its colours. Both are
written as planes of −1, 0 and 1, so that agreement is a sum over images.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Codes",
    "FloatImages",
    "Planes",
    "checked",
    "chroma_images",
    "chroma_sign_planes",
    "colour_codes",
    "colour_images",
    "colour_planes",
    "grey_images",
    "mirrored",
    "sign_planes",
]

FloatImages = NDArray[np.float32]
"""Shape (n, height, width) or (n, channels, height, width), 0 to 255."""
Codes = NDArray[np.uint16]
"""Shape (n, height, width): one number a colour."""
Planes = NDArray[np.int8]
"""Shape (n, planes, height, width), −1, 0 or 1; 0 where an image has nothing to say."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Source: ITU-R BT.601"""
_OPPONENTS = np.array([[0.5, -0.5, 0.0], [-0.25, -0.25, 0.5]], np.float32)
"""Red minus green, blue minus the mean of both, each halved."""
_LEAST_CHANGE = 2.0
"""Grey levels that a gradient must exceed: below lie rounding and compression."""
_HASHES = 8
"""Planes of colour; the variance of what they estimate falls with their number."""
_COLOUR_BITS = 4
_GREY_BITS = 5
"""Steps of 16 (colour) and 8 (grey) levels absorb compression and keep chance coincidences rare."""


def checked(images: NDArray[Any]) -> NDArray[Any]:
    """The images as (n, 1 or 3, height, width), uint8 or float.

    Args:
        images: uint8 or float 0..255, shape (n, 1 or 3, height, width) in RGB order, or (n, height, width).

    Raises:
        ValueError: Another shape, no image, values that are not finite.
    """
    planes = images[:, None] if images.ndim == 3 else images
    if planes.ndim != 4 or planes.shape[1] not in (1, 3) or planes.size == 0:
        raise ValueError(
            f"expected images of shape (n, 1 or 3, height, width) or (n, height, width), got {images.shape}"
        )
    if planes.dtype != np.uint8 and not np.isfinite(planes).all():
        raise ValueError("expected finite values in all images")
    return planes


def grey_images(images: NDArray[Any], side: int) -> FloatImages:
    """One grey plane an image, (n, height, width), its longer side at most `side`; never enlarged."""
    return np.stack([_shrunk(_grey(image.astype(np.float32)), side) for image in images])


def colour_images(images: NDArray[Any], side: int) -> FloatImages:
    """All channels, (n, channels, height, width), their longer side at most `side`; never enlarged."""
    return np.stack([np.stack([_shrunk(plane.astype(np.float32), side) for plane in image]) for image in images])


def chroma_images(images: NDArray[Any], side: int) -> FloatImages:
    """Red against green and blue against yellow, (n, 2, height, width), −128 to 128; longer side at most `side`.

    A mark whose ink is as light as what lies under it bends no grey gradient, but these.
    """
    return np.stack([
        np.stack([_shrunk(plane, side) for plane in np.tensordot(_OPPONENTS, image.astype(np.float32), axes=1)])
        for image in images
    ])  # fmt: skip


def chroma_sign_planes(chroma: FloatImages) -> Planes:
    """As `sign_planes`, of whichever opponent colour changes more at a pixel.

    Args:
        chroma: As `chroma_images` gives them.
    """
    signs = np.zeros((chroma.shape[0], 2, *chroma.shape[2:]), np.int8)
    for axis, cut in ((3, np.s_[:, 0, :, :-1]), (2, np.s_[:, 1, :-1, :])):
        changes = np.diff(chroma, axis=axis)
        change = np.where(np.abs(changes[:, 0]) >= np.abs(changes[:, 1]), changes[:, 0], changes[:, 1])
        signs[cut] = (change > _LEAST_CHANGE).astype(np.int8) - (change < -_LEAST_CHANGE)
    return signs


def _grey(channels: FloatImages) -> FloatImages:
    if len(channels) == 1:
        return np.asarray(channels[0], np.float32)
    return np.asarray(np.tensordot(_LUMA, channels, axes=1), np.float32)


def _shrunk(plane: FloatImages, side: int) -> FloatImages:
    """Area averaging, as an overlay's edges stay where they are."""
    height, width = plane.shape
    scale = side / max(height, width)
    if scale >= 1:
        return plane
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def mirrored(images: FloatImages) -> FloatImages:
    """Left and right exchanged."""
    return np.ascontiguousarray(images[..., ::-1])


def sign_planes(grey: FloatImages) -> Planes:
    """Signs of the changes to the right and downwards that exceed two grey levels; two planes.

    The last column and row have none.
    """
    signs = np.zeros((grey.shape[0], 2, *grey.shape[1:]), np.int8)
    for axis, cut in ((2, np.s_[:, 0, :, :-1]), (1, np.s_[:, 1, :-1, :])):
        change = np.diff(grey, axis=axis)
        signs[cut] = (change > _LEAST_CHANGE).astype(np.int8) - (change < -_LEAST_CHANGE)
    return signs


def colour_codes(channels: FloatImages) -> Codes:
    """One number for each quantised colour.

    A grey pixel alone says little, so that grey images use the pixel and its neighbours to the right and below.
    """
    bits = _COLOUR_BITS
    if channels.shape[1] == 1:
        bits = _GREY_BITS
        grey = channels[:, 0]
        right = np.concatenate([grey[:, :, 1:], grey[:, :, -1:]], axis=2)
        below = np.concatenate([grey[:, 1:], grey[:, -1:]], axis=1)
        channels = np.stack([grey, right, below], axis=1)
    levels = np.clip(channels, 0, 255).astype(np.uint8) >> (8 - bits)
    code = np.zeros((channels.shape[0], *channels.shape[2:]), np.uint16)
    for channel in range(3):
        code |= levels[:, channel].astype(np.uint16) << (bits * channel)
    return code


def colour_planes(channels: FloatImages) -> Planes:
    """Random signs of the quantised colour; the mean of their squared sums counts the pairs of images of one colour.

    Source: Alon, Matias and Szegedy, "The space complexity of approximating the frequency moments", STOC 1996
    """
    # The signs are part of the method, the same in every run and for every sample.
    tables = np.random.default_rng(0).integers(2, size=(_HASHES, np.iinfo(np.uint16).max + 1), dtype=np.int8) * 2 - 1
    code = colour_codes(channels)
    return np.stack([table[code] for table in tables], axis=1).astype(np.int8)
