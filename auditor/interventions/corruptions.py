"""Corruptions: noise, blur, weather and compression at five severities, drawn for the size of the pictures.

Source: families and strengths after Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019: those of CIFAR-10-C hold at 32 pixels, those of ImageNet-C at 224, and the
geometric interpolation between. Small discs of defocus spread light as far as theirs; haze has a spectrum of its own,
and motion blurs to both sides. Crops and letterboxes are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from scipy.special import ndtr
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

SMALL_SIDE, LARGE_SIDE = 32, 224
"""Pixels of the shorter side for which the two sets of strengths were chosen."""
FIELDS = 8
"""Different fields of noise, haze and directions of motion, dealt out over the pictures."""
OVERSAMPLED = 5
"""Points a pixel along each axis, where kernels are drawn."""
Strengths = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of corruption.

    Attributes:
        words: For people: "Gaussian noise".
        small, large: Parameters at severities 1 to 5, for 32 and for 224 pixels.
        lengths: How many of the parameters, from the first, are lengths in pixels.
        corrupt: (corruptor, pictures in 0..1, their numbers, parameters) → pictures.
    """

    words: str
    small: Strengths
    large: Strengths
    corrupt: Callable[[Corruptor, Tensor, np.ndarray, tuple[float, ...]], Tensor]
    lengths: int = 0


class Corruptor:
    """Corrupts pictures of a sample, chunk by chunk; a picture is always corrupted in the same way.

    Attributes:
        side: The shorter side of the pictures, pixels.
    """

    def __init__(self, images: Tensor, rng: np.random.Generator) -> None:
        """Draw the fields of noise.

        Args:
            images: uint8 or float (n, channels, height, width); of float inputs, each channel's own range is 0..1.
            rng: Noise and haze.
        """
        self.images = images
        channels, height, width = images.shape[1:]
        self.side = min(height, width)
        self.low, self.high = torch.zeros(channels, 1, 1), torch.full((channels, 1, 1), 255.0)
        if images.dtype != torch.uint8:
            self.low = images.amin(dim=(0, 2, 3)).float()[:, None, None]
            self.high = images.amax(dim=(0, 2, 3)).float()[:, None, None].maximum(self.low + 1e-12)
        self.normal = torch.from_numpy(rng.standard_normal((FIELDS, channels, height, width)).astype(np.float32))
        self.phases = rng.standard_normal((FIELDS, height, width)) + 1j * rng.standard_normal((FIELDS, height, width))

    def compose(self, name: str, severity: int, numbers: np.ndarray) -> Tensor:
        """Pictures under one corruption.

        Args:
            name: A key of `FAMILIES`.
            severity: 1 to 5.
            numbers: int (count,), which pictures of the sample.

        Returns:
            float32 (count, channels, height, width), in the units of the sample; whole numbers where it holds bytes.
        """
        pictures = (self.images[torch.from_numpy(numbers)].float() - self.low) / (self.high - self.low)
        family = FAMILIES[name]
        corrupted = family.corrupt(self, pictures, numbers, strength(family, severity, self.side)).clamp(0.0, 1.0)
        restored = self.low + corrupted * (self.high - self.low)
        return restored.round() if self.images.dtype == torch.uint8 else restored

    def noise(self, numbers: np.ndarray) -> Tensor:
        """Standard normal, one field a picture: (count, channels, height, width)."""
        return self.normal[torch.from_numpy(numbers % FIELDS)]

    def haze(self, numbers: np.ndarray, decay: float) -> Tensor:
        """Clouds in 0..1, each octave `decay` times fainter than the one before: (count, 1, height, width)."""
        height, width = self.phases.shape[1:]
        frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
        frequency[0, 0] = np.inf
        clouds = np.fft.ifft2(self.phases * frequency ** -(1 + np.log2(decay))).real
        clouds -= clouds.min(axis=(1, 2), keepdims=True)
        clouds /= clouds.max(axis=(1, 2), keepdims=True)
        return torch.from_numpy(clouds.astype(np.float32))[torch.from_numpy(numbers % FIELDS)][:, None]


def strength(family: Family, severity: int, side: int) -> tuple[float, ...]:
    """The parameters of a severity for pictures of a size; lengths go on growing and shrinking with the picture."""
    share = np.clip(np.log(side / SMALL_SIDE) / np.log(LARGE_SIDE / SMALL_SIDE), 0.0, 1.0)
    beyond = side / np.clip(side, SMALL_SIDE, LARGE_SIDE)
    found = []
    for place, (small, large) in enumerate(zip(family.small[severity - 1], family.large[severity - 1], strict=True)):
        value = small ** (1 - share) * large**share
        found.append(float(value * beyond if place < family.lengths else value))
    return tuple(found)


def _gaussian_noise(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    return x + given[0] * corruptor.noise(numbers)


def _shot_noise(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    """Counts of light; their square root is nearly normal (Anscombe, "The transformation of Poisson", 1948)."""
    photons = x * given[0]
    root = ((photons + 0.375).sqrt() + corruptor.noise(numbers) / 2).clamp(min=0)
    counted = (root**2 - 0.625).round().clamp(min=0)  # 1/4 more: the variance of half a normal number
    return torch.where(photons > 0, counted, 0.0) / given[0]


def _impulse_noise(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    uniform = torch.from_numpy(ndtr(corruptor.noise(numbers).numpy()))
    salted = torch.where(uniform > 1 - given[0] / 2, 1.0, x)
    return torch.where(uniform < given[0] / 2, 0.0, salted)


def _defocus_blur(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    return _filtered(x, defocus_kernel(*given))


def _motion_blur(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    blurred = torch.empty_like(x)
    for field in np.unique(numbers % FIELDS):
        rows = torch.from_numpy(np.flatnonzero(numbers % FIELDS == field))
        blurred[rows] = _filtered(x[rows], motion_kernel(*given, angle=float(np.pi * field / FIELDS)))
    return blurred


def _brightness(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    """The value of hue, saturation and value goes up; hue and saturation stay."""
    value = x.amax(dim=1, keepdim=True)
    raised = (value + given[0]).clamp(max=1.0)
    return torch.where(value > 0, x * raised / value.clamp(min=1e-6), raised)


def _contrast(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    mean = x.mean(dim=(2, 3), keepdim=True)
    return mean + given[0] * (x - mean)


def _fog(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    thickness, decay = given
    brightest = x.amax(dim=(1, 2, 3), keepdim=True)
    return (x + thickness * corruptor.haze(numbers, decay)) * brightest / (brightest + thickness).clamp(min=1e-6)


def _jpeg(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    """Each channel for itself where there are neither one nor three."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, round(given[0])]
    count, channels, height, width = x.shape
    together = 3 if channels == 3 else 1
    planes = (x * 255).round().to(torch.uint8).reshape(-1, together, height, width).permute(0, 2, 3, 1).numpy()

    def through(picture: np.ndarray) -> np.ndarray:
        _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), quality)
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR if together == 3 else cv2.IMREAD_GRAYSCALE)
        return np.asarray(decoded).reshape(height, width, together)[..., ::-1]

    with ThreadPoolExecutor() as pool:
        decoded = np.stack(list(pool.map(through, planes)))
    return torch.from_numpy(decoded.transpose(0, 3, 1, 2).astype(np.float32) / 255).reshape(
        count, channels, height, width
    )


def _pixelate(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    height, width = x.shape[-2:]
    coarse = (max(1, int(height * given[0])), max(1, int(width * given[0])))
    return F.interpolate(F.interpolate(x, size=coarse, mode="area"), size=(height, width), mode="nearest")


def _crop(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    """The middle of the picture over its whole size, as a closer view shows it."""
    height, width = x.shape[-2:]
    rows, columns = (max(2, round(side * given[0])) for side in (height, width))
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = x[..., top : top + rows, left : left + columns]
    return F.interpolate(middle, size=(height, width), mode="bilinear", antialias=True)


def _letterbox(corruptor: Corruptor, x: Tensor, numbers: np.ndarray, given: tuple[float, ...]) -> Tensor:
    """The whole picture between black bars above and below, as another aspect ratio leaves it; nothing is cut off."""
    height, width = x.shape[-2:]
    rows, columns = (max(2, round(side * given[0])) for side in (height, width))
    small = F.interpolate(x, size=(rows, columns), mode="bilinear", antialias=True)
    top, left = (height - rows) // 2, (width - columns) // 2
    # the sides go on as the picture ends, so that only the bars are new
    wide = F.pad(small, (left, width - columns - left, 0, 0), mode="replicate")
    return F.pad(wide, (0, 0, top, height - rows - top))


def defocus_kernel(radius: float, softness: float) -> np.ndarray:
    """A disc whose rim is blurred: float32 (size, size), sum 1, lengths in pixels."""
    reach = int(np.ceil(radius + 2 * softness))
    line = (np.arange(OVERSAMPLED * (2 * reach + 1)) + 0.5) / OVERSAMPLED - reach - 0.5
    disc = (np.hypot(line[:, None], line[None, :]) <= max(radius, 0.5 / OVERSAMPLED)).astype(np.float64)
    soft = cv2.GaussianBlur(disc, (0, 0), softness * OVERSAMPLED, borderType=cv2.BORDER_CONSTANT)
    return _by_pixel(soft)


def motion_kernel(reach: float, deviation: float, *, angle: float) -> np.ndarray:
    """A line through the centre, fainter towards its ends: float32 (size, size), sum 1, lengths in pixels."""
    size = 2 * int(np.ceil(reach)) + 1
    steps = np.linspace(-reach, reach, 4 * OVERSAMPLED * size)
    weights = np.exp(-0.5 * (steps / deviation) ** 2)
    kernel = np.zeros((size, size))
    rows, columns = size // 2 + steps * np.sin(angle), size // 2 + steps * np.cos(angle)
    np.add.at(kernel, (rows.round().astype(int), columns.round().astype(int)), weights)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _by_pixel(fine: np.ndarray) -> np.ndarray:
    size = len(fine) // OVERSAMPLED
    kernel = fine.reshape(size, OVERSAMPLED, size, OVERSAMPLED).sum(axis=(1, 3))
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _filtered(x: Tensor, kernel: np.ndarray) -> Tensor:
    """Every channel filtered; the picture goes on beyond its edges as in a mirror, or evenly where it is too small."""
    height, width = x.shape[-2:]
    reach = len(kernel) // 2
    mirrored = reach < min(height, width)
    padded = F.pad(x, (reach,) * 4, mode="reflect" if mirrored else "replicate")
    size = padded.shape[-2:]
    # kernels are wide: by their spectra, ten times sooner than pixel by pixel
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(torch.from_numpy(kernel), s=size)
    filtered: Tensor = torch.fft.irfft2(spectrum, s=size)
    return filtered[..., 2 * reach :, 2 * reach :]


def _one(*values: float) -> Strengths:
    return tuple((value,) for value in values)


_KEPT = _one(0.95, 0.9, 0.8, 0.7, 0.6)
"""Share of each side that is left. [chosen: from a rim that nobody misses to what a wrong export does]"""

FAMILIES = {
    "gaussian_noise": Family(
        "Gaussian noise", _one(0.04, 0.06, 0.08, 0.09, 0.10), _one(0.08, 0.12, 0.18, 0.26, 0.38), _gaussian_noise
    ),
    "shot_noise": Family("shot noise", _one(500, 250, 100, 75, 50), _one(60, 25, 12, 5, 3), _shot_noise),
    "impulse_noise": Family(
        "impulse noise", _one(0.01, 0.02, 0.03, 0.05, 0.07), _one(0.03, 0.06, 0.09, 0.17, 0.27), _impulse_noise
    ),
    "defocus_blur": Family(
        "defocus blur",
        ((0.5, 0.1), (0.8, 0.1), (1.0, 0.1), (1.2, 0.1), (1.5, 0.1)),
        ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
        _defocus_blur,
        lengths=2,
    ),
    "motion_blur": Family(
        "motion blur",
        ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)),
        ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        _motion_blur,
        lengths=2,
    ),
    "brightness": Family(
        "glaring light", _one(0.05, 0.10, 0.15, 0.20, 0.30), _one(0.1, 0.2, 0.3, 0.4, 0.5), _brightness
    ),
    "contrast": Family("low contrast", _one(0.75, 0.5, 0.4, 0.3, 0.15), _one(0.4, 0.3, 0.2, 0.1, 0.05), _contrast),
    "fog": Family(
        "haze",
        ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)),
        ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)),
        _fog,
    ),
    "jpeg": Family("JPEG compression", _one(80, 65, 58, 50, 40), _one(25, 18, 15, 10, 7), _jpeg),
    "pixelate": Family("coarse pixels", _one(0.95, 0.9, 0.85, 0.75, 0.65), _one(0.6, 0.5, 0.4, 0.3, 0.25), _pixelate),
    "crop": Family("crops", _KEPT, _KEPT, _crop),
    "letterbox": Family("added letterboxes", _KEPT, _KEPT, _letterbox),
}
