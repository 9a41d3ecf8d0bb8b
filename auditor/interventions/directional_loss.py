"""Fine detail that a class's pictures lack along some directions: recovered from the pictures, and given to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy import fft, ndimage

from auditor.interventions.transferring import LUMA, GlobalProperty, Pictures

if TYPE_CHECKING:
    from torch import Tensor

GRID = 64
"""Spectra are kept at so many frequencies a side, from -1/2 to 1/2 cycles a pixel, whatever the pictures' size."""
LOWEST = 3.0
"""Cycles a short side, and at least 1.5 steps of the grid; coarser waves are layout. They stay as they are, and spectra
are told relative to them."""
SMOOTHING = 1.5
"""Deviation of the Gaussian over spectra of classes, in steps of the grid: gaps of double exposures by up to a tenth of
64 pixels are kept."""
LEAST_GAIN = 1 / 16
"""A wave is damped by this factor at most, and never raised."""
PERMUTATIONS = 200
SHIFTED = 0.05
"""Classes whose direction other draws of as many pictures show this seldom are tried on the model."""


class DirectionalLoss(GlobalProperty):
    """Gives a picture the loss of fine detail that another's whole class shows along some directions.

    Motion blurs across, double exposures comb the spectrum, cylindrical lenses and line scans lose one axis. None of
    them needs to be known: the mean spectrum of the class, against that of all other classes, is the filter that
    its pictures went through, as far as the scenes average out. It is applied without phase and never raises a wave.
    The control is the same filter turned by 90 degrees: it takes as much from a picture, and as fine detail, in
    directions that the class does not show. What all directions lose alike is equal in both, and no matter of this
    property; it belongs to the fall-off of the spectrum.

    The spectrum is that of the luma under a Hann window, on a grid of 64 × 64 frequencies.

    Source: blind estimation of a filter from mean spectra after Stockham, Cannon & Ingebretsen, "Blind deconvolution
    through digital signal processing", Proceedings of the IEEE 1975.

    Attributes:
        spectra: float32 (n, GRID, GRID): log power of each picture over that of its coarse waves; the lowest frequency
            first, 0 in the middle.
        coarse: bool (GRID, GRID): the waves that they are told relative to, and that nobody loses.
        classes: int (n,).
    """

    controls = ("the same loss turned by 90 degrees", "the loss of a third class")

    def __init__(self, images: Tensor, classes: np.ndarray) -> None:
        """Measure every picture.

        Args:
            images: uint8 or float (n, channels, height, width).
            classes: int (n,): which pictures belong together.
        """
        self.pictures = Pictures(images)
        self.classes = classes
        self.positions = np.zeros((len(classes), 1))
        floor = float(np.mean((self.pictures.high - self.pictures.low) / 255) ** 2) / 12
        self.coarse = _coarse(min(self.pictures.size))
        blocks = self.pictures.blocks()
        self.spectra = np.concatenate([_spectra(self.pictures[block], self.coarse, floor) for block in blocks])
        self._gains: dict[int, np.ndarray] = {}

    def give(self, recipient: np.ndarray, source: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """As `GlobalProperty.give`."""
        return self._damped(recipient, source, strength, across=False)

    def give_control(
        self, recipient: np.ndarray, own: np.ndarray, donor: np.ndarray, strength: float = 1.0
    ) -> np.ndarray:
        """The donor's loss turned by 90 degrees; where `own` is of a third class, that class's loss."""
        given = np.empty((len(recipient), *self.pictures.images.shape[1:]), dtype=np.float32)
        same = self.classes[own] == self.classes[recipient]
        given[same] = self._damped(recipient[same], donor[same], strength, across=True)
        given[~same] = self._damped(recipient[~same], own[~same], strength, across=False)
        return given

    def gain(self, label: int) -> np.ndarray:
        """What a class's pictures keep of each wave's amplitude, against all others': (GRID, GRID), 1/16 to 1."""
        if label not in self._gains:
            of_class = self.classes == label
            apart = self.spectra[of_class].mean(axis=0) - self.spectra[~of_class].mean(axis=0)
            self._gains[label] = gain_of(apart, self.coarse)
        return self._gains[label]

    def directed(self, label: int, rng: np.random.Generator) -> tuple[float, float]:
        """Whether a class's pictures lack detail along a direction more than pictures drawn from all classes do.

        Permutation of the classes; the statistic is the sum of squared log gain over turned gain.

        Returns:
            p, and by how many deviations of the draws the class lies above their mean.
        """
        of_class = self.classes == label
        share, total = of_class.mean(), self.spectra.mean(axis=0)

        def strength(chosen: np.ndarray) -> float:
            # a class against all others, from its difference to all
            gain = np.log(gain_of((self.spectra[chosen].mean(axis=0) - total) / (1 - share), self.coarse))
            return float(np.square(gain - turned(gain)).sum())

        seen = strength(of_class)
        drawn = np.array([strength(rng.permutation(of_class)) for _ in range(PERMUTATIONS)])
        p = (1 + int((drawn >= seen).sum())) / (1 + PERMUTATIONS)
        return p, float((seen - drawn.mean()) / max(drawn.std(), 1e-12))

    def most_lost(self, label: int) -> tuple[np.ndarray, float, float]:
        """The wave that the class lacks most, against the wave turned by 90 degrees.

        Returns:
            (n,) log factor between the two waves' amplitudes in each picture of the class, against their mean in the
            others; the wave's direction in degrees (0: detail along a row is lost; counter-clockwise, below 180);
            its length in pixels.
        """
        gain = np.log(self.gain(label))
        row, column = np.unravel_index(np.argmin(gain - turned(gain)), gain.shape)
        ratios = self.spectra[:, row, column] - self.spectra[:, column, -row % GRID]
        of_class = self.classes == label
        down, across = _frequencies()[[row, column]]
        lost = (ratios[of_class] - ratios[~of_class].mean()) / 2
        return lost, float(np.degrees(np.arctan2(-down, across))) % 180, float(1 / np.hypot(down, across))

    def _damped(self, recipient: np.ndarray, source: np.ndarray, strength: float, *, across: bool) -> np.ndarray:
        given = self.pictures[recipient]
        for label in np.unique(self.classes[source]):
            chosen = self.classes[source] == label
            gain = self.gain(int(label)) ** strength
            given[chosen] = filtered(given[chosen], turned(gain) if across else gain)
        return self.pictures.clipped(given)


def gain_of(log_power: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """A difference of log powers, (GRID, GRID) → factor on amplitudes: smoothed, never raising, coarse waves kept."""
    smooth = cv2.GaussianBlur(log_power.astype(np.float32), (0, 0), SMOOTHING, borderType=cv2.BORDER_REFLECT) / 2
    gain = np.exp(np.clip(smooth, np.log(LEAST_GAIN), 0.0))
    gain[coarse] = 1.0
    return np.asarray(gain)


def turned(grid: np.ndarray) -> np.ndarray:
    """A spectrum turned by 90 degrees; the frequency -1/2 is 1/2 as well."""
    return np.asarray(grid.T[:, -np.arange(GRID) % GRID])


def filtered(pictures: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Multiply spectra with a gain; mirrored beyond the edges.

    Args:
        pictures: float32 (n, channels, height, width).
        gain: (GRID, GRID), equal at opposite frequencies.
    """
    height, width = pictures.shape[-2:]
    down, across = np.fft.fftfreq(2 * height), np.fft.rfftfreq(2 * width)
    places = np.stack(np.meshgrid((down + 0.5) * GRID, (across + 0.5) * GRID, indexing="ij"))
    fine = ndimage.map_coordinates(gain, places, order=1, mode="grid-wrap").astype(np.float32)
    top, left = height // 2, width // 2
    around = ((0, 0), (0, 0), (top, height - top), (left, width - left))
    spectrum = fft.rfft2(np.pad(pictures, around, mode="symmetric"))
    whole = fft.irfft2(spectrum * fine, s=(2 * height, 2 * width))
    return np.asarray(whole[..., top : top + height, left : left + width], dtype=np.float32)


def _frequencies() -> np.ndarray:
    """Cycles a pixel of the grid's rows and columns."""
    return np.arange(GRID) / GRID - 0.5


def _coarse(short: int) -> np.ndarray:
    """bool (GRID, GRID): the waves that are layout in pictures of this short side."""
    return np.asarray(np.hypot(*np.meshgrid(_frequencies(), _frequencies())) <= max(LOWEST / short, 1.5 / GRID))


def _spectra(loaded: np.ndarray, coarse: np.ndarray, floor: float) -> np.ndarray:
    """As the attribute, of pictures float32 (n, channels, height, width)."""
    luma = np.tensordot(loaded, LUMA, (1, 0)) if loaded.shape[1] == 3 else loaded.mean(axis=1)
    height, width = luma.shape[-2:]
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    apart = (luma - luma.mean(axis=(1, 2), keepdims=True)) * window
    power = np.fft.fftshift(np.square(np.abs(fft.fft2(apart))), axes=(1, 2)) + floor * np.square(window).sum()
    steps = (size // 2 + _frequencies() * size for size in (height, width))
    places = np.stack(np.meshgrid(*steps, indexing="ij"))
    deviation = [max(size / GRID - 1, 0.0) / 2 for size in (height, width)]
    grid = np.empty((len(loaded), GRID, GRID), dtype=np.float32)
    for picture, result in zip(power, grid, strict=True):
        smooth = ndimage.gaussian_filter(picture, deviation, mode="wrap")
        ndimage.map_coordinates(smooth, places, result, order=1, mode="grid-wrap")
    waves = coarse.copy()
    waves[GRID // 2, GRID // 2] = False
    return np.asarray(np.log(grid / grid[:, waves].mean(axis=1)[:, None, None]))
