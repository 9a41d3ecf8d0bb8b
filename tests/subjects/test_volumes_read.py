"""Volumes: each voxel keeps its place in the patient, and its size, whatever the file's own axes are."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.errors import DataError
from auditor.subjects.volumes import LETTERS, Volume, check_orientation, read_volume, resampled, turned

ORIENTATIONS = [
    "".join(letters) for worlds in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*worlds)
]
WORLD = np.arange(24.0).reshape(2, 3, 4)
"""Values over right (2 voxels of 5 mm), anterior (3 of 2 mm) and superior (4 of 1 mm)."""
SIZES = (5.0, 2.0, 1.0)


def stored(orientation: str) -> tuple[np.ndarray, np.ndarray]:
    """WORLD as a file with that orientation would hold it, (1, three axes), and its affine."""
    places = [LETTERS[letter] for letter in orientation]
    values = WORLD.transpose([world for world, _ in places])
    affine = np.zeros((3, 3))
    for axis, (world, sign) in enumerate(places):
        affine[world, axis] = sign * SIZES[world]
        if sign < 0:
            values = np.flip(values, axis=axis)
    return values[None], affine


@pytest.mark.parametrize("wanted", ["SPL", "RAS", "LIP"])
def test_from_all_48_orientations_the_same_volume_comes_out(wanted: str) -> None:
    expected = stored(wanted)[0]

    for orientation in ORIENTATIONS:
        found = turned(*stored(orientation), wanted)

        np.testing.assert_array_equal(found.values, expected)
        assert found.spacing == tuple(SIZES[LETTERS[letter][0]] for letter in wanted)
        assert found.orientation == wanted
        assert found.notes == (() if orientation == wanted else (f"turned from {orientation}",))
    assert len(set(ORIENTATIONS)) == 48


def test_an_oblique_scan_keeps_its_spacing_and_says_how_far_off_it_is() -> None:
    values, affine = stored("RAS")
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])

    found = turned(values, turn @ affine, "RAS")

    np.testing.assert_array_equal(found.values, values)
    assert found.spacing == pytest.approx(SIZES)
    assert found.notes == ("scanned 20° off these axes, and not interpolated onto them",)


@pytest.mark.parametrize("orientation", ["SP", "SPR L", "SAP", "XPL", ""])
def test_what_is_no_orientation_is_refused(orientation: str) -> None:
    with pytest.raises(DataError, match="such as SPL"):
        check_orientation(orientation)


def test_a_voxel_without_size_is_refused() -> None:
    with pytest.raises(DataError, match="no size"):
        turned(WORLD[None], np.diag([1.0, 0.0, 1.0]), "SPL")


def test_npy_is_taken_as_it_is_with_the_spacing_that_is_given(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", WORLD.astype(np.int16))
    np.save(tmp_path / "two.npy", np.stack([WORLD, -WORLD]))

    one = read_volume(tmp_path / "one.npy", spacing=(5.0, 2.0, 1.0))
    two = read_volume(tmp_path / "two.npy")

    np.testing.assert_array_equal(one.values, WORLD[None])
    assert one.values.dtype == np.float32
    assert one.described() == (
        "2×3×4 voxels of 5×2×1 mm (depth, height, width), orientation unknown; an .npy file says nothing of its "
        "orientation: taken as it is"
    )
    assert two.values.shape == (2, 2, 3, 4)
    assert two.spacing is None


def test_resampling_keeps_the_extent_and_a_linear_ramp() -> None:
    ramp = np.arange(10.0, dtype=np.float32)
    volume = Volume(np.tile(ramp, (1, 4, 6, 1)), (3.0, 1.0, 2.0), "SPL")

    found = resampled(volume, (3.0, 2.0, 1.0))

    assert found.values.shape == (1, 4, 3, 20)
    assert found.spacing == pytest.approx((3.0, 2.0, 1.0))
    inner = found.values[0, 1, 1, 1:-1]
    np.testing.assert_allclose(inner, (np.arange(1, 19) + 0.5) / 2 - 0.5, atol=1e-5)
    assert found.notes == ("resampled from 3×1×2 mm",)
    assert resampled(volume, (3.0, 1.0, 2.0)) is volume
    with pytest.raises(DataError, match="not known"):
        resampled(Volume(volume.values, None, None), (1.0, 1.0, 1.0))


def test_what_is_no_volume_is_refused_in_words(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.zeros((3, 4)))
    np.save(tmp_path / "words.npy", np.array([[["a"]]]))
    np.save(tmp_path / "objects.npy", np.array([[[None]]]), allow_pickle=True)
    (tmp_path / "torn.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "notes.txt").write_text("no volume")

    for name, why in [
        ("flat.npy", "expected numbers"), ("words.npy", "expected numbers"), ("objects.npy", "cannot be read"),
        ("torn.npy", "cannot be read"), ("none.npy", "cannot be read"), ("notes.txt", "is no volume"),
    ]:  # fmt: skip
        with pytest.raises(DataError, match=why):
            read_volume(tmp_path / name)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)

    with pytest.raises(DataError, match=r"needs nibabel.*auditor\[volumes\]"):
        read_volume(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "ASL", "PIR"])
def test_nifti_of_any_orientation_gives_the_same_volume(tmp_path: Path, orientation: str) -> None:
    nibabel = pytest.importorskip("nibabel")
    values, affine = stored(orientation)
    whole = np.eye(4)
    whole[:3, :3] = affine
    image = nibabel.Nifti1Image(values[0].astype(np.float32), whole)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "scan.nii.gz")

    found = read_volume(tmp_path / "scan.nii.gz")

    np.testing.assert_array_equal(found.values, stored("SPL")[0])
    assert found.spacing == pytest.approx((1.0, 2.0, 5.0))
    assert found.notes == (f"turned from {orientation}",)


def test_nifti_without_a_place_in_the_patient_says_so(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(WORLD.astype(np.float32), None)
    nibabel.save(image, tmp_path / "scan.nii")
    (tmp_path / "torn.nii").write_bytes((tmp_path / "scan.nii").read_bytes()[:300])

    found = read_volume(tmp_path / "scan.nii")

    assert (found.orientation, found.spacing) == (None, None)
    np.testing.assert_array_equal(found.values[0], WORLD.transpose(2, 1, 0))
    with pytest.raises(DataError, match="cannot be read as NIfTI"):
        read_volume(tmp_path / "torn.nii")


def dicom_series(folder: Path, keep: Any = range(4), **changes: Any) -> Path:
    """WORLD as axial slices from the head down, in files whose names are in no order; stored as (value + 1024) / 2."""
    pydicom = pytest.importorskip("pydicom")
    folder.mkdir()
    for index in keep:
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = pydicom.uid.CTImageStorage
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = f"1.2.3.{index + 1}"
        data.SeriesInstanceUID = "1.2.3"
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]  # columns to the left, rows to the back
        data.ImagePositionPatient = [-3.0, -7.0, 40.0 + index]
        data.PixelSpacing = [2.0, 5.0]
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 0
        slice_ = WORLD[::-1, ::-1, index].T  # rows run to posterior, columns to left
        data.Rows, data.Columns = slice_.shape
        data.RescaleSlope, data.RescaleIntercept = 2, -1024
        data.PixelData = ((slice_ + 1024) / 2).astype(np.uint16).tobytes()
        for key, value in changes.items():
            setattr(data, key, value(index))
        data.save_as(folder / f"{(index * 7) % 5}.dcm", enforce_file_format=True)
    return folder


def test_a_dicom_series_is_sorted_by_place_and_rescaled(tmp_path: Path) -> None:
    series = dicom_series(tmp_path / "ct")
    (series / "readme.txt").write_text("not DICOM")

    found = read_volume(series)

    np.testing.assert_array_equal(found.values, stored("SPL")[0] // 2 * 2)  # even numbers survive the slope of 2
    assert found.spacing == pytest.approx((1.0, 2.0, 5.0))
    assert found.notes == ("1 files of the folder are not DICOM and were passed over",)


def test_a_series_that_is_no_volume_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    pytest.importorskip("pydicom")
    dicom_series(tmp_path / "gap", keep=(0, 1, 3))
    dicom_series(tmp_path / "two", SeriesInstanceUID=lambda index: f"1.2.{index // 2}")
    dicom_series(
        tmp_path / "tilted", ImageOrientationPatient=lambda index: [1, 0, 0, 0, 1, 0] if index else [0, 1, 0, 1, 0, 0]
    )
    dicom_series(tmp_path / "frames", NumberOfFrames=lambda _: 2)

    for name, why in [
        ("empty", "no DICOM files"), ("gap", "1 to 2 mm apart"), ("two", "2 DICOM series"),
        ("tilted", "differ in ImageOrientationPatient"), ("frames", "several frames"),
    ]:  # fmt: skip
        with pytest.raises(DataError, match=why):
            read_volume(tmp_path / name)
