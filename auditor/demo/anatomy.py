"""A chest as an X-ray beam meets it, painted as attenuation.

The patient's right lung lies on the picture's left, as radiographs are hung. Lengths are shares of the picture's side.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.demo.canvas import Canvas, Plane, Points, band, blurred, ellipse, levels, mirrored, mottled, rounded, soft

FINDINGS = ("normal", "cardiomegaly", "effusion", "nodule")
"""The classes, in the order of the networks' logits."""

_CHEST_WIDTH = 0.664
"""Inner width of the rib cage at the domes, against which the heart is measured."""
_LUNG = np.array([
    (0.448, 0.190), (0.428, 0.130), (0.385, 0.098), (0.335, 0.102), (0.280, 0.145), (0.232, 0.225), (0.200, 0.330),
    (0.180, 0.460), (0.170, 0.580), (0.165, 0.670), (0.163, 0.738), (0.163, 0.742), (0.172, 0.735), (0.205, 0.690),
    (0.265, 0.650), (0.330, 0.634), (0.395, 0.645), (0.460, 0.685), (0.470, 0.560), (0.462, 0.400), (0.455, 0.280),
])  # fmt: skip
_DOME, _DOME_ROUNDED = slice(13, 18), slice(4 * 13, 4 * 17)
"""The diaphragm's part of the lung's outline, before and after its corners are cut."""
_BODY = np.array([
    (0.405, -0.05), (0.400, 0.020), (0.375, 0.060), (0.290, 0.095), (0.180, 0.132), (0.085, 0.165), (0.020, 0.215),
    (-0.05, 0.260), (-0.05, 0.580), (0.010, 0.530), (0.045, 0.430), (0.080, 0.385), (0.098, 0.420), (0.104, 0.550),
    (0.095, 0.700), (0.085, 0.850), (0.075, 1.080),
])  # fmt: skip
_MEDIASTINUM = np.array([
    (0.462, 0.06), (0.455, 0.20), (0.448, 0.28), (0.440, 0.37), (0.436, 0.46), (0.45, 0.60), (0.55, 0.60),
    (0.575, 0.47), (0.574, 0.41), (0.556, 0.36), (0.574, 0.325), (0.582, 0.290), (0.572, 0.257), (0.545, 0.235),
    (0.540, 0.15), (0.538, 0.06),
])  # fmt: skip
_WALL_Y = (0.10, 0.145, 0.225, 0.33, 0.46, 0.58, 0.74)
_WALL_X = (0.335, 0.275, 0.225, 0.19, 0.17, 0.16, 0.155)
"""Where the rib cage's right inner wall is at a height."""
_CLAVICLE = np.array([(0.452, 0.205), (0.40, 0.198), (0.33, 0.180), (0.26, 0.155), (0.19, 0.145), (0.13, 0.155)])
_CLAVICLE_HALF = np.array([(0, 0.014), (0, 0.011), (0, 0.010), (0, 0.010), (0, 0.011), (0, 0.013)])
_SCAPULA = np.array([(0.155, 0.20), (0.215, 0.22), (0.205, 0.30), (0.175, 0.40), (0.150, 0.44), (0.12, 0.36)])
_UPPER_ARM = np.array([(0.0, 0.24), (0.07, 0.25), (0.02, 0.48), (-0.03, 0.50)])
_VERTEBRA = np.array([(-1, 0.003), (-0.88, 0.021), (-1, 0.040), (1, 0.040), (0.88, 0.021), (1, 0.003)])
"""One body of the spine: across in half widths, down in shares of the side."""


@dataclass(frozen=True, slots=True)
class Thorax:
    """One patient's chest, painted.

    Attributes:
        attenuation: About 0 (air) to 1 (abdomen, bone): what the detector sees before exposure.
        mask: Bool, (size, size), true on lungs and heart.
    """

    attenuation: Plane
    mask: NDArray[np.bool_]


def paint_thorax(rng: np.random.Generator, finding: str, sex: str, size: int) -> Thorax:
    """Draw one patient and what is wrong with them.

    Args:
        rng: All that varies between patients comes from here.
        finding: One of `FINDINGS`.
        sex: "F" or "M"; a woman's breasts cast a faint shadow over the lung bases.
        size: The side of the square picture in pixels.
    """
    canvas = Canvas.askew(rng, size)
    narrow, breath = rng.uniform(0.94, 1.03), rng.uniform(-0.022, 0.012)
    right = _lung(rng, narrow, dome=breath)
    left = mirrored(_lung(rng, narrow, dome=breath + rng.uniform(0.006, 0.022)))
    ratio = rng.uniform(0.58, 0.68) if finding == "cardiomegaly" else rng.uniform(0.38, 0.475)
    heart = _heart(rng, ratio * _CHEST_WIDTH * narrow)

    lungs, shadow = canvas.filled(right, left), canvas.filled(heart)
    mask = np.maximum(lungs, shadow) > 127
    air = blurred(levels(lungs), 0.006)
    air *= blurred(levels(lungs, 0.45), 0.035) + np.float32(0.55)
    canvas.fill(shadow, rounded(_MEDIASTINUM), 255)
    solid = soft(shadow, 0.005)
    air *= 1 - 0.95 * solid
    dense = soft(canvas.filled(_abdomen(right, left)), 0.035, 0.10)
    if finding == "effusion":
        fluid = _effusion(canvas, rng, right if rng.random() < 0.5 else left)
        air *= 1 - 0.97 * fluid
        dense = np.maximum(dense, 0.10 * fluid)
    if rng.random() < 0.6:
        dense *= 1 - _stomach_bubble(canvas, rng)

    attenuation = dense + _shoulders(canvas, rng) + np.float32(0.60)
    attenuation += _ribs(canvas, rng, narrow) * (0.2 + 0.8 * air)
    attenuation *= _body(canvas)
    attenuation += 0.09 * solid - 0.46 * air
    attenuation += (_vessels(canvas, rng) + _grain(rng, size)) * (0.15 + air)
    attenuation += _midline(canvas, rng)
    if sex == "F":
        attenuation += _breasts(canvas, rng) * (0.3 + 0.7 * air)
    if finding == "nodule":
        attenuation += _nodule(canvas, rng, right if rng.random() < 0.5 else left, heart)
    return Thorax(attenuation, mask)


def _body(canvas: Canvas) -> Plane:
    """Trunk, neck and upper arms, thinning out towards the skin."""
    inside = levels(canvas.filled(rounded(band(_BODY, mirrored(_BODY)), 1)), 0.5)
    return inside + blurred(inside, 0.045)


def _lung(rng: np.random.Generator, narrow: float, *, dome: float) -> Points:
    """The right lung; `dome` lowers the diaphragm."""
    outline = _LUNG.copy()
    outline[_DOME, 1] += dome * np.array([0.6, 1, 1, 1, 0.6])
    outline += rng.normal(0, 0.0025, outline.shape).clip(-0.005, 0.005)
    outline[:, 0] = 0.5 + (outline[:, 0] - 0.5) * narrow
    return rounded(outline)


def _heart(rng: np.random.Generator, width: float) -> Points:
    """A heart `width` wide, two thirds of it left of the midline, the apex low and to the left."""
    share = rng.uniform(0.28, 0.33)
    right, left = 0.5 - share * width, 0.5 + (1 - share) * width
    high = 0.465 - 0.10 * (width - 0.29)
    outline = np.array([
        (0.450, high - 0.10), (right + 0.016, high), (right, 0.550), (right + 0.006, 0.625), (right + 0.035, 0.675),
        (0.500, 0.715), (left - 0.060, 0.720), (left - 0.008, 0.690), (left, 0.650), (left - 0.020, 0.590),
        (left - 0.22 * width, high + 0.015), (0.575, high - 0.065), (0.55, high - 0.10),
    ])  # fmt: skip
    return rounded(outline)


def _abdomen(right: Points, left: Points) -> Points:
    """All below the two domes."""
    top = np.concatenate([right[_DOME_ROUNDED], left[_DOME_ROUNDED][::-1]])
    return np.concatenate([[(-0.1, 0.80), (0.10, 0.76)], top, [(0.90, 0.76), (1.1, 0.80), (1.1, 1.1), (-0.1, 1.1)]])


def _effusion(canvas: Canvas, rng: np.random.Generator, lung: Points) -> Plane:
    """Fluid in one pleural space: 1 below a level that climbs along the chest wall (the meniscus sign)."""
    depth, climb = rng.uniform(0.08, 0.24), rng.uniform(0.09, 0.13)
    outward = np.sign(lung[:, 0].mean() - 0.5)
    reach = np.linspace(0, 1, 16)
    x = 0.5 + outward * (0.02 + 0.34 * reach)
    top = np.stack([x, 0.70 - depth - climb * reach**5], 1)
    fluid = np.concatenate([top, [(x[-1], 0.9), (x[0], 0.9)]])
    return soft(canvas.filled(fluid), rng.uniform(0.007, 0.012))


def _nodule(canvas: Canvas, rng: np.random.Generator, lung: Points, heart: Points) -> Plane:
    """One round shadow of 2 to 3 cm (the chest being some 30 cm wide) in the open lung."""
    radius = rng.uniform(0.028, 0.039)
    radii = radius, radius * rng.uniform(0.85, 1.15)
    spot = ellipse(_open_place(rng, lung, heart, 1.3 * radius), radii, rng.uniform(0, np.pi))
    return soft(canvas.filled(spot), 0.006, rng.uniform(0.25, 0.34))


def _open_place(rng: np.random.Generator, lung: Points, heart: Points, distance: float) -> tuple[float, float]:
    """A point at least `distance` inside the lung and as far from the heart."""
    low, high = lung.min(axis=0), lung.max(axis=0)
    outline, hidden = lung.astype(np.float32), heart.astype(np.float32)
    while True:
        x, y = (float(value) for value in rng.uniform(low, high))
        inside = cv2.pointPolygonTest(outline, (x, y), True)
        if inside > distance and cv2.pointPolygonTest(hidden, (x, y), True) < -distance:
            return x, y


def _ribs(canvas: Canvas, rng: np.random.Generator, narrow: float) -> Plane:
    """Ten pairs of ribs: the strong posterior arcs, and the faint anterior ones that come back downwards."""
    number, along = np.arange(10)[:, None], np.linspace(0, 1, 14)[None, :]
    root = rng.uniform(0.116, 0.130) + number * rng.uniform(0.058, 0.062)
    wall = 0.5 + (np.interp(root + 0.06, _WALL_Y, _WALL_X) - 0.5) * narrow
    arch = 0.028 * np.sin(np.pi * np.minimum(along * 1.25, 1)) * (1 - 0.04 * number)
    y = root - arch + (0.018 + 0.011 * number) * along**1.6
    back = np.stack([0.465 + (wall - 0.465) * along, y], -1)
    half = np.stack([np.zeros_like(along), 0.0095 + 0.002 * along], -1)
    plane = canvas.blank()
    for side in (back, mirrored(back)):
        canvas.fill(plane, band(side - half, side + half), 125)
        canvas.stroke(plane, side - half, 150, 0.004)
        canvas.stroke(plane, side + half, 215, 0.005)

    end = 0.39 - 0.012 * number
    front = np.stack([wall + (end - wall) * along, y[:, -1:] + (0.075 + 0.008 * number) * along**1.25], -1)[1:8]
    half = np.stack([0.004 * along, 0.011 + 0.002 * along], -1)
    faint = canvas.blank()
    for side in (front, mirrored(front)):
        canvas.fill(faint, band(side - half, side + half), 110)
        canvas.stroke(faint, side + half, 150, 0.004)
    return levels(plane, 0.20) + levels(faint, 0.11)


def _shoulders(canvas: Canvas, rng: np.random.Generator) -> Plane:
    """Clavicles, shoulder blades and the heads of the upper arms."""
    plane = canvas.blank()
    clavicle = _CLAVICLE + np.array([0, rng.uniform(-0.012, 0.012)])
    upper, lower = clavicle - _CLAVICLE_HALF, clavicle + _CLAVICLE_HALF
    for turn in (np.array, mirrored):
        canvas.fill(plane, turn(rounded(_SCAPULA)), 45)
        canvas.stroke(plane, turn(_SCAPULA[1:4]), 80, 0.004)
        canvas.fill(plane, turn(_UPPER_ARM), 100)
        canvas.fill(plane, turn(ellipse((0.062, 0.225), (0.045, 0.042))), 120)
        canvas.fill(plane, turn(band(upper, lower)), 150)
        canvas.stroke(plane, turn(np.stack([upper, lower])), 205, 0.004)
    return levels(plane, 0.24)


def _midline(canvas: Canvas, rng: np.random.Generator) -> Plane:
    """Spine with its discs, and the windpipe, which is air."""
    spine, pipe = canvas.blank(), canvas.blank()
    shape = np.array([rng.uniform(0.034, 0.039), 1.0])
    places = np.stack([np.full(20, 0.5), rng.uniform(-0.02, 0.02) + 0.052 * np.arange(20)], 1)[:, None, :]
    canvas.fill(spine, np.array([(-1, -0.1), (1, -0.1), (1, 1.1), (-1, 1.1)]) * shape + (0.5, 0), 130)
    canvas.fill(spine, _VERTEBRA * shape + places, 190)
    canvas.fill(spine, ellipse((0, 0.028), (0.006, 0.011)) + places, 240)
    lean = rng.uniform(-0.006, 0.010)
    fork = (0.492 - lean, 0.335)
    canvas.stroke(pipe, np.array([(0.497, -0.1), (0.497 - lean, 0.18), fork]), 255, 0.034)
    canvas.stroke(pipe, np.array([[fork, (0.455, 0.40)], [fork, (0.55, 0.405)]]), 220, 0.020)
    return levels(spine, 0.10) - soft(pipe, 0.005, 0.12)


def _vessels(canvas: Canvas, rng: np.random.Generator) -> Plane:
    """Branches that leave each hilum, thinner and fainter outwards, and the hila themselves."""
    plane = canvas.blank()
    count = 40
    for hilum, outward in (((0.425, 0.435), -1.0), ((0.590, 0.415), 1.0)):
        angle = rng.uniform(-1.3, 1.4, count)[:, None]
        length = rng.uniform(0.10, 0.30, count)[:, None]
        turned = angle + rng.normal(0, 0.5, count)[:, None] * np.linspace(0, 1, 8) + rng.normal(0, 0.12, (count, 8))
        x = hilum[0] + outward * np.cumsum(np.cos(turned), 1) * length / 8
        y = hilum[1] + np.cumsum(np.sin(turned), 1) * length / 8
        lines = np.stack([x, y], 2)
        canvas.stroke(plane, lines, 60, 0.004)
        twig = lines[:, 4:5] + (lines[:, 4:] - lines[:, 4:5]) @ np.array([(0.8, 0.6), (-0.6, 0.8)])
        canvas.stroke(plane, twig, 50, 0.004)
        canvas.stroke(plane, lines[::2, :5], 95, 0.006)
        canvas.stroke(plane, lines[::3, :3], 130, 0.009)
        canvas.fill(plane, ellipse(hilum, (0.018, 0.042), outward * -0.25), 170)
    return levels(plane, 0.36)


def _grain(rng: np.random.Generator, size: int) -> Plane:
    """Uneven tissue: fine in the lung, coarse in the abdomen."""
    return 0.018 * mottled(rng, size, 80) + 0.028 * mottled(rng, size, 24)


def _breasts(canvas: Canvas, rng: np.random.Generator) -> Plane:
    low, wide = rng.uniform(0.60, 0.66), rng.uniform(0.10, 0.14)
    shape = ellipse((0.27, low - 0.09), (wide, 0.12), 0.35)
    return soft(canvas.filled(shape, mirrored(shape)), 0.014, rng.uniform(0.03, 0.07))


def _stomach_bubble(canvas: Canvas, rng: np.random.Generator) -> Plane:
    centre = rng.uniform(0.64, 0.70), rng.uniform(0.715, 0.735)
    shape = ellipse(centre, (rng.uniform(0.03, 0.055), rng.uniform(0.02, 0.032)))
    return soft(canvas.filled(shape), 0.008, 1.3)
