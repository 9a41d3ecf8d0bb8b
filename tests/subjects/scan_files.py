"""Scans as files: NIfTI with any affine, and DICOM series whose files are in no order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import nibabel
import numpy as np
import pydicom

from auditor.subjects.volumes import LETTERS

SLOPE, INTERCEPT = 2, -1024
Change = Callable[[int], object]
"""Number of a slice → what stands in its file instead."""


def laid(values: np.ndarray, spacing: tuple[float, float, float], orientation: str) -> tuple[np.ndarray, np.ndarray]:
    """A volume whose axes rise to SPL, as a file of another orientation would hold it, and that file's affine (4, 4).

    Args:
        values: (depth, height, width).
        spacing: Along depth, height and width, mm.
        orientation: Three letters.
    """
    axes, flips, affine = [], [], np.eye(4)
    for axis, letter in enumerate(orientation):
        world, sign = LETTERS[letter]
        own = next(place for place, one in enumerate("SPL") if LETTERS[one][0] == world)
        axes.append(own)
        if sign != LETTERS["SPL"[own]][1]:
            flips.append(axis)
        affine[:3, axis] = 0
        affine[world, axis] = sign * spacing[own]
    return np.ascontiguousarray(np.flip(values.transpose(axes), flips)), affine


def turned_by(affine: np.ndarray, degrees: float) -> np.ndarray:
    """The affine of a patient who lay so much askew, around the axis from foot to head."""
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ affine


def write_nifti(path: Path, values: np.ndarray, affine: np.ndarray | None, unit: str = "mm") -> Path:
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units(unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def write_dicom(
    folder: Path,
    values: np.ndarray,
    spacing: tuple[float, float, float],
    *,
    keep: Iterable[int] | None = None,
    seed: int = 0,
    ending: str = ".dcm",
    **changes: Change,
) -> Path:
    """Axial slices from the feet up; names and instance numbers are shuffled; stored as (value + 1024) / 2.

    Args:
        values: (depth, height, width), axes that rise to SPL, even numbers from -1024.
        spacing: Along depth, height and width, mm.
        keep: Slices that are written; None: all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(seed).permutation(len(values))
    for index in range(len(values)) if keep is None else keep:
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = pydicom.uid.CTImageStorage
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = f"1.2.3.{seed}.{index + 1}"
        data.SeriesInstanceUID = f"1.2.3.{seed}"
        data.InstanceNumber = int(order[index]) + 1
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]  # columns to the left, rows to the back
        data.ImagePositionPatient = [-3.0, -7.0, 40.0 + spacing[0] * index]
        data.PixelSpacing = [spacing[1], spacing[2]]
        data.SliceThickness = spacing[0]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 0
        data.Rows, data.Columns = values[index].shape
        data.RescaleSlope, data.RescaleIntercept = SLOPE, INTERCEPT
        data.PixelData = ((values[index] - INTERCEPT) / SLOPE).astype(np.uint16).tobytes()
        for key, value in changes.items():
            setattr(data, key, value(index))
        data.save_as(folder / f"{order[index]:03d}{ending}", enforce_file_format=True)
    return folder
