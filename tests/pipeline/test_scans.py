"""Audits of NIfTI files and DICOM series by the command line: the same bodies give the same audit in any file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.cli import invoke
from auditor.demo.depth import SPACING, write_volumes
from tests.subjects.scan_files import laid, turned_by, write_dicom, write_nifti

COUNT = 6
SPEC = """\
version: 1
name: scans
model:
  source: python
  factory: auditor.demo.depth:lesion_net
  classes: [healthy, lesion]
  input: {size: [16, 28, 24], resize: squash, mean: [0], std: [1], channels: grey}
  expected: {accuracy: 1.0, tolerance: 0.02}
dataset:
  source: volumes
  path: KIND
  npy_spacing: [4, 2, 2]
  window: {level: 40, width: 400}
visualizations: [grad_cam, {use: block_occlusion, pieces: [4, 4, 4]}]
probes: []
metrics: [performance]
report: {formats: [html, json]}
"""
SIZES = "16×28×24 voxels of 4×2×2 mm (depth, height, width)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn bodies as .npy, as NIfTI that lie askew with all axes turned, and as DICOM in no order."""
    root = tmp_path_factory.mktemp("scans")
    write_volumes(root / "npy", COUNT)
    for number, file in enumerate(sorted((root / "npy").rglob("*.npy"))):
        values = np.load(file) // 2 * 2  # even, so that a slope of 2 loses nothing
        np.save(file, values)
        name = f"{file.parent.name}/{file.stem}"
        stored, affine = laid(values, SPACING, "AIR")
        write_nifti(root / "nifti" / f"{name}.nii.gz", stored, turned_by(affine, 20))
        write_dicom(root / "dicom" / name, values, SPACING, seed=number)
    for kind in ("npy", "nifti", "dicom"):
        (root / f"{kind}.yaml").write_text(SPEC.replace("KIND", kind))
    return root


def audited(folder: Path, kind: str, *overrides: str, run: str = "") -> tuple[dict[str, Any], Path]:
    out = folder / "runs" / (run or kind)
    options = [word for override in overrides for word in ("--set", override)]
    assert invoke(["run", str(folder / f"{kind}.yaml"), "-o", str(out), "--exit-zero", *options]) == 0
    return json.loads((out / "audit.json").read_text()), out


def maps_of(out: Path) -> dict[tuple[str, str | None], np.ndarray]:
    """(Method, layer) → its maps, as shares of each map's maximum."""
    found = json.loads((out / "audit.json").read_text())["visualizations"]
    return {(one["name"], one["layer"]): np.load(out / one["maps"])["maps"] for one in found}


@pytest.fixture(scope="module")
def expected(folder: Path) -> Path:
    """The audit of the .npy files."""
    return audited(folder, "npy")[1]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nifti", f"{SIZES}, axes rise to SPL; turned from AIR; scanned 20° off these axes, and not interpolated onto"),
        ("dicom", f"{SIZES}, axes rise to SPL"),
    ],
)
def test_the_same_bodies_give_the_same_maps_and_the_report_prints_spacing_and_orientation(
    folder: Path, expected: Path, kind: str, words: str
) -> None:
    audit, out = audited(folder, kind)

    assert audit["failures"] == []
    assert next(one["value"] for one in audit["metrics"] if one["name"] == "accuracy") == 1
    ours, theirs = maps_of(out), maps_of(expected)
    assert {name for name, _ in ours} == {"grad_cam", "block_occlusion"}
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        np.testing.assert_array_equal(values, theirs[key])
    assert any(note.startswith(f"{COUNT} of {COUNT} volumes: {words}") for note in audit["notes"])
    captions = [one["caption"] for path, one in audit["figures"].items() if "maps-" in path]
    assert len(captions) >= 4
    assert all("voxels of 4 × 2 × 2 mm, axes rise to SPL" in one and "axial" in one for one in captions)
    page = " ".join((out / "report.html").read_text().split())
    assert words in page
    assert captions[0] in page


def test_voxels_are_brought_to_one_size_and_the_report_says_from_which(folder: Path) -> None:
    audit, out = audited(
        folder, "nifti", "dataset.spacing=[4, 4, 4]", "model.input.size=[16, 14, 12]", "visualizations=[grad_cam]",
        "model.expected=null", run="resampled",
    )  # fmt: skip

    assert any("resampled from 4×2×2 mm" in note for note in audit["notes"])
    assert all("voxels of 4 × 4 × 4 mm" in one["caption"] for path, one in audit["figures"].items() if "maps-" in path)
    assert {values.shape for values in maps_of(out).values()} == {(COUNT, 16, 14, 12)}


def test_damaged_and_mixed_scans_are_left_out_by_name_and_the_report_says_why(folder: Path) -> None:
    torn = next((folder / "dicom" / "lesion").iterdir())
    twin = folder / "broken"
    for file in (folder / "dicom").rglob("*.dcm"):
        (twin / file.relative_to(folder / "dicom")).parent.mkdir(parents=True, exist_ok=True)
        (twin / file.relative_to(folder / "dicom")).write_bytes(file.read_bytes())
    slices = sorted((twin / "lesion" / torn.name).iterdir())
    slices[3].write_bytes(slices[3].read_bytes()[:-200])
    mixed, other = sorted((twin / "healthy").iterdir())[:2]
    first = sorted(other.iterdir())[0]
    (mixed / "other.dcm").write_bytes(first.read_bytes())
    (folder / "broken.yaml").write_text(SPEC.replace("KIND", "broken"))

    audit, out = audited(folder, "broken", "visualizations=[grad_cam]")

    why = {item["image"]: item["why"] for item in audit["sample"]["unreadable"]}
    assert set(why) == {f"lesion/{torn.name}", f"healthy/{mixed.name}"}
    assert f"the pixels of {slices[3].name} cannot be decoded" in why[f"lesion/{torn.name}"]
    assert "2 DICOM series; put each into a folder of its own" in why[f"healthy/{mixed.name}"]
    assert audit["sample"]["readable"] == COUNT - 2
    assert "2 DICOM series; put each into a folder of its own" in (out / "report.html").read_text()


def test_a_sample_of_nothing_but_damaged_files_is_an_error_of_the_user(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("healthy/a.nii", "lesion/b.nii.gz"):
        (folder / "torn" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "torn" / name).write_bytes(b"torn")
    (folder / "torn.yaml").write_text(SPEC.replace("KIND", "torn"))

    code = invoke(["run", str(folder / "torn.yaml"), "-o", str(folder / "runs" / "torn")])

    assert code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "cannot be read as NIfTI" in told
    assert "Traceback" not in told
