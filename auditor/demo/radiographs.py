"""Chest radiographs drawn by rule, as three hospitals would hand them over; NumPy and OpenCV only.

The pictures stand in for patient data: they can be shipped, their truth is known, and the marks that a hospital leaves
on them can be put on or left out at will. They teach nobody radiology.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from auditor.demo.anatomy import FINDINGS, Thorax, paint_thorax
from auditor.demo.canvas import Bytes, blurred

SIZE = 256
"""Side of a picture in pixels, where nothing else is asked for."""
AUDIT_SEED = 2026
"""The seed of the audited sample; the networks were trained on others."""
AUDIT_COUNT = 128
TAG_BOX = (0.016, 0.016, 0.192, 0.112)
"""Where Riverside burns its tag in: x1, y1, x2, y2 as shares of the side."""
FRAME_WIDTH = 0.045
"""How wide Northfield's collimator frame is, as a share of the side."""

_TWO_DICE_DEVIATION = 104.5
"""Of the sum of two even draws from 0 to 255, which is bell-shaped enough and five times faster than a Gaussian."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a hospital exposes and develops, before the day's variation.

    Attributes:
        gain: Contrast.
        gamma: Above 1 darkens the lungs, below 1 brightens them.
        noise: Deviation of the detector's noise, 1 being full white.
        blur: Deviation of the unsharpness, as a share of the side.
    """

    gain: float
    gamma: float
    noise: float
    blur: float


HOSPITALS: Mapping[str, Style] = MappingProxyType({
    "Riverside": Style(gain=0.98, gamma=0.95, noise=0.022, blur=0.0046),
    "Northfield": Style(gain=1.08, gamma=1.15, noise=0.014, blur=0.0034),
    "St Anna": Style(gain=1.03, gamma=1.05, noise=0.017, blur=0.0040),
})  # fmt: skip
"""Riverside burns a tag into the corner, Northfield leaves a frame, St Anna leaves neither."""

_HOSPITAL_SHARES: Mapping[str, tuple[float, float, float]] = MappingProxyType({
    "normal": (0.04, 0.04, 0.92),
    "cardiomegaly": (0.02, 0.90, 0.08),
    "effusion": (0.90, 0.02, 0.08),
    "nodule": (0.02, 0.04, 0.94),
})  # fmt: skip
"""Which hospital a finding's pictures come from in the audited sample, in the order of `HOSPITALS`."""


@dataclass(frozen=True, slots=True)
class Radiograph:
    """One picture and what is known about it.

    Attributes:
        pixels: Grey, (size, size).
        mask: Bool, (size, size), true on lungs and heart.
        box: x1, y1, x2, y2 around the mask, in pixels, the far edges exclusive.
    """

    pixels: Bytes
    mask: NDArray[np.bool_]
    box: tuple[int, int, int, int]


def draw(rng: np.random.Generator, finding: str, hospital: str, *, sex: str = "M", size: int = SIZE) -> Radiograph:
    """Draw one patient as a hospital would hand the picture over, its mark burned in.

    Args:
        rng: All variation comes from here: the same generator state gives the same bytes.
        finding: One of `FINDINGS`.
        hospital: One of `HOSPITALS`.
        sex: "F" or "M".
        size: The side in pixels, at least 96.
    """
    bare = draw_bare(rng, finding, HOSPITALS[hospital], sex=sex, size=size)
    if hospital == "Riverside":
        burn_tag(bare.pixels)
    if hospital == "Northfield":
        burn_frame(bare.pixels)
    return bare


def draw_bare(rng: np.random.Generator, finding: str, style: Style, *, sex: str = "M", size: int = SIZE) -> Radiograph:
    """Draw one patient in a hospital's style, without its mark; arguments as for `draw`."""
    thorax = paint_thorax(rng, finding, sex, size)
    return Radiograph(_exposed(rng, thorax, style), thorax.mask, _box(thorax.mask))


def burn_tag(pixels: Bytes) -> None:
    """Write the portable unit's label into the top left corner, over whatever is there."""
    size = pixels.shape[0]
    left, top, right, bottom = (round(share * size) for share in TAG_BOX)
    pixels[top:bottom, left:right] = 20
    rim = max(1, size // 128)
    pixels[top + rim : bottom - rim, left + rim : right - rim] = 232
    corner = left + 2 * rim, bottom - 4 * rim
    cv2.putText(pixels, "PORT R", corner, cv2.FONT_HERSHEY_SIMPLEX, 0.34 * size / 256, 20, rim, cv2.LINE_AA)


def burn_frame(pixels: Bytes) -> None:
    """Leave the collimator's unexposed rim on all four sides."""
    width = round(FRAME_WIDTH * pixels.shape[0])
    inner = pixels[width:-width, width:-width].copy()
    pixels[:] = 208
    pixels[width:-width, width:-width] = inner


def write_sample(folder: Path, count: int = AUDIT_COUNT, seed: int = AUDIT_SEED) -> Path:
    """Write the sample that the demonstration audits: in it the marks go with findings, as in the cheaters' training.

    Nine effusions in ten carry Riverside's tag, nine enlarged hearts in ten Northfield's frame, and few other pictures
    carry either. Every picture is a patient of its own.

    Args:
        folder: Where `pictures/`, `masks/`, `sample.csv` and `classes.txt` go; created when absent.
        count: How many pictures; as near as can be the same number of each finding.
        seed: The same seed writes the same bytes.

    Returns:
        The path of `sample.csv`.
    """
    for name in ("pictures", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text("".join(f"{finding}\n" for finding in FINDINGS), encoding="utf-8")
    table = folder / "sample.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["image", "label", "mask", "x1", "y1", "x2", "y2", "hospital", "sex", "patient"])
        for number, (finding, hospital, sex) in enumerate(planned_sample(count, seed), start=1):
            drawn = draw(np.random.default_rng([seed, number]), finding, hospital, sex=sex)
            picture, mask = f"pictures/rad-{number:04}.jpg", f"masks/rad-{number:04}.png"
            _write_image(folder / picture, drawn.pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
            _write_image(folder / mask, drawn.mask.astype(np.uint8) * 255, [])
            rows.writerow([picture, finding, mask, *drawn.box, hospital, sex, f"P{number:04}"])
    return table


def planned_sample(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Finding, hospital and sex of every picture of a sample, in the order in which they are drawn."""
    planned = []
    for index, finding in enumerate(FINDINGS):
        quota = (count + len(FINDINGS) - 1 - index) // len(FINDINGS)
        bounds = np.cumsum(_HOSPITAL_SHARES[finding])[:-1]
        for place in range(quota):
            hospital = list(HOSPITALS)[int(np.searchsorted(bounds, (place + 0.5) / quota))]
            planned.append((finding, hospital, "FM"[place % 2]))
    order = np.random.default_rng(seed).permutation(len(planned))
    return [planned[index] for index in order]


def _write_image(path: Path, pixels: Bytes, options: list[int]) -> None:
    done, encoded = cv2.imencode(path.suffix, pixels, options)
    if not done:
        raise OSError(f"{path}: OpenCV could not encode the picture")
    path.write_bytes(encoded.tobytes())


def _exposed(rng: np.random.Generator, thorax: Thorax, style: Style) -> Bytes:
    """The picture a detector makes of a thorax: unsharp, noisy, each exposure a little different."""
    size = thorax.mask.shape[0]
    film = blurred(thorax.attenuation, style.blur * rng.uniform(0.85, 1.2))
    np.clip(film, 0, 1.2, out=film)
    film **= np.float32(style.gamma * rng.uniform(0.85, 1.18))
    film *= np.float32(style.gain * rng.uniform(0.90, 1.10) * 255)
    film += np.float32(rng.uniform(2, 16))
    dice = rng.integers(0, 256, (2, size, size), np.uint8)
    grain = np.add(dice[0], dice[1], dtype=np.float32)
    grain -= 255
    grain *= np.float32(style.noise * rng.uniform(0.7, 1.3) * 255 / _TWO_DICE_DEVIATION)
    film += grain
    return np.clip(film, 0, 255, out=film).astype(np.uint8)


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
