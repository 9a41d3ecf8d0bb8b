"""The objects to be told apart: outlines with a place, a scale and a turn of their own, drawn smoothly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Outline = list[NDArray[np.float64]]
"""Closed contours in units of the object's radius, filled by the even-odd rule."""

_OVERSAMPLING = 4
_FRACTION_BITS = 4


def floats(values: Any) -> Floats:
    """The values as float32."""
    return np.asarray(values, dtype=np.float32)


def whole_bytes(values: Any) -> Bytes:
    """Grey levels rounded and held between 0 and 255."""
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


def _circle(radius: float, count: int = 28) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    points: NDArray[np.float64] = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points


def _rectangle(width: float, height: float, x: float = 0.0, y: float = 0.0) -> NDArray[np.float64]:
    half = np.array([width, height]) / 2
    points: NDArray[np.float64] = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + np.array([x, y])
    return points


def _zigzag(inner: float, points: int) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
    radii = np.where(np.arange(2 * points) % 2 == 0, 1.0, inner)
    corners: NDArray[np.float64] = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return corners


def _cross() -> NDArray[np.float64]:
    arm, reach = 0.3, 0.98
    quarter = np.array([[arm, -arm], [reach, -arm], [reach, arm], [arm, arm]])
    turns = [np.array([[0, -1], [1, 0]]), np.array([[-1, 0], [0, -1]]), np.array([[0, 1], [-1, 0]])]
    return np.concatenate([quarter, *(quarter @ turn.T for turn in turns)])


def _ell() -> NDArray[np.float64]:
    return np.array([[-0.85, -0.9], [-0.25, -0.9], [-0.25, 0.3], [0.8, 0.3], [0.8, 0.9], [-0.85, 0.9]])


def _horseshoe() -> NDArray[np.float64]:
    """A thick arc of 250 degrees."""
    angles = np.deg2rad(np.linspace(-215, 35, 22))
    points: NDArray[np.float64] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.concatenate([0.98 * points, 0.52 * points[::-1]])


def _hourglass() -> NDArray[np.float64]:
    return np.array([[-0.75, -0.95], [0.75, -0.95], [0.14, 0.0], [0.75, 0.95], [-0.75, 0.95], [-0.14, 0.0]])


def _gear() -> NDArray[np.float64]:
    """Seven square teeth."""
    angles = 2 * np.pi * (np.repeat(np.arange(14), 2) + np.tile([0.08, 0.92], 14)) / 14
    radii = np.repeat(np.where(np.arange(14) % 2 == 0, 1.0, 0.66), 2)
    points: NDArray[np.float64] = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points


def _window() -> Outline:
    """A square of four panes, which are holes."""
    panes = [_rectangle(0.5, 0.5, x, y) for x in (-0.4, 0.4) for y in (-0.4, 0.4)]
    return [_rectangle(1.75, 1.75), *panes]


def _crescent() -> NDArray[np.float64]:
    """A disc with a smaller one taken from its side."""
    outer = np.deg2rad(np.linspace(50, 310, 24))
    inner = np.deg2rad(np.linspace(285, 75, 20))
    bite = np.stack([0.45 + 0.8 * np.cos(inner), 0.8 * np.sin(inner)], axis=1)
    points: NDArray[np.float64] = np.stack([np.cos(outer), np.sin(outer)], axis=1)
    return np.concatenate([points, bite])


def _tee() -> NDArray[np.float64]:
    return np.array(
        [
            [-0.9, -0.9],
            [0.9, -0.9],
            [0.9, -0.35],
            [0.28, -0.35],
            [0.28, 0.95],
            [-0.28, 0.95],
            [-0.28, -0.35],
            [-0.9, -0.35],
        ]
    )


def _trefoil() -> NDArray[np.float64]:
    """Three round leaves."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radii = 0.6 + 0.38 * np.cos(3 * angles)
    points: NDArray[np.float64] = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return points


def _hash() -> Outline:
    """Two bars across two others: the field in the middle and the eight bays around it are empty."""
    near, far, reach = 0.2, 0.58, 0.95
    steps = [(-far, -reach), (-near, -reach), (-near, -far), (near, -far), (near, -reach), (far, -reach), (far, -far)]
    quarter = np.array(steps)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    outside = [quarter]
    for _ in range(3):
        outside.append(outside[-1] @ turn.T)
    return [np.concatenate(outside), _rectangle(2 * near, 2 * near)]


def _heart() -> NDArray[np.float64]:
    """Two round lobes over a point."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    points: NDArray[np.float64] = np.stack([x, -y - 2], axis=1) / 16.5
    return points


def _pinwheel() -> NDArray[np.float64]:
    """Four blades with one straight and one slanted side each."""
    blade = np.array([[0.1, -0.1], [0.1, -1.0], [0.75, -0.62]])
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    blades = [blade]
    for _ in range(3):
        blades.append(blades[-1] @ turn)
    return np.concatenate(blades)


def _eight() -> Outline:
    """Two rings that touch."""
    shift = np.array([0.0, 0.5])
    return [_circle(radius) + sign * shift for radius in (0.5, 0.22) for sign in (1, -1)]


def _set_square() -> Outline:
    """A right-angled triangle with another cut out of it."""
    outer = np.array([[-0.75, -1.0], [-0.75, 0.75], [1.0, 0.75]])
    middle = np.array([-0.25, 0.25])
    return [outer, middle + 0.42 * (outer - middle)]


def _lozenge() -> Outline:
    """A rhombus with another cut out of its middle."""
    outer = np.array([[0.0, -1.0], [0.8, 0.0], [0.0, 1.0], [-0.8, 0.0]])
    return [outer, 0.55 * outer]


def _bone() -> NDArray[np.float64]:
    """A shaft with a round knob at either end."""
    angles = np.deg2rad(np.linspace(-150, 150, 14))
    knob = 0.42 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + np.array([0.58, 0.0])
    return np.concatenate([knob, -knob])


def _mug() -> Outline:
    """A square cup with a handle, through which one sees."""
    cup = [[0.35, 0.85], [-0.85, 0.85], [-0.85, -0.75], [0.35, -0.75]]
    handle = [[0.35, -0.55], [0.95, -0.55], [0.95, 0.45], [0.35, 0.45]]
    return [np.array(cup + handle), _rectangle(0.35, 0.5, 0.525, -0.05)]


def _comb() -> NDArray[np.float64]:
    """A back with three broad teeth."""
    right = [[0.9, -0.7], [0.9, 0.8], [0.5, 0.8], [0.5, -0.15], [0.2, -0.15], [0.2, 0.8]]
    return np.array(right + [[-x, y] for x, y in right[::-1]])


OUTLINES: Mapping[str, Callable[[], Outline]] = MappingProxyType({
    "disc": lambda: [_circle(0.82)],
    "bar": lambda: [_rectangle(2.0, 0.52)],
    "triangle": lambda: [_circle(1.0, count=3)],
    "cross": lambda: [_cross()],
    "ring": lambda: [_circle(0.95), _circle(0.5)],
    "star": lambda: [_zigzag(0.36, 5)],
    "ell": lambda: [_ell()],
    "window": _window,
    "horseshoe": lambda: [_horseshoe()],
    "hourglass": lambda: [_hourglass()],
    "gear": lambda: [_gear()],
    "crescent": lambda: [_crescent()],
    "tee": lambda: [_tee()],
    "trefoil": lambda: [_trefoil()],
    "hash": _hash,
    "heart": lambda: [_heart()],
    "pinwheel": lambda: [_pinwheel()],
    "eight": _eight,
    "setsquare": _set_square,
    "lozenge": _lozenge,
    "bone": lambda: [_bone()],
    "mug": _mug,
    "comb": lambda: [_comb()],
    "rails": lambda: [_rectangle(1.9, 0.42, y=-0.5), _rectangle(1.9, 0.42, y=0.5)],
})  # fmt: skip


@lru_cache(maxsize=16)
def outline(name: str) -> tuple[NDArray[np.float64], ...]:
    """The contours of a shape, in units of its radius."""
    return tuple(OUTLINES[name]())


def coverage(size: int, name: str, centre: Sequence[float], radius: float, turn: float) -> Floats:
    """How much of each pixel a shape covers.

    Args:
        size: Side of the picture in pixels.
        name: One of `OUTLINES`.
        centre: x and y in pixels.
        radius: In pixels.
        turn: In radians.

    Returns:
        Float32, (size, size), 0 to 1.
    """
    cosine, sine = np.cos(turn), np.sin(turn)
    rotation = np.array([[cosine, sine], [-sine, cosine]])
    unit = _OVERSAMPLING * 2**_FRACTION_BITS
    contours: list[Any] = [
        np.round((points @ rotation * radius + np.asarray(centre)) * unit).astype(np.int32) for points in outline(name)
    ]
    canvas = np.zeros((size * _OVERSAMPLING, size * _OVERSAMPLING), np.uint8)
    cv2.fillPoly(canvas, contours, 255, lineType=cv2.LINE_8, shift=_FRACTION_BITS)
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return floats(floats(small) / 255)


def box_of(mask: NDArray[Any]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 around what a mask covers by half or more, the far edges exclusive."""
    solid = np.asarray(mask) >= 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not len(rows):
        raise ValueError("the mask covers no pixel by half, so it has no box")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
