"""Volumes: .npy, NIfTI and DICOM series, laid out as the model reads them, with their spacing and orientation.

Orientation is three letters, one an axis (depth, height, width): where its index rises to, out of right, left,
anterior, posterior, superior and inferior. SPL: slices from the feet up, rows from front to back, columns from the
patient's right to the left, as radiologists look at axial slices. NIfTI needs nibabel and DICOM pydicom: the extra
`volumes`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from auditor.errors import DataError
from auditor.subjects.scans import channels_first, read_dicom, read_nifti

LETTERS = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
"""World axis (right, anterior, superior) and direction. Source: nibabel, "Coordinate systems and affines" (RAS+)."""
OBLIQUE = 1.0
"""Degrees from the nearest axis above which it is said."""

Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume.

    Attributes:
        values: float32 (channels, depth, height, width).
        spacing: Size of a voxel along depth, height and width in mm; None where nobody says.
        orientation: Three letters; None where nobody says.
        notes: What was done on the way in, and what is not known, in words.
    """

    values: np.ndarray
    spacing: Spacing | None
    orientation: str | None
    notes: tuple[str, ...] = ()

    def described(self) -> str:
        """Size, spacing and orientation, for the report."""
        size = "×".join(str(side) for side in self.values.shape[1:])
        spacing = "of unknown size"
        if self.spacing is not None:
            spacing = "of " + "×".join(f"{side:.4g}" for side in self.spacing) + " mm"
        axes = "orientation unknown" if self.orientation is None else f"axes rise to {self.orientation}"
        return "; ".join((f"{size} voxels {spacing} (depth, height, width), {axes}", *self.notes))


def read_volume(path: Path, *, orientation: str = "SPL", spacing: Spacing | None = None) -> Volume:
    """One volume, its axes turned to the wanted orientation where the file gives its own.

    Args:
        path: .npy, .nii or .nii.gz, or a folder that holds one DICOM series.
        orientation: What the model was trained on.
        spacing: Of an .npy file, which gives none, in mm along its own depth, height and width.

    Raises:
        DataError: Not there, not readable, of another shape, several series, slices missing; an extra is missing.
    """
    check_orientation(orientation)
    affine: np.ndarray | None
    if path.is_dir():
        stored, affine, notes = read_dicom(path)
    elif path.name.lower().endswith((".nii", ".nii.gz")):
        stored, affine, notes = read_nifti(path)
    elif path.suffix.lower() == ".npy":
        note = "an .npy file says nothing of its orientation: taken as it is"
        return Volume(_npy(path), spacing, None, (note,))
    else:
        raise DataError(f"{path.name} is no volume: expected .npy, .nii, .nii.gz or a folder with a DICOM series")
    if affine is None:
        return Volume(stored, None, None, notes)
    volume = turned(stored, affine, orientation)
    return replace(volume, notes=(*notes, *volume.notes))


def check_orientation(orientation: str) -> None:
    """Raises:
    DataError: Not three letters for three different axes.
    """
    if len(orientation) != 3 or {LETTERS.get(one, (-1,))[0] for one in orientation} != {0, 1, 2}:
        raise DataError(f"orientation '{orientation}': expected one of R/L, one of A/P and one of S/I, such as SPL")


def turned(values: np.ndarray, affine: np.ndarray, wanted: str) -> Volume:
    """Axes exchanged and flipped to the wanted orientation; nothing is interpolated.

    Args:
        values: (channels, three axes).
        affine: (3, 3), one column an axis: the step to the next voxel in mm, in right, anterior, superior.
        wanted: Three letters.

    Raises:
        DataError: The steps do not span a space.
    """
    spacing = np.sqrt((affine**2).sum(axis=0))
    if not np.isfinite(affine).all() or bool((spacing == 0).any()):
        raise DataError("the header gives a voxel no size: its spacing and orientation are broken")
    cosines = affine / spacing
    # axis a of the array runs along world axis order[a]
    order = max(itertools.permutations(range(3)), key=lambda one: sum(abs(cosines[one[a], a]) for a in range(3)))
    signs = [1 if cosines[order[axis], axis] >= 0 else -1 for axis in range(3)]
    tilt = max(float(np.degrees(np.arccos(min(1.0, abs(cosines[order[axis], axis]))))) for axis in range(3))
    found = "".join(_letter(order[axis], signs[axis]) for axis in range(3))
    axes, laid = [], values
    for letter in wanted:
        world, sign = LETTERS[letter]
        axis = order.index(world)
        axes.append(axis)
        if sign != signs[axis]:
            laid = np.flip(laid, axis=1 + axis)
    notes = [] if found == wanted else [f"turned from {found}"]
    if tilt > OBLIQUE:
        notes.append(f"scanned {tilt:.0f}° off these axes, and not interpolated onto them")
    depth, height, width = (float(spacing[axis]) for axis in axes)
    laid = np.ascontiguousarray(laid.transpose(0, *(1 + axis for axis in axes)), dtype=np.float32)
    return Volume(laid, (depth, height, width), wanted, tuple(notes))


def resampled(volume: Volume, spacing: Spacing) -> Volume:
    """The volume with voxels as near to `spacing` as whole numbers of them allow; linear between voxel centres.

    Raises:
        DataError: The volume's own spacing is not known.
    """
    from scipy import ndimage

    if volume.spacing is None:
        raise DataError("the volume's spacing is not known, so it cannot be brought to another; give `spacing`")
    if min(spacing) <= 0:
        raise DataError(f"spacing {spacing}: expected sizes above 0 mm")
    sides = volume.values.shape[1:]
    wanted = [max(1, round(n * own / new)) for n, own, new in zip(sides, volume.spacing, spacing, strict=True)]
    if tuple(wanted) == sides:
        return volume
    factors = [new / old for new, old in zip(wanted, sides, strict=True)]
    values = np.stack(
        [ndimage.zoom(one, factors, order=1, mode="nearest", grid_mode=True) for one in volume.values]
    ).astype(np.float32)
    depth, height, width = (own / factor for own, factor in zip(volume.spacing, factors, strict=True))
    note = "resampled from " + "×".join(f"{side:.4g}" for side in volume.spacing) + " mm"
    return Volume(values, (depth, height, width), volume.orientation, (*volume.notes, note))


def _letter(world: int, sign: int) -> str:
    return next(letter for letter, place in LETTERS.items() if place == (world, sign))


def _npy(path: Path) -> np.ndarray:
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path.name} cannot be read as .npy: {error}") from error
    if stored.dtype.kind not in "biuf" or stored.ndim not in (3, 4) or 0 in stored.shape:
        raise DataError(
            f"{path.name} holds {stored.dtype} of shape {stored.shape}; expected numbers of shape (depth, height, "
            "width), with channels in front where there are several"
        )
    return channels_first(path.name, stored, stored.size, lambda: np.array(stored, np.float32))
