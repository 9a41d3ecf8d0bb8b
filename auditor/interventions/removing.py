"""Removal: a region filled from its neighbourhood, by inpainting, or from another picture.

Sources: neighbour blur as a normalised convolution (Knutsson & Westin, "Normalized and differential convolution",
CVPR 1993); inpainting by Telea, "An image inpainting technique based on the fast marching method", J. Graphics Tools
2004, as OpenCV has it.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from auditor.regions import Region

Fill = Literal["blur", "inpaint", "donor"]
FILLS: tuple[Fill, ...] = ("blur", "inpaint", "donor")


def remove(image: np.ndarray, region: Region, fill: Fill, donor: np.ndarray | None = None) -> np.ndarray:
    """One picture with a region removed.

    Args:
        image: (channels, height, width) or (channels, depth, height, width), uint8 or float32; frames and slices are
            filled one by one, at the same place.
        region: What goes.
        fill: blur (from the neighbourhood, normalised convolution), inpaint (Telea), donor (the same place in `donor`).
        donor: Another picture, for fill "donor".

    Returns:
        float32, same shape.
    """
    height, width = image.shape[-2:]
    weights = region.weights(height, width)
    original = image.astype(np.float32)
    if fill == "donor":
        if donor is None:
            raise ValueError("fill 'donor' needs a donor picture")
        filled = donor.astype(np.float32)
    elif fill == "blur":
        filled = _neighbour_blur(original.reshape(-1, height, width), region.mask(height, width))
    else:
        filled = inpaint(image.reshape(-1, height, width), region.mask(height, width))
    filled = filled.reshape(original.shape)
    return np.asarray(original + weights * (filled - original), dtype=np.float32)


def _neighbour_blur(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill from outside: blur of the pixels outside over blur of their indicator, finest scale that reaches wins."""
    outside = (~mask).astype(np.float32)
    filled = image.copy()
    missing = mask.copy()
    size = 15
    while missing.any():
        reach = cv2.blur(outside, (size, size), borderType=cv2.BORDER_REFLECT)
        done = missing & (reach > 1e-4)
        if done.any():
            for channel in filled:
                blurred = cv2.blur(channel * outside, (size, size), borderType=cv2.BORDER_REFLECT)
                channel[done] = blurred[done] / reach[done]
            missing &= ~done
        if size > 4 * max(mask.shape):
            break
        size = 2 * size + 1
    return filled


def inpaint(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Telea inpainting; float pictures (an own transform) are mapped to 8 bits and back."""
    dilated = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    radius = max(2.0, 0.03 * min(mask.shape))
    low, high = (0.0, 255.0) if image.dtype == np.uint8 else (float(image.min()), float(image.max()))
    scale = 255.0 / max(high - low, 1e-12)
    # OpenCV's front reads a little of what it is to replace: nothing of it may be left there
    emptied = _neighbour_blur(image.astype(np.float32), dilated > 0)
    planes = ((emptied - low) * scale).round().clip(0, 255).astype(np.uint8)
    filled = np.stack([cv2.inpaint(plane, dilated, radius, cv2.INPAINT_TELEA) for plane in planes])
    return filled.astype(np.float32) / scale + low
