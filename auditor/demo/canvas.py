"""Antialiased outlines and lines in unit coordinates, x to the right and y down, as shares of the picture's side."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Shape (count, 2): x and y as shares of the picture's side."""
Plane = NDArray[np.float32]
"""Shape (size, size): one quantity at each pixel."""
Bytes = NDArray[np.uint8]
"""Shape (size, size): what OpenCV draws on fastest."""

_SUBPIXEL_BITS = 4
_CENTRE = np.array([0.5, 0.45])
_FLIP, _ACROSS = np.array([-1.0, 1.0]), np.array([1.0, 0.0])


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where unit coordinates fall on the pixels, the patient standing a little askew.

    Attributes:
        size: Side in pixels.
        turn: Shape (2, 2), rotation and scale about the chest's centre.
        shift: Shape (2,), in shares of the side.
    """

    size: int
    turn: Points
    shift: Points

    @classmethod
    def askew(cls, rng: np.random.Generator, size: int) -> Canvas:
        """A canvas turned, scaled and shifted as little as a radiographer would accept."""
        angle, scale = rng.normal(0, 0.018), rng.uniform(0.965, 1.015)
        angle = float(np.clip(angle, -0.04, 0.04))
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return cls(size, turn, rng.uniform(-0.012, 0.012, 2))

    def placed(self, outlines: Points) -> list[NDArray[np.int32]]:
        """The pixels under outlines of shape (…, count, 2), in fixed point, which OpenCV draws without stairs."""
        moved = (outlines - _CENTRE) @ self.turn.T + (_CENTRE + self.shift)
        fixed = np.rint((moved * self.size - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        return list(fixed.reshape(-1, *fixed.shape[-2:]))

    def blank(self) -> Bytes:
        """Nothing drawn yet."""
        return np.zeros((self.size, self.size), np.uint8)

    def fill(self, plane: Bytes, outlines: Points, level: int) -> None:
        """Paint the inside of one outline, or of several that do not overlap, with a level from 0 to 255."""
        cv2.fillPoly(plane, self.placed(outlines), level, cv2.LINE_AA, _SUBPIXEL_BITS)

    def stroke(self, plane: Bytes, lines: Points, level: int, width: float) -> None:
        """Draw one open line or several, `width` wide (share of the side), with a level from 0 to 255."""
        pixels = max(1, round(width * self.size))
        cv2.polylines(plane, self.placed(lines), False, level, pixels, cv2.LINE_AA, _SUBPIXEL_BITS)

    def filled(self, *outlines: Points) -> Bytes:
        """255 inside any of the outlines, 0 outside, the edge antialiased."""
        plane = self.blank()
        for outline in outlines:
            self.fill(plane, outline, 255)
        return plane


def levels(plane: Bytes, top: float = 1.0) -> Plane:
    """A drawn plane as floats from 0 to `top`."""
    return np.multiply(plane, np.float32(top / 255), dtype=np.float32)


def blurred(plane: Plane, deviation: float) -> Plane:
    """Blur by a Gaussian whose deviation is a share of the side; a wide one at a quarter of the resolution."""
    size = plane.shape[0]
    if deviation < 0.02:
        width = 2 * int(np.ceil(2.3 * deviation * size)) + 1
        return np.asarray(cv2.GaussianBlur(plane, (width, width), deviation * size), np.float32)
    small = cv2.resize(plane, (size // 4, size // 4), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), deviation * size / 4)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def soft(plane: Bytes, deviation: float, top: float = 1.0) -> Plane:
    """A drawn plane from 0 to `top`, blurred."""
    return blurred(levels(plane, top), deviation)


def mottled(rng: np.random.Generator, size: int, grain: int) -> Plane:
    """Smooth noise of unit deviation on a grid of `grain` × `grain`, enlarged to the picture."""
    noise = rng.standard_normal((grain, grain), np.float32)
    return np.asarray(cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def rounded(points: Points, rounds: int = 2) -> Points:
    """A closed outline with its corners cut.

    Source: Chaikin, "An algorithm for high-speed curve generation", 1974
    """
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1).reshape(-1, 2)
    return points


def mirrored(points: Points) -> Points:
    """The same outline on the other side of the body."""
    return np.asarray(points * _FLIP + _ACROSS)


def ellipse(centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0) -> Points:
    """An outline of 32 points; the angle in radians, clockwise on the picture."""
    turns = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    x, y = radii[0] * np.cos(turns), radii[1] * np.sin(turns)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([centre[0] + cos * x - sin * y, centre[1] + sin * x + cos * y], 1)


def band(upper: Points, lower: Points) -> Points:
    """The outline between two lines that run the same way, or outlines between stacks of lines."""
    return np.concatenate([upper, lower[..., ::-1, :]], axis=-2)
