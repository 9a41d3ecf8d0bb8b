"""Generated pictures that look enough like chest radiographs to judge a page by; no patient, no file."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

SIZE = 96


def radiograph(seed: int, *, marker: bool = False, opacity: float = 0.0) -> np.ndarray:
    """uint8 (96, 96, 3): thorax, lungs, ribs and heart; a letter tag in the top-left corner; a shadow in one lung."""
    random = np.random.default_rng(seed)
    canvas: Any = np.full((SIZE * 2, SIZE * 2), 26, np.float32)
    jitter = random.integers(-5, 6, size=4)
    cv2.ellipse(canvas, (96 + int(jitter[0]), 112), (84, 96), 0, 0, 360, 150, -1)
    for side in (-1, 1):
        centre = (96 + side * 40 + int(jitter[1]), 100 + int(jitter[2]))
        cv2.ellipse(canvas, centre, (29, 62), side * 6, 0, 360, 62, -1)
        for rib in range(7):
            cv2.ellipse(canvas, (centre[0], centre[1] - 46 + rib * 16), (31, 9), side * 14, 180, 360, 92, 2)
    cv2.ellipse(canvas, (106 + int(jitter[3]), 132), (27, 34), 18, 0, 360, 168, -1)
    cv2.rectangle(canvas, (91, 22), (101, 180), 172, -1)
    if opacity:
        place = (60 + int(random.integers(-8, 8)), 120 + int(random.integers(-20, 20)))
        shadow = np.zeros_like(canvas)
        cv2.circle(shadow, place, 20, 1.0, -1)
        canvas += cv2.GaussianBlur(shadow, (0, 0), 8) * 90 * opacity
    canvas = cv2.GaussianBlur(canvas, (0, 0), 2.2) + random.normal(0, 4.5, canvas.shape).astype(np.float32)
    small = cv2.resize(np.clip(canvas, 0, 255), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    grey = np.repeat(small.astype(np.uint8)[:, :, None], 3, axis=2)
    return tagged(grey) if marker else grey


def tagged(picture: np.ndarray) -> np.ndarray:
    """A copy with the site's letter tag burned into the top-left corner."""
    marked = np.ascontiguousarray(picture).copy()
    cv2.putText(marked, "P", (4, 17), cv2.FONT_HERSHEY_DUPLEX, 0.6, (236, 236, 236), 1, cv2.LINE_AA)
    cv2.putText(marked, "AP", (4, 27), cv2.FONT_HERSHEY_SIMPLEX, 0.28, (225, 225, 225), 1, cv2.LINE_AA)
    return marked


def attention(seed: int, *, on_marker: float, rows: int) -> np.ndarray:
    """float32 (rows, rows): a made-up map with two hot spots, one of them on the tag."""
    random = np.random.default_rng(seed)
    field: Any = np.zeros((SIZE, SIZE), np.float32)
    cv2.circle(field, (10, 14), 11, on_marker, -1)
    cv2.circle(field, (30 + int(random.integers(-6, 6)), 60 + int(random.integers(-9, 9))), 12, 1 - on_marker, -1)
    field = cv2.GaussianBlur(field, (0, 0), 5) + np.abs(random.normal(0, 0.02, field.shape)).astype(np.float32)
    small: np.ndarray = cv2.resize(field, (rows, rows), interpolation=cv2.INTER_AREA)
    return small
