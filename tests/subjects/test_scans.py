"""NIfTI and DICOM: the same body comes out of any file that holds it, and what is damaged is refused in words."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from auditor.errors import DataError
from auditor.subjects.datasets.volumes import Volumes
from auditor.subjects.volumes import read_volume
from tests.subjects.scan_files import laid, turned_by, write_dicom, write_nifti

BODY = np.random.default_rng(0).integers(-512, 512, (5, 4, 3)).astype(np.int16) * 2
"""Axes rise to SPL."""
SPACING = (5.0, 2.0, 1.5)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("orientation", ["SPL", "RAS", "LPS", "ASL", "PIR"])
def test_nifti_of_any_orientation_gives_the_same_body(tmp_path: Path, orientation: str, ending: str) -> None:
    path = write_nifti(tmp_path / f"scan{ending}", *laid(BODY, SPACING, orientation))

    found = read_volume(path)

    np.testing.assert_array_equal(found.values[0], BODY)
    assert found.spacing == pytest.approx(SPACING)
    assert found.orientation == "SPL"
    assert found.notes == (() if orientation == "SPL" else (f"turned from {orientation}",))


def test_nibabel_says_the_same_of_the_orientation(tmp_path: Path) -> None:
    values, affine = laid(BODY, SPACING, "PIR")
    path = write_nifti(tmp_path / "scan.nii", values, affine)

    expected = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt("LPS")
    )
    theirs = nibabel.orientations.apply_orientation(nibabel.load(path).get_fdata(), expected)

    np.testing.assert_array_equal(read_volume(path, orientation="LPS").values[0], theirs)
    assert "".join(nibabel.aff2axcodes(affine)) == "PIR"


def test_an_oblique_scan_keeps_its_voxels_and_says_how_far_it_is_askew(tmp_path: Path) -> None:
    values, affine = laid(BODY, SPACING, "LPS")
    path = write_nifti(tmp_path / "scan.nii", values, turned_by(affine, 25))

    found = read_volume(path)

    np.testing.assert_array_equal(found.values[0], BODY)
    assert found.spacing == pytest.approx(SPACING)
    assert found.notes == ("turned from LPS", "scanned 25° off these axes, and not interpolated onto them")


def test_metres_become_millimetres_and_slope_and_intercept_of_the_file_are_applied(tmp_path: Path) -> None:
    values, affine = laid(BODY, (0.005, 0.002, 0.0015), "SPL")
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units("meter")
    image.header.set_slope_inter(2, -10)
    nibabel.save(image, tmp_path / "scan.nii")

    found = read_volume(tmp_path / "scan.nii")

    assert found.spacing == pytest.approx(SPACING)
    np.testing.assert_array_equal(found.values[0], 2 * BODY.astype(np.float32) - 10)


def test_nifti_without_a_place_in_the_patient_says_so(tmp_path: Path) -> None:
    found = read_volume(write_nifti(tmp_path / "scan.nii", BODY, None))

    assert (found.orientation, found.spacing) == (None, None)
    np.testing.assert_array_equal(found.values[0], BODY.transpose(2, 1, 0))
    assert "orientation unknown; the file gives no orientation: its last axis is taken as depth" in found.described()


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("scan.nii", _cut), ("scan.nii", lambda data: data[:300]), ("scan.nii", lambda _: b""),
        ("scan.nii", lambda data: data[:40] + b"\xff\x7f" * 8 + data[56:]),  # a broken size of the axes
        ("scan.nii.gz", _cut), ("scan.nii.gz", lambda _: b"no gzip at all"),
        ("scan.nii.gz", lambda data: data[:30] + bytes(20) + data[50:]),
        ("scan.nii.gz", lambda data: gzip.compress(gzip.decompress(data)[:350])),
    ],
)  # fmt: skip
def test_a_damaged_nifti_file_is_refused_by_its_name(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    path = write_nifti(tmp_path / name, *laid(BODY, SPACING, "LPS"))
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DataError, match=r"^scan\.nii"):
        read_volume(path)


def test_a_series_is_put_in_order_by_place_whatever_its_names_and_numbers_are(tmp_path: Path) -> None:
    found = read_volume(write_dicom(tmp_path / "ct", BODY, SPACING))

    np.testing.assert_array_equal(found.values[0], BODY)
    assert found.spacing == pytest.approx(SPACING)
    assert found.orientation == "SPL"
    assert found.notes == ()


@pytest.mark.parametrize("wanted", ["SPL", "RAS", "PIR"])
def test_a_series_and_a_nifti_file_of_one_body_are_one_volume(tmp_path: Path, wanted: str) -> None:
    series = read_volume(write_dicom(tmp_path / "ct", BODY, SPACING), orientation=wanted)
    file = read_volume(write_nifti(tmp_path / "scan.nii", *laid(BODY, SPACING, "LAS")), orientation=wanted)

    np.testing.assert_array_equal(series.values, file.values)
    assert series.spacing == pytest.approx(file.spacing)


def test_each_slice_has_its_own_slope_and_intercept_and_may_have_none(tmp_path: Path) -> None:
    folder = write_dicom(
        tmp_path / "pet", BODY, SPACING, RescaleSlope=lambda index: index + 1, RescaleIntercept=lambda index: -index
    )
    plain = write_dicom(tmp_path / "mr", BODY, SPACING)
    for file in plain.iterdir():
        data = pydicom.dcmread(file)
        del data.RescaleSlope, data.RescaleIntercept
        data.save_as(file)
    stored = (BODY.astype(np.float32) + 1024) / 2
    numbers = np.arange(len(BODY)).reshape(-1, 1, 1)

    np.testing.assert_allclose(read_volume(folder).values[0], stored * (numbers + 1) - numbers)
    np.testing.assert_array_equal(read_volume(plain).values[0], stored)


def test_what_is_not_dicom_is_passed_over_and_told(tmp_path: Path) -> None:
    folder = write_dicom(tmp_path / "ct", BODY, SPACING, ending="")
    (folder / "readme.txt").write_text("not DICOM")

    assert read_volume(folder).notes == ("1 file of the folder is not DICOM and was passed over",)


def test_gaps_between_thin_slices_and_a_tilted_gantry_are_told(tmp_path: Path) -> None:
    thin = write_dicom(tmp_path / "thin", BODY, SPACING, SliceThickness=lambda _: 2)
    tilted = write_dicom(
        tmp_path / "tilted", BODY, SPACING, ImagePositionPatient=lambda index: [0.0, 1.5 * index, 5.0 * index]
    )

    assert read_volume(thin).notes == ("slices of 2 mm lie 5 mm apart: nothing is known of what is between them",)
    assert read_volume(tilted).notes == (
        "slices are shifted sideways by up to 6 mm, as by a tilted gantry, and not put straight",
    )
    assert read_volume(tilted).spacing == pytest.approx(SPACING)


def test_a_series_that_is_no_volume_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_dicom(tmp_path / "gap", BODY, SPACING, keep=(0, 1, 3, 4))
    write_dicom(tmp_path / "twice", BODY, SPACING, ImagePositionPatient=lambda index: [0, 0, 5.0 * (index // 2)])
    write_dicom(tmp_path / "mixed", BODY, SPACING)
    write_dicom(tmp_path / "mixed", BODY, SPACING, seed=1, ending="b.dcm")
    write_dicom(
        tmp_path / "tilted", BODY, SPACING,
        ImageOrientationPatient=lambda index: [1, 0, 0, 0, 1, 0] if index else [0, 1, 0, 1, 0, 0],
    )  # fmt: skip
    write_dicom(tmp_path / "frames", BODY, SPACING, NumberOfFrames=lambda _: 2)

    for name, why in [
        ("empty", "no DICOM files"), ("gap", "5 to 10 mm apart; some are missing"), ("twice", "0 to 5 mm apart"),
        ("mixed", "2 DICOM series; put each into a folder of its own"),
        ("tilted", "differ in ImageOrientationPatient"), ("frames", "several frames"),
    ]:  # fmt: skip
        with pytest.raises(DataError, match=f"^{name}[: ].*{why}"):
            read_volume(tmp_path / name)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pydicom")
@pytest.mark.parametrize("damage", [_cut, lambda data: data[:-10], lambda data: data[:200], lambda _: b"",
                                    lambda data: data[:20] + data[60:]])  # fmt: skip
def test_a_damaged_slice_is_refused_by_its_name(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    folder = write_dicom(tmp_path / "ct", BODY, SPACING)
    file = sorted(folder.iterdir())[2]
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(DataError, match=rf"^ct: .*{file.name}"):
        read_volume(folder)


def test_folders_of_series_are_found_by_what_their_files_begin_with(tmp_path: Path) -> None:
    for name, ending in (("a/one", ".dcm"), ("a/two", ""), ("b/three", ".840.113")):
        write_dicom(tmp_path / "data" / name, BODY, SPACING, ending=ending)
    (tmp_path / "data" / "a" / "LICENSE").write_text("a class folder with a file without an ending is no series")
    write_nifti(tmp_path / "data" / "b" / "four.nii.gz", *laid(BODY, SPACING, "RAS"))

    pictures, classes = Volumes(path="data").pictures(folder=tmp_path, classes=("b", "a"))

    assert [(one.name, one.label) for one in pictures] == [
        ("a/one", 1), ("a/two", 1), ("b/four.nii.gz", 0), ("b/three", 0),
    ]  # fmt: skip
    assert classes == ("b", "a")


@pytest.mark.parametrize(("package", "file"), [("nibabel", "scan.nii.gz"), ("pydicom", "ct")])
def test_a_missing_extra_is_named_before_anything_is_read(
    tmp_path: Path, package: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_nifti(tmp_path / "data" / "scan.nii.gz", *laid(BODY, SPACING, "RAS"))
    write_dicom(tmp_path / "data" / "ct", BODY, SPACING)
    found = __import__("importlib.util", fromlist=["find_spec"]).find_spec
    monkeypatch.setattr(
        "auditor.subjects.datasets.volumes.find_spec", lambda name: None if name == package else found(name)
    )

    ((key, what),) = Volumes(path="data").problems(folder=tmp_path)

    assert key == "path"
    assert what == f"{file} needs {package}, which is not installed: pip install 'auditor[volumes]'"
