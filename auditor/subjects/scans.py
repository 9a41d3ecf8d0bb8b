"""What scanners write: NIfTI files and DICOM series, as numbers with their place in the patient.

NIfTI needs nibabel and DICOM pydicom: the extra `volumes`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from auditor.errors import DataError

__all__ = ["ENDINGS", "channels_first", "holds_dicom", "read_dicom", "read_nifti"]

ENDINGS = frozenset({".dcm", ".dicom", ".ima"})
"""Of DICOM files; many have none, or the end of a number."""
BYTE_LIMIT = 2**32
"""Larger volumes are refused by their header."""
UNEVEN = 0.01
"""Share by which gaps between slices may differ."""
SHIFTED = 0.5
"""Pixels that slices may be shifted sideways against each other before it is said."""
MILLIMETRES = {"mm": 1.0, "meter": 1000.0, "micron": 0.001}
PREAMBLE, MAGIC = 128, b"DICM"
"""Source: DICOM PS3.10, section 7.1."""
DIRECTORY = "1.2.840.10008.1.3.10"
"""Class of DICOMDIR, a table of contents. Source: DICOM PS3.6, table A-1."""
PLACE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
PIXELS = ("Rows", "Columns", "PixelData")

Scan = tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]
"""Values (channels, three axes); the steps from voxel to voxel, (3, 3), one column an axis, in mm to right, anterior
and superior, None where nobody says; what is to be said."""


def read_nifti(path: Path) -> Scan:
    """Values with the file's own slope and intercept applied.

    Raises:
        DataError: Damaged, not of three axes, too large; nibabel is missing.
    """
    nibabel = _extra("nibabel", "NIfTI")
    broken = (
        OSError, ValueError, TypeError, EOFError, zlib.error, nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError, nibabel.wrapstruct.WrapStructError,
    )  # fmt: skip
    try:
        image = nibabel.load(path)
        size = int(np.prod(image.shape, dtype=np.int64))
        values = channels_first(path.name, image, size, lambda: np.asarray(image.dataobj, np.float32))
    except broken as error:
        raise DataError(f"{path.name} cannot be read as NIfTI: {error}") from error
    if len(image.shape) == 4:
        values = np.moveaxis(values, -1, 0)
    known = any(int(image.header[code]) > 0 for code in ("sform_code", "qform_code"))
    if not known:
        return values.transpose(0, 3, 2, 1), None, ("the file gives no orientation: its last axis is taken as depth",)
    unit = image.header.get_xyzt_units()[0]
    notes = () if unit in MILLIMETRES else ("the file gives no unit of length: taken as mm",)
    return values, np.asarray(image.affine, np.float64)[:3, :3] * MILLIMETRES.get(unit, 1.0), notes


def channels_first(name: str, stored: Any, size: int, load: Callable[[], np.ndarray]) -> np.ndarray:
    """Loads what has three or four axes and fits into memory; three get a channel.

    Raises:
        DataError: It has not, or does not.
    """
    if 4 * size > BYTE_LIMIT:
        raise DataError(f"{name} is larger than {BYTE_LIMIT // 2**30} GiB as float32")
    if len(stored.shape) not in (3, 4):
        raise DataError(f"{name} has {len(stored.shape)} axes; expected three, or four with channels")
    values = load()
    return values[None] if values.ndim == 3 else values


def holds_dicom(file: Path) -> bool:
    """Whether a file begins as DICOM files do; False of one that cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC
    except OSError:
        return False


def read_dicom(path: Path) -> Scan:
    """The one series in a folder: slices in the order of their place, whatever their names and numbers, in the units of
    the modality.

    Source: DICOM PS3.3, C.7.6.2.1.1 (position and orientation, LPS), C.7.6.3.1.7 (pixel spacing: rows first), C.11.1
    (rescale).

    Raises:
        DataError: No series or several, slices missing or of several kinds, damaged; pydicom is missing.
    """
    slices, notes = _slices(path)
    _check_series(path.name, slices)
    rows, columns = (np.array(slices[0].ImageOrientationPatient[at : at + 3], float) for at in (0, 3))
    normal = np.cross(rows, columns)
    slices.sort(key=lambda one: float(normal @ np.array(one.ImagePositionPatient, float)))
    corners = np.array([one.ImagePositionPatient for one in slices], float)
    thickness = float(getattr(slices[0], "SliceThickness", None) or 0.0)
    gap = _gap(path.name, (corners @ normal).tolist(), thickness or 1.0)
    if thickness and gap > (1 + UNEVEN) * thickness:
        notes.append(f"slices of {thickness:.4g} mm lie {gap:.4g} mm apart: nothing is known of what is between them")
    between_rows, between_columns = (float(one) for one in slices[0].PixelSpacing)
    sideways = (corners - corners[0]) @ np.stack([rows, columns], axis=1)
    shift = float(np.linalg.norm(sideways, axis=1).max())
    if shift > SHIFTED * min(between_rows, between_columns):
        notes.append(
            f"slices are shifted sideways by up to {shift:.3g} mm, as by a tilted gantry, and not put straight"
        )
    # the first three cosines lead along a row, from column to column
    affine = np.stack([normal * gap, columns * between_rows, rows * between_columns], axis=1)
    affine[:2] *= -1  # left and posterior to right and anterior
    return _pixels(path.name, slices)[None], affine, tuple(notes)


def _slices(path: Path) -> tuple[list[Any], list[str]]:
    pydicom = _extra("pydicom", "DICOM")
    slices, passed = [], 0
    for file in sorted(item for item in path.iterdir() if item.is_file() and not item.name.startswith(".")):
        if not holds_dicom(file):
            if file.suffix.lower() in ENDINGS:
                raise DataError(f"{path.name}: {file.name} is damaged: it does not begin as DICOM files do")
            passed += 1
            continue
        try:
            read = pydicom.dcmread(file)
            # what lies in the file as bytes is understood when it is asked for
            if str(read.file_meta.get("MediaStorageSOPClassUID", "")) != DIRECTORY:
                for key in (*PLACE, *PIXELS[:2], "SeriesInstanceUID"):
                    read.get(key)
                slices.append(read)
        except Exception as error:
            raise DataError(f"{path.name}: {file.name} is damaged: {error}") from error
    if not passed:
        return slices, []
    if passed == 1:
        return slices, ["1 file of the folder is not DICOM and was passed over"]
    return slices, [f"{passed} files are not DICOM and were passed over"]


def _pixels(name: str, slices: Sequence[Any]) -> np.ndarray:
    """float32 (slices, rows, columns)."""
    values = np.empty((len(slices), int(slices[0].Rows), int(slices[0].Columns)), np.float32)
    for place, one in enumerate(slices):
        try:
            values[place] = one.pixel_array
        except Exception as error:
            file = Path(str(one.filename)).name
            raise DataError(f"{name}: the pixels of {file} cannot be decoded: {error}") from error
        slope, intercept = (getattr(one, key, None) for key in ("RescaleSlope", "RescaleIntercept"))
        values[place] *= 1.0 if slope is None else float(slope)
        values[place] += 0.0 if intercept is None else float(intercept)
    return values


def _check_series(name: str, slices: Sequence[Any]) -> None:
    if not slices:
        raise DataError(f"{name} holds no DICOM files")
    for one in slices:
        lacking = [key for key in (*PLACE, *PIXELS) if key not in one]
        if lacking or int(getattr(one, "NumberOfFrames", 1) or 1) > 1 or int(getattr(one, "SamplesPerPixel", 1)) > 1:
            what = f"no {lacking[0]}" if lacking else "several frames or colours in one file"
            file = Path(str(one.filename)).name
            raise DataError(f"{name}: {file} has {what}; expected one grey slice a file with its place in the patient")
    series = {str(getattr(one, "SeriesInstanceUID", "")) for one in slices}
    if len(series) > 1:
        raise DataError(f"{name} holds {len(series)} DICOM series; put each into a folder of its own")
    if 4 * len(slices) * int(slices[0].Rows) * int(slices[0].Columns) > BYTE_LIMIT:
        raise DataError(f"{name} is larger than {BYTE_LIMIT // 2**30} GiB as float32")
    for key in ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient"):
        values = [np.atleast_1d(np.array(one[key].value, float)) for one in slices]
        if any(each.shape != values[0].shape or float(np.abs(each - values[0]).max()) > 1e-3 for each in values):
            raise DataError(f"{name}: slices differ in {key}; a volume has one")


def _gap(name: str, places: Sequence[float], thickness: float) -> float:
    """The step from slice to slice in mm, measured on their places."""
    if len(places) == 1:
        return thickness
    gaps = np.diff(places)
    middle = float(np.median(gaps))
    if float(np.abs(gaps - middle).max()) > UNEVEN * max(middle, 1e-6):
        raise DataError(
            f"{name}: slices lie {gaps.min():.4g} to {gaps.max():.4g} mm apart; some are missing, or there twice"
        )
    return float(gaps.mean())


def _extra(package: str, what: str) -> Any:
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError as error:
        raise DataError(f"{what} needs {package}, which is not installed: pip install 'auditor[volumes]'") from error
