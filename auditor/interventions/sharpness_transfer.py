"""Sharpness of one picture given to another: fall-off of its spectrum, pixelation, and JPEG compression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from scipy import fft

from auditor.interventions.transferring import LUMA, Pictures

if TYPE_CHECKING:
    from torch import Tensor

LOWEST = 3.0
"""Cycles a short side; coarser waves are layout, not sharpness, and stay as they are."""
GAINS = (1 / 16, 3.0)
"""Each band is damped and raised by these factors at most: what a blur took is noise, and is not blown up."""
QUALITIES = (6, 8, 10, 12, 14, 16, 18, 20, 22, 25, 28, 31, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95)
UNCOMPRESSED = 100
GHOST = -0.7
"""A picture was compressed at a quality where re-encoding it costs less than half (e^-0.7) of what it costs at the
neighbouring qualities. [measured: 48 drawn scenes, 48 traffic signs and 48 photos that were never compressed at their
size, blurred or not: ≥ -0.4; after compression at 20 to 75: median -1.1 to -7.5]"""
CROP = 128
"""Pixels a side that are re-encoded for the estimate, from the top left corner, where the 8-pixel grid begins."""
FACTORS = (2, 3, 4)
PIXELATED = 0.02
"""A picture is pixelated by a factor where averaging blocks of that side changes it by less than this share of its
own deviation."""

Part = Literal["blur", "resolution", "compression"]
PARTS: tuple[Part, ...] = ("blur", "resolution", "compression")


class SharpnessTransfer:
    """Gives a picture the fall-off of the spectrum, the pixelation and the JPEG quality of another.

    * Blur: the energy of the luma in half-octave bands from 3 cycles a side on, relative to the picture's whole
      contrast, is made equal, with bounded gains.
    * Resolution: block averages, where the source is pixelated.
    * Compression: re-encoding at the source's quality, where it was compressed at its present size. The quality is
      that at which re-encoding changes it least, against the neighbouring qualities.

    Sources: radial power spectra of scenes: van der Schaaf & van Hateren, Vision Research 1996; JPEG ghosts: Farid,
    "Exposing digital forgeries from JPEG ghosts", IEEE TIFS 2009.
    """

    def __init__(self, images: Tensor, parts: tuple[Part, ...] = PARTS) -> None:
        """Measure every picture.

        Args:
            images: uint8 or float (n, channels, height, width).
            parts: What is transferred.
        """
        self.pictures = Pictures(images)
        self.parts = parts
        height, width = images.shape[-2:]
        self.membership, self.interpolation = _bands(int(height), int(width))
        blocks = [np.arange(start, min(start + 256, len(images))) for start in range(0, len(images), 256)]
        self.energies = np.concatenate([_energies(self.pictures, block, self.membership) for block in blocks])
        self.factors = np.concatenate([_pixelation(self.pictures[block]) for block in blocks])
        self.qualities = np.concatenate([jpeg_qualities(self.pictures.as_bytes(self.pictures[b])) for b in blocks])
        columns = {
            "blur": self.energies / 2,
            "resolution": np.log(self.factors)[:, None],
            "compression": np.log1p(_coarseness(self.qualities))[:, None],
        }
        self.positions = np.concatenate([columns[part] for part in parts], axis=1)

    def give(self, recipient: np.ndarray, source: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """As `GlobalProperty.give`."""
        given = self.pictures[recipient]
        if "blur" in self.parts:
            gains = np.clip((self.energies[source] - self.energies[recipient]) / 2, *np.log(GAINS)) * strength
            given = self.pictures.clipped(filtered(given, gains @ self.interpolation))
        if "resolution" in self.parts:
            for factor in np.unique(self.factors[source][self.factors[source] > 1]):
                chosen = self.factors[source] == factor
                given[chosen] += strength * (pixelated(given[chosen], int(factor)) - given[chosen])
        if "compression" in self.parts:
            wanted = _quality(_coarseness(self.qualities[source]) * strength)
            chosen = self.qualities[source] < UNCOMPRESSED
            coded = recompressed(self.pictures.as_bytes(given[chosen]), wanted[chosen])
            given[chosen] = self.pictures.from_bytes(coded)
        return np.asarray(given, dtype=np.float32)


def filtered(pictures: np.ndarray, log_gains: np.ndarray) -> np.ndarray:
    """Multiply the cosine spectrum; mirrored edges, so that the rim of a picture adds no waves of its own.

    Args:
        pictures: float (n, channels, height, width).
        log_gains: (n, height · width), natural logarithm of each coefficient's factor.
    """
    gains = np.exp(log_gains).astype(np.float32).reshape(len(pictures), 1, *pictures.shape[-2:])
    spectrum = fft.dctn(pictures, axes=(2, 3), norm="ortho")
    return np.asarray(fft.idctn(spectrum * gains, axes=(2, 3), norm="ortho"), dtype=np.float32)


def pixelated(pictures: np.ndarray, factor: int) -> np.ndarray:
    """Averages over factor × factor blocks, each drawn as one block; blocks at the far rim may be cut."""
    height, width = pictures.shape[-2:]
    rows, columns = np.arange(0, height, factor), np.arange(0, width, factor)
    sums = np.add.reduceat(np.add.reduceat(pictures, rows, axis=2), columns, axis=3)
    counts = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    means = sums / counts
    grown = means.repeat(factor, axis=2).repeat(factor, axis=3)
    return np.asarray(grown[..., :height, :width], dtype=np.float32)


def recompressed(pictures: np.ndarray, qualities: np.ndarray) -> np.ndarray:
    """JPEG there and back; three channels as colour (4:2:0), any other number plane by plane.

    Args:
        pictures: uint8 (n, channels, height, width).
        qualities: int (n,), 1 to 100.
    """
    coded = np.empty_like(pictures)
    for place, (picture, quality) in enumerate(zip(pictures, qualities, strict=True)):
        coded[place] = _recode(picture, int(quality))
    return coded


def jpeg_qualities(pictures: np.ndarray) -> np.ndarray:
    """The quality that each picture was compressed at, at its present size; 100 where it was not.

    Args:
        pictures: uint8 (n, channels, height, width).

    Returns:
        int (n,).
    """
    crops = np.ascontiguousarray(pictures[..., :CROP, :CROP])
    costs = np.empty((len(crops), len(QUALITIES)))
    for column, quality in enumerate(QUALITIES):
        coded = recompressed(crops, np.full(len(crops), quality))
        costs[:, column] = np.square(coded.astype(np.float32) - crops).mean(axis=(1, 2, 3))
    logs = np.log(costs + 0.05)
    dips = np.zeros_like(logs)
    dips[:, 2:-2] = logs[:, 2:-2] - (logs[:, :-4] + logs[:, 4:]) / 2
    deepest = dips.min(axis=1, keepdims=True)
    # the steps of a coarse table are multiples of those of some finer ones, which dip as well: the coarsest is meant
    first = (dips <= np.minimum(GHOST, deepest / 2)).argmax(axis=1)
    return np.where(deepest[:, 0] <= GHOST, np.asarray(QUALITIES)[first], UNCOMPRESSED)


def _recode(picture: np.ndarray, quality: int) -> np.ndarray:
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if len(picture) == 3:
        _, code = cv2.imencode(".jpg", np.ascontiguousarray(picture[::-1].transpose(1, 2, 0)), settings)
        return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))[..., ::-1].transpose(2, 0, 1)
    codes = [cv2.imencode(".jpg", np.ascontiguousarray(plane), settings)[1] for plane in picture]
    return np.stack([np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)) for code in codes])


def _coarseness(qualities: np.ndarray) -> np.ndarray:
    """Factor on the quantisation table. Source: the Independent JPEG Group's jpeg_quality_scaling."""
    return np.where(qualities < 50, 50 / qualities, 2 - qualities / 50)


def _quality(coarseness: np.ndarray) -> np.ndarray:
    """Inverse of `_coarseness`: int, 1 to 100."""
    found = np.where(coarseness > 1, 50 / np.maximum(coarseness, 1e-6), 100 - 50 * coarseness)
    return np.asarray(found.round().clip(1, 100), dtype=np.int64)


def _bands(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Half-octave bands of the cosine spectrum.

    Returns:
        membership: (coefficients, bands), columns average a band; interpolation: (bands, coefficients), spreads the
        bands' values linearly over log frequency, falling to 0 half a band below the lowest.
    """
    short = min(height, width)
    radius = short / 2 * np.hypot(np.arange(height)[:, None] / height, np.arange(width)[None, :] / width).ravel()
    count = max(1, int(np.floor(2 * np.log2(short / 2 / LOWEST))) + 1)
    band = np.floor(2 * np.log2(np.maximum(radius, 1e-9) / LOWEST)).astype(int)
    band = np.minimum(band, count - 1)
    membership = (band[:, None] == np.arange(count)).astype(np.float32)
    membership /= np.maximum(membership.sum(axis=0), 1)
    centres = np.arange(count) + 0.5
    place = 2 * np.log2(np.maximum(radius, 1e-9) / LOWEST)
    knots = np.concatenate([[-0.5], centres])
    values = np.concatenate([np.zeros((count, 1)), np.eye(count)], axis=1)
    interpolation = np.stack([np.interp(place, knots, row) for row in values])
    return membership, interpolation.astype(np.float32)


def _energies(pictures: Pictures, index: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """Natural logarithm of each band's mean energy over the energy of the whole contrast: (n, bands)."""
    loaded = pictures[index]
    luma = np.tensordot(loaded, LUMA, (1, 0)) if loaded.shape[1] == 3 else loaded.mean(axis=1)
    energy = np.square(fft.dctn(luma, axes=(1, 2), norm="ortho"))
    energy = energy.reshape(len(luma), -1)
    # rounding to 8 bits adds 1/12 of a squared step to each coefficient
    floor = float(np.mean((pictures.high - pictures.low) / 255) ** 2) / 12
    contrast = energy[:, 1:].mean(axis=1, keepdims=True) + floor
    return np.asarray(np.log((energy @ membership + floor) / contrast))


def _pixelation(pictures: np.ndarray) -> np.ndarray:
    """Side of the blocks that each picture is made of, 1 where it is not pixelated: int (n,)."""
    deviation = pictures.std(axis=(1, 2, 3))
    found = np.ones(len(pictures), dtype=np.int64)
    for factor in FACTORS:
        change = (pictures - pixelated(pictures, factor)).std(axis=(1, 2, 3))
        found[(change <= PIXELATED * deviation) & (deviation > 0)] = factor
    return found
