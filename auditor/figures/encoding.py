"""Pictures as bytes of a file, and back."""

from __future__ import annotations

import cv2
import numpy as np

from auditor.figures.colours import Rgb

QUALITY = 85


def encode_jpeg(rgb: Rgb, *, quality: int = QUALITY) -> bytes:
    """JPEG without chroma subsampling, so that coloured maps keep their edges.

    Args:
        rgb: uint8, shape (height, width, 3).
        quality: 1 to 100, as libjpeg counts.

    Raises:
        ValueError: Not such an array.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"a picture is uint8 (height, width, 3), got {rgb.dtype} {rgb.shape}")
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        cv2.IMWRITE_JPEG_OPTIMIZE,
        1,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} cannot be encoded")
    return data.tobytes()


def encode_png(rgb: Rgb) -> bytes:
    """PNG, nothing lost: for pictures that are evidence.

    Args:
        rgb: uint8, shape (height, width, 3).

    Raises:
        ValueError: Not such an array.
    """
    done, data = cv2.imencode(".png", np.ascontiguousarray(rgb[:, :, ::-1]))
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} cannot be encoded")
    return data.tobytes()


def decode_png(content: bytes) -> Rgb:
    """What `encode_png` wrote.

    Raises:
        ValueError: No picture.
    """
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError("these bytes are no picture")
    return np.ascontiguousarray(bgr[:, :, ::-1])
