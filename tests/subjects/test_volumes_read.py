"""Volumes: each voxel keeps its place in the patient, and its size, whatever the file's own axes are."""

from __future__ import annotations

import itertools
from pathlib import Path

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
