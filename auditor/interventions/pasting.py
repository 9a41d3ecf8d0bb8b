"""Pasting: an object on another picture's background."""

from __future__ import annotations

import numpy as np

from auditor.interventions.removing import inpaint


def paste_object(recipient: np.ndarray, background: np.ndarray, object_weights: np.ndarray) -> np.ndarray:
    """The recipient's object on another picture's background.

    Args:
        recipient, background: (channels, height, width).
        object_weights: float (height, width), 1 on the object, soft seam.

    Returns:
        float32, same shape.
    """
    kept, brought = recipient.astype(np.float32), background.astype(np.float32)
    return np.asarray(brought + object_weights * (kept - brought), dtype=np.float32)


def clean_plate(image: np.ndarray, object_mask: np.ndarray) -> np.ndarray:
    """A background without its own object: the object is inpainted away, so that it cannot be followed.

    Returns:
        float32 (channels, height, width).
    """
    return inpaint(image, object_mask)
