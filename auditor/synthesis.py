"""Pictures as functions of numbers that can be optimised: their spectrum, or its phase alone. Pure arithmetic.

Many pictures at once; each depends on its own numbers alone. Clips and volumes have a depth in front of rows and
columns everywhere, with frequencies of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Colours", "Moves", "colours_of", "drawn_moves", "magnitudes_of", "moved", "of_phases", "of_spectra"]

SPREAD = 0.25
"""Standard deviation of a signal that the sigmoid turns into half of the range of pixels, about: lucid divides by 4."""


@dataclass(frozen=True, slots=True)
class Colours:
    """How the channels of real pictures go together.

    Attributes:
        mean: Shape (channels,), in 0..1.
        root: Shape (channels, channels), lower triangular; root · rootᵀ is the pixels' covariance.
    """

    mean: Tensor
    root: Tensor

    def apart(self, pictures: Tensor) -> Tensor:
        """Channels that vary independently, with mean 0 and variance 1. Shape (n, channels, rows, columns)."""
        import torch

        centred = pictures.flatten(2) - self.mean[:, None]
        apart: Tensor = torch.linalg.solve_triangular(self.root, centred, upper=False)
        return apart.view(pictures.shape)

    def together(self, signals: Tensor) -> Tensor:
        """The inverse of `apart`."""
        return (self.root @ signals.flatten(2) + self.mean[:, None]).view(signals.shape)


def colours_of(pictures: Tensor) -> Colours:
    """Mean and covariance of all pixels, float (n, channels, rows, columns) in 0..1; variances are kept above 0."""
    import torch

    pixels = pictures.double().transpose(0, 1).flatten(1)
    mean = pixels.mean(dim=1)
    centred = pixels - mean[:, None]
    covariance = centred @ centred.T / centred.shape[1]
    # grey pictures in three equal channels have a singular covariance
    floor = 1e-4 * covariance.diagonal().mean().clamp(min=1e-4)
    root = torch.linalg.cholesky(covariance + floor * torch.eye(len(mean), dtype=pixels.dtype, device=pixels.device))
    return Colours(mean.to(pictures.dtype), root.to(pictures.dtype))


def magnitudes_of(pictures: Tensor, colours: Colours) -> Tensor:
    """Mean magnitude of each frequency of each independent channel, shape (channels, rows, columns // 2 + 1)."""
    import torch

    axes = tuple(range(2, pictures.ndim))
    mean: Tensor = torch.fft.rfftn(colours.apart(pictures), dim=axes, norm="ortho").abs().mean(dim=0)
    return mean


def of_spectra(spectra: Tensor, size: Sequence[int], colours: Colours) -> Tensor:
    """Pictures of free spectra, scaled so that no frequency grows faster than in real pictures, through a sigmoid.

    Args:
        spectra: Real and imaginary part, shape (n, channels, rows, columns // 2 + 1, 2).
        size: (rows, columns) of the pictures, with a depth in front where they have one.

    Returns:
        Shape (n, channels, rows, columns), in 0..1.

    Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017, section on preconditioning.
    """
    import torch

    along = [torch.fft.fftfreq(length, device=spectra.device) for length in size[:-1]]
    across = torch.fft.rfftfreq(size[-1], device=spectra.device)
    waves = torch.meshgrid(*along, across, indexing="ij")
    frequency = torch.stack(waves).square().sum(dim=0).sqrt().clamp(min=1 / max(size))
    signals: Tensor = SPREAD * _back(torch.view_as_complex(spectra) / frequency, size)
    strongest = colours.root.norm(dim=1).max()
    coloured = (colours.root / strongest) @ signals.flatten(2)
    pictures: Tensor = (coloured + colours.mean.clamp(0.02, 0.98).logit()[:, None]).view(signals.shape).sigmoid()
    return pictures


def of_phases(phases: Tensor, magnitudes: Tensor, size: Sequence[int], colours: Colours) -> Tensor:
    """Pictures whose spectrum has given magnitudes, and these phases; values beyond 0..1 are cut off.

    Args:
        phases: Radians, shape (n, channels, rows, columns // 2 + 1).
        magnitudes: As of `magnitudes_of`.
        size: (rows, columns) of the pictures, with a depth in front where they have one.

    Returns:
        Shape (n, channels, rows, columns), in 0..1.

    Source: Fel et al., "Unlocking Feature Visualization for Deep Networks with MAgnitude Constrained Optimization",
    NeurIPS 2023, section on magnitude-constrained feature visualization.
    """
    import torch

    return colours.together(_back(torch.polar(magnitudes.expand_as(phases), phases), size))


def _back(spectra: Tensor, size: Sequence[int]) -> Tensor:
    """Real signals of spectra, shape (n, channels, *size)."""
    import torch

    signals: Tensor = torch.fft.irfftn(spectra, s=tuple(size), dim=tuple(range(2, spectra.ndim)), norm="ortho")
    return signals


@dataclass(frozen=True, slots=True)
class Moves:
    """How pictures are turned, scaled and shifted in each step, shape (n, steps) each.

    Attributes:
        angles: Radians.
        scales: Factor by which the picture grows.
        rights, downs: Shift as a share of the picture's side.
    """

    angles: Tensor
    scales: Tensor
    rights: Tensor
    downs: Tensor


MOST = {"angle": 0.09, "scale": 0.1, "shift": 0.06}
"""Radians, about 5°; share of the size; share of the side."""


def drawn_moves(draws: Tensor) -> Moves:
    """Moves from even draws in 0..1, shape (n, steps, 4)."""
    even = 2 * draws - 1
    return Moves(even[..., 0] * MOST["angle"], 1 + even[..., 1] * MOST["scale"], even[..., 2] * MOST["shift"],
                 even[..., 3] * MOST["shift"])  # fmt: skip


def moved(pictures: Tensor, moves: Moves, step: int) -> Tensor:
    """Each picture with its own move, mirrored at the borders; all frames or slices of one with the same."""
    import torch
    from torch.nn import functional as F

    rows, columns = pictures.shape[-2:]
    cosine, sine = (f(moves.angles[:, step]) / moves.scales[:, step] for f in (torch.cos, torch.sin))
    aspect = rows / columns  # a rotation of pixels, not of the unit square
    first = torch.stack((cosine, -sine * aspect, 2 * moves.rights[:, step]), dim=1)
    second = torch.stack((sine / aspect, cosine, 2 * moves.downs[:, step]), dim=1)
    # whatever lies in front of rows and columns moves together
    flat = pictures.flatten(1, -3)
    grid = F.affine_grid(torch.stack((first, second), dim=1), list(flat.shape), align_corners=False)
    return F.grid_sample(flat, grid, padding_mode="reflection", align_corners=False).view(pictures.shape)
