"""Sharpness of one picture given to another: fall-off of its spectrum, resolution, and JPEG compression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from scipy import fft

from auditor.interventions.resampling import ENLARGEMENTS, enlargements, resampled
from auditor.interventions.transferring import LUMA, GlobalProperty, Pictures

if TYPE_CHECKING:
    from torch import Tensor

LOWEST = 3.0
"""Cycles a short side; coarser waves are layout, not sharpness, and stay as they are."""
GAINS = (1 / 16, 1.0)
"""A wave is damped by this factor at most, and never raised: what a blur took is noise, and a sharpened picture looks
like none that a camera took. Who is blurrier than the donor stays as it is."""
QUALITIES = (*range(2, 15), 16, 18, 20, 22, 25, 28, 31, *range(35, 100, 5))
UNCOMPRESSED = 100
GHOST = -0.7
"""A picture was compressed at a quality where re-encoding it costs less than half (e^-0.7) of what it costs at the
neighbouring qualities. [measured: 48 drawn scenes, 48 traffic signs and 48 photos that were never compressed at their
size, blurred or not: ≥ -0.4 for nine of ten; after compression at 20 to 75: median -1.1 to -7.5]"""
CROP = 128
"""Pixels a side that are re-encoded for the estimate, from the top left corner, where the 8-pixel grid begins."""

Part = Literal["blur", "resolution", "compression"]
PARTS: tuple[Part, ...] = ("blur", "resolution", "compression")


class SharpnessTransfer(GlobalProperty):
    """Gives a picture the fall-off of the spectrum, the resolution and the JPEG quality of another.

    * Blur: a power law over the waves from 3 cycles a side on. Its one exponent is the slope of the luma's amplitude in
      half-octave bands. A single number, and not band by band, because a band of its own is a texture: stripes must
      not travel with the sharpness. Pictures of fewer than 9 pixels a side have one band and no slope.
    * Resolution: shrunk and enlarged in the same way, where the source was enlarged from fewer pixels.
    * Compression: re-encoding at the source's quality (from 4 on), where it was compressed at its present size. The
      quality is that at which re-encoding changes it least, against the neighbouring qualities.

    Fewer pixels and compression change the fall-off too; only what they leave over is given as blur.

    Sources: power-law spectra of scenes: van der Schaaf & van Hateren, Vision Research 1996; JPEG ghosts: Farid,
    "Exposing digital forgeries from JPEG ghosts", IEEE TIFS 2009.

    Attributes:
        octaves: float (bands,): natural logarithm of each half-octave band's middle over `LOWEST`.
        amplitudes: float (n, bands): natural logarithm of each band's amplitude over the whole contrast's.
        exponents: float (n,): log amplitude falls by this much for each unit of log frequency (least squares).
        enlarged: int (n,): how a picture was enlarged, place in `resampling.ENLARGEMENTS`; 0 where it was not.
        qualities: int (n,): JPEG quality, 100 where it was not compressed at this size.
    """

    def __init__(self, images: Tensor, parts: tuple[Part, ...] = PARTS) -> None:
        """Measure every picture.

        Args:
            images: uint8 or float (n, channels, height, width).
            parts: What is transferred.
        """
        self.pictures = Pictures(images)
        self.parts = parts
        blocks = self.pictures.blocks()
        self.membership, self.octaves = _bands(*self.pictures.size)
        self.amplitudes = np.concatenate([self._amplitudes(self.pictures[block]) for block in blocks])
        self.exponents = self._exponents(self.amplitudes)
        in_bytes = [self.pictures.as_bytes(self.pictures[block]) for block in blocks]
        self.enlarged = np.concatenate([enlargements(block.astype(np.float32)) for block in in_bytes])
        self.qualities = np.concatenate([jpeg_qualities(block) for block in in_bytes])
        self._place()

    def only(self, part: Part) -> SharpnessTransfer:
        """The same measurements, one part transferred."""
        copy = object.__new__(SharpnessTransfer)
        copy.__dict__.update(self.__dict__, parts=(part,))
        copy._place()
        return copy

    def _place(self) -> None:
        columns = {
            "blur": self.exponents,
            "resolution": np.array([0.0 if how is None else how.coarseness for how in ENLARGEMENTS])[self.enlarged],
            "compression": np.log1p(coarseness(self.qualities)),
        }
        self.positions = np.stack([columns[part] for part in self.parts], axis=1)

    def give(self, recipient: np.ndarray, source: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """As `GlobalProperty.give`."""
        given = self.pictures[recipient]
        if "blur" in self.parts:
            change = self.exponents[recipient] - self.exponents[source]
            # what fewer pixels and compression do to the fall-off is given with them, and not a second time
            coarse = np.flatnonzero(self._is_coarse(source))
            if len(coarse):
                coarsened = self._coarsened(given[coarse], source[coarse])
                change[coarse] = self._exponents(self._amplitudes(coarsened)) - self.exponents[source[coarse]]
            given = self.pictures.clipped(tilted(given, strength * change))
        return self._coarsened(given, source, strength)

    def _is_coarse(self, like: np.ndarray) -> np.ndarray:
        """Whether those pictures bring a resolution or a compression that is transferred: bool (n,)."""
        enlarged = (self.enlarged[like] > 0) & ("resolution" in self.parts)
        return np.asarray(enlarged | ((self.qualities[like] < UNCOMPRESSED) & ("compression" in self.parts)))

    def _exponents(self, amplitudes: np.ndarray) -> np.ndarray:
        apart = self.octaves - self.octaves.mean()
        return np.asarray(-(amplitudes @ apart) / max(float(apart @ apart), 1e-12))

    def _amplitudes(self, loaded: np.ndarray) -> np.ndarray:
        """As the attribute, of pictures float32 (n, channels, height, width)."""
        luma = np.tensordot(loaded, LUMA, (1, 0)) if loaded.shape[1] == 3 else loaded.mean(axis=1)
        energy = np.square(fft.dctn(luma, axes=(1, 2), norm="ortho")).reshape(len(luma), -1)
        # rounding to 8 bits adds 1/12 of a squared step to each coefficient
        floor = float(np.mean((self.pictures.high - self.pictures.low) / 255) ** 2) / 12
        contrast = energy[:, 1:].mean(axis=1, keepdims=True) + floor
        return np.asarray(np.log((energy @ self.membership + floor) / contrast) / 2)

    def degraded(self, pictures: np.ndarray, amplitudes: np.ndarray, like: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pictures made no sharper than others: damped band by band, resampled, re-encoded; nothing is sharpened.

        Args:
            pictures: float32 (n, channels, height, width).
            amplitudes: (n, bands): theirs.
            like: (n,) indices in the sample.

        Returns:
            The pictures, and their amplitudes now.
        """
        lowered = np.clip(self.amplitudes[like] - amplitudes, np.log(GAINS[0]), 0.0)
        place = np.log(np.maximum(_cycles(*self.pictures.size), 1e-9) / LOWEST).ravel()
        knots = np.concatenate([[-self.octaves[0]], self.octaves])
        hats = np.stack([np.interp(place, knots, row) for row in np.eye(len(knots))[1:]])
        gains = np.exp(lowered @ hats).reshape(len(pictures), 1, *self.pictures.size)
        damped = self.pictures.clipped(_filtered(pictures, gains))
        return self._coarsened(damped, like), amplitudes + lowered

    def _coarsened(self, given: np.ndarray, like: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """Resolution and compression of others."""
        if "resolution" in self.parts:
            for place in np.unique(self.enlarged[like]):
                enlargement, chosen = ENLARGEMENTS[place], self.enlarged[like] == place
                if enlargement is not None:
                    given[chosen] += strength * (resampled(given[chosen], enlargement) - given[chosen])
        if "compression" in self.parts:
            chosen = self.qualities[like] < UNCOMPRESSED
            wanted = quality_of(coarseness(self.qualities[like][chosen]) * strength)
            given[chosen] = self.pictures.from_bytes(recompressed(self.pictures.as_bytes(given[chosen]), wanted))
        return given


def tilted(pictures: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Multiply the cosine spectrum with a power of the frequency; mirrored edges, so that the rim adds no waves.

    Args:
        pictures: float (n, channels, height, width).
        exponents: (n,); above 0 sharpens. Waves of up to `LOWEST` cycles a side stay as they are.
    """
    octaves = np.log(np.maximum(_cycles(*pictures.shape[-2:]) / LOWEST, 1.0))
    return _filtered(pictures, np.clip(np.exp(exponents[:, None, None, None] * octaves), *GAINS))


def _filtered(pictures: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The cosine spectrum multiplied: gains (n, 1, height, width)."""
    spectrum = fft.dctn(pictures, axes=(2, 3), norm="ortho")
    return np.asarray(fft.idctn(spectrum * gains.astype(np.float32), axes=(2, 3), norm="ortho"), dtype=np.float32)


def blurred(pictures: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur with mirrored edges: float32 (n, channels, height, width); sigma in pixels."""
    planes = pictures.astype(np.float32).reshape(-1, *pictures.shape[-2:])
    smooth = np.empty_like(planes)
    for plane, result in zip(planes, smooth, strict=True):
        cv2.GaussianBlur(plane, (0, 0), sigma, dst=result, borderType=cv2.BORDER_REFLECT)
    return smooth.reshape(pictures.shape)


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


def coarseness(qualities: np.ndarray) -> np.ndarray:
    """Factor on the quantisation table. Source: the Independent JPEG Group's jpeg_quality_scaling."""
    return np.where(qualities < 50, 50 / qualities, 2 - qualities / 50)


def quality_of(coarse: np.ndarray) -> np.ndarray:
    """Inverse of `coarseness`: int, 1 to 100."""
    found = np.where(coarse > 1, 50 / np.maximum(coarse, 1e-6), 100 - 50 * coarse)
    return np.asarray(found.round().clip(1, 100), dtype=np.int64)


def _recode(picture: np.ndarray, quality: int) -> np.ndarray:
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if len(picture) == 3:
        _, code = cv2.imencode(".jpg", np.ascontiguousarray(picture[::-1].transpose(1, 2, 0)), settings)
        return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))[..., ::-1].transpose(2, 0, 1)
    codes = [cv2.imencode(".jpg", np.ascontiguousarray(plane), settings)[1] for plane in picture]
    return np.stack([np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)) for code in codes])


def _cycles(height: int, width: int) -> np.ndarray:
    """Frequency of each coefficient of the cosine spectrum, cycles a short side: (height, width)."""
    down, across = np.arange(height)[:, None] / height, np.arange(width)[None, :] / width
    return np.asarray(min(height, width) / 2 * np.hypot(down, across))


def _bands(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Half-octave bands from `LOWEST` cycles a short side to the finest.

    Returns:
        membership: float32 (coefficients, bands), averages over each band; octaves: (bands,), natural logarithm of each
        band's middle over `LOWEST`.
    """
    cycles = _cycles(height, width).ravel()
    count = max(1, int(np.floor(2 * np.log2(max(min(height, width) / 2 / LOWEST, 1.0)))) + 1)
    band = np.minimum(np.floor(2 * np.log2(np.maximum(cycles, 1e-9) / LOWEST)), count - 1)
    membership = (band[:, None] == np.arange(count)).astype(np.float32)
    membership /= np.maximum(membership.sum(axis=0), 1)
    return membership, np.log(2) / 2 * (np.arange(count) + 0.5)
