"""Whole audits of clips and volumes, on networks that are built by hand, so that what they read is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.cli import invoke
from auditor.demo.depth import prepare
from auditor.errors import DataError
from auditor.explain import explain_pictures
from auditor.pipeline import RunRequest, run
from auditor.plan import make_plan
from auditor.progress import Silent
from auditor.records import Audit, AuditVerdict

FAST = ["metrics=[performance, frame_order]", "probes=[]", "report.formats=[json]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("depth")
    prepare(path, clips=80, volumes=16)
    return path


def audited(folder: Path, name: str, overrides: Sequence[str], run_name: str = "") -> tuple[Audit, Path]:
    out = folder / "runs" / (run_name or name)
    return run(make_plan(folder / f"{name}.yaml", list(overrides)), RunRequest(out)), out


@pytest.fixture(scope="module")
def motion(folder: Path) -> tuple[Audit, Path]:
    full = [
        "dataset.sample.size=8", "visualizations=full", "metrics=[performance, frame_order, stability]", "probes=[]",
        "report.formats=[html, json]",
    ]  # fmt: skip
    return audited(folder, "motion", full)


def test_every_method_of_the_full_preset_is_made_or_skipped_in_words(motion: tuple[Audit, Path]) -> None:
    audit, _ = motion

    assert audit.failures == ()
    by_status: dict[str, set[str]] = {}
    for item in audit.visualizations:
        by_status.setdefault(item.status, set()).add(item.name)
    assert set(by_status) == {"ok", "skipped"}
    assert {
        "grad_cam", "grad_cam_plus_plus", "layer_cam", "hires_cam", "eigen_cam", "saliency", "input_x_gradient",
        "integrated_gradients", "smooth_grad", "occlusion", "block_occlusion", "frame_occlusion", "kernels",
    } <= by_status["ok"]  # fmt: skip
    assert {
        "multi_scale_cam", "rise", "lime", "kernel_shap", "feature_maps", "top_activating_images", "embedding_map",
        "adversarial_examples", "activation_maximization", "activation_statistics",
    } <= by_status["ok"]  # fmt: skip
    assert {"attention_rollout", "attention_matrices"} <= by_status["skipped"]
    assert all(item.reason for item in audit.visualizations if item.status == "skipped")


def test_the_motion_network_uses_the_order_of_frames(motion: tuple[Audit, Path]) -> None:
    found = {item.name: item for item in motion[0].metrics}

    assert found["accuracy"].value == 1
    assert found["kept_with_frames_reversed"].value == 0
    assert found["kept_with_frames_reversed"].high == pytest.approx(1 - 0.025 ** (1 / 8))


def test_a_strip_of_frames_and_a_curve_over_time_are_in_the_report(motion: tuple[Audit, Path]) -> None:
    audit, out = motion
    (grad_cam,) = [item for item in audit.visualizations if item.name == "grad_cam"]
    strips = [path for path in grad_cam.figures if path.endswith(".jpg")]
    (curve,) = [path for path in grad_cam.figures if path.endswith(".svg")]

    assert len(strips) == 2
    picture = cv2.imread(str(out / strips[0]))
    assert picture.shape[1] > 2 * picture.shape[0], "eight frames side by side"
    assert "Frames 0 to 7; the tallest bar, frame " in audit.figures[strips[0]].caption
    assert "share of each frame in its map" in audit.figures[curve].caption
    page = (out / "report.html").read_text()
    assert audit.figures[curve].caption.split(":")[0] in page
    assert "8 clips" in page
    saved = np.load(out / "evidence" / "maps" / "saliency.npz")
    assert saved["maps"].shape == (8, 8, 24, 32)


def test_a_method_that_hides_a_place_in_all_frames_at_once_draws_no_weights_and_says_so(
    motion: tuple[Audit, Path],
) -> None:
    audit, _ = motion
    (occlusion,) = [item for item in audit.visualizations if item.name == "occlusion"]

    assert all(path.endswith(".jpg") for path in occlusion.figures)
    assert any(remark.startswith("Each place is hidden in all frames at once") for remark in occlusion.remarks)
    assert audit.figures[occlusion.figures[0]].caption.endswith("; the map is the same in every frame.")


def test_words_of_clips_do_not_speak_of_pictures(motion: tuple[Audit, Path]) -> None:
    audit, _ = motion
    made = [item for item in audit.visualizations if item.status == "ok"]

    of_methods = [audit.figures[path] for item in made for path in item.figures]
    said = [words for one in of_methods for words in (one.caption, one.alt, one.reading or "")]
    said += [remark for item in made for remark in item.remarks]
    assert [words for words in said if "picture" in words] == []


def test_a_tag_in_every_frame_is_confirmed_as_the_corner(folder: Path) -> None:
    probes = ["visualizations=[frame_occlusion]", "probes=[{use: corner, removal: false}]", *FAST[:1], FAST[2]]

    audit, _ = audited(folder, "tag", probes)

    assert audit.verdict is AuditVerdict.FAIL
    assert {finding.region.name for finding in audit.findings if finding.region} == {"top-left"}
    assert audit.findings[0].figures
    kept = {item.name: item.value for item in audit.metrics}
    assert kept["kept_with_frames_shuffled"] == kept["kept_with_frames_reversed"] == kept["kept_with_one_frame"] == 1


def test_the_motion_network_is_not_accused_of_the_tag(folder: Path) -> None:
    probes = ["visualizations=[]", "probes=[{use: corner, removal: false}]", *FAST[:1], FAST[2]]

    audit, _ = audited(folder, "motion", probes, "motion-corner")

    assert audit.findings == ()
    assert audit.verdict is AuditVerdict.PASS


def test_methods_are_compared_on_clips_as_on_pictures(folder: Path) -> None:
    chosen = ["visualizations=[grad_cam, saliency]", "probes=[]", "metrics=[agreement]"]

    audit, _ = audited(folder, "motion", [*chosen, FAST[2]], "motion-agreement")

    assert audit.agreement is not None
    assert [name.split("@")[0] for name in audit.agreement["names"]] == ["grad_cam", "saliency", "edges", "centre"]
    assert all(value is not None for row in audit.agreement["rank"] for value in row)


def test_an_audit_without_any_probe_that_can_run_is_incomplete(folder: Path) -> None:
    overrides = ["dataset.sample.size=4", "visualizations=[]", "probes=[{use: colour, required: false}]"]

    audit, _ = audited(folder, "motion", [*overrides, *FAST[:1], FAST[2]], "motion-colour")

    assert audit.verdict is AuditVerdict.INCOMPLETE
    assert "none of the 1 kinds of test can be made on clips" in audit.reasons[0]
    (colour,) = [row for row in audit.not_tested if row.kind == "colour"]
    assert colour.rationale == "colour is made for pictures: nothing of it carries over to clips in this version"


def test_a_probe_that_has_nothing_to_compare_is_no_pass(folder: Path) -> None:
    one = ["dataset.sample.size=1", "visualizations=[]", "probes=[{use: corner, removal: false}]", *FAST[:1], FAST[2]]

    audit, _ = audited(folder, "motion", one, "motion-one")

    assert audit.verdict is AuditVerdict.INCOMPLETE
    assert "corner: too little data to judge" in audit.reasons[0]
    assert "no check could be made: it takes clips that are predicted as different classes" in audit.reasons[0]


def test_a_volume_is_shown_in_three_planes_where_the_lesion_is(folder: Path) -> None:
    shown = ["visualizations=[{use: block_occlusion, pieces: [4, 4, 4]}, grad_cam]", "metrics=[performance]"]

    audit, out = audited(folder, "lesion", [*shown, "probes=[]", "report.formats=[pdf, json]"])

    assert audit.failures == ()
    assert {item.status for item in audit.visualizations} == {"ok"}
    saved = np.load(out / "evidence" / "maps" / "block_occlusion.npz")["maps"].astype(np.float32)
    lesions = [index for index, item in enumerate(audit.images) if item.label == "lesion"]
    for index in lesions:
        values = np.load(folder / "volumes" / audit.images[index].image)
        centre = np.argwhere(values == 200).mean(axis=0).round().astype(int)
        assert saved[index][tuple(centre)] == saved[index].max() > 0
    (figure, *_) = [path for path in audit.visualizations[0].figures if path.endswith(".jpg")]
    caption = audit.figures[figure].caption
    assert "voxels of 4 × 2 × 2 mm, orientation unknown" in caption
    assert "across depth: " in caption
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    assert any("16 of 16 volumes: 16×28×24 voxels of 4×2×2 mm" in note for note in audit.notes)


@pytest.mark.parametrize("name", ["motion", "tag", "lesion"])
def test_the_shipped_specs_have_no_mistakes_and_can_be_planned(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["check", str(folder / f"{name}.yaml")]) == 0
    assert invoke(["plan", str(folder / f"{name}.yaml")]) == 0

    assert "left out, because they mean nothing on" in capsys.readouterr().out.replace("\n", " ")


def test_explain_says_that_it_looks_at_pictures(folder: Path) -> None:
    with pytest.raises(DataError, match="this spec brings clips"):
        explain_pictures(make_plan(folder / "motion.yaml"), [Path("x.png")], folder, Silent())
