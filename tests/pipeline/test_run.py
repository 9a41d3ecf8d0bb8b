"""A whole audit, from spec to finished folder, on a network that reads only the corner."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from auditor.cli import invoke
from auditor.errors import ModelError, RunFolderError
from auditor.pipeline import RunRequest, run
from auditor.plan import make_plan
from auditor.probes.corner import Corner
from auditor.records import Audit, AuditVerdict, Verdict
from auditor.runs import load_audit
from tests.models import HEIGHT, WIDTH, pictures

NET = """\
import torch
from torch import nn

class Reads(nn.Module):
    # one convolution that measures brightness, a fixed window over its output, and a linear head
    def __init__(self, place="corner"):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(2, 2)
        self.place = place
        with torch.no_grad():
            self.features[0].weight.fill_(1 / 27)
            self.features[0].bias.zero_()
            self.head.weight.copy_(torch.tensor([[-20.0, -20.0], [20.0, 20.0]]))
            self.head.bias.copy_(torch.tensor([20.0, -20.0]))

    def forward(self, x):
        maps = self.features(x)
        window = maps[:, :, 1:4, 1:4] if self.place == "corner" else maps[:, :, 9:15, 13:19]
        return self.head(window.mean((2, 3)))

def make(place="corner"):
    return Reads(place)
"""

SPEC = """\
version: 1
name: toy
title: A <b>toy</b> & its "audit"
model:
  source: python
  factory: net.py:make
  options: {place: PLACE}
  classes: [dark, "<script>alert(1)</script>"]
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset:
  source: csv
  path: sample.csv
  columns: {image: image, label: label, mask: mask}
  sample: {size: 96}
visualizations: quick
probes: quick
metrics: quick
policy: {fail_on: high}
report: {formats: [html, json]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toy")
    (root / "net.py").write_text(NET)
    (root / "pictures").mkdir()
    images, labels = pictures(96)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[8:16, 12:20] = 255
    cv2.imwrite(str(root / "mask.png"), mask)
    rows = ["image,label,mask"]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        cv2.imwrite(str(root / "pictures" / f"{index:03d}.png"), image.transpose(1, 2, 0)[:, :, ::-1])
        rows.append(f"pictures/{index:03d}.png,{label},mask.png")
    rows.append("pictures/missing.png,0,")
    (root / "pictures" / "empty.png").write_bytes(b"")
    rows.append("pictures/empty.png,1,")
    (root / "sample.csv").write_text("\n".join(rows) + "\n")
    for place in ("corner", "centre"):
        (root / f"{place}.yaml").write_text(SPEC.replace("PLACE", place))
    return root


@pytest.fixture(scope="module")
def cheat(folder: Path) -> tuple[Audit, Path]:
    out = folder / "runs" / "corner"
    return run(make_plan(folder / "corner.yaml", ["dataset.sample.size=98"]), RunRequest(out)), out


def test_the_corner_is_confirmed_and_the_gate_fails(cheat: tuple[Audit, Path]) -> None:
    audit, _ = cheat

    assert audit.verdict is AuditVerdict.FAIL
    assert audit.exit_code == 1
    assert audit.findings[0].kind in ("corner", "overlay")
    region = audit.findings[0].region
    assert region is not None
    assert region.box is not None
    assert region.box[0] <= 5
    assert region.box[1] <= 5
    assert audit.findings[0].figures


def test_a_model_that_reads_its_object_is_not_accused(folder: Path) -> None:
    audit = run(make_plan(folder / "centre.yaml"), RunRequest(folder / "runs" / "centre"))

    assert audit.findings == ()
    assert audit.verdict is AuditVerdict.PASS


def test_the_model_is_byte_identical_before_and_after(cheat: tuple[Audit, Path]) -> None:
    audit, _ = cheat

    assert audit.model.sha256_before == audit.model.sha256_after
    assert len(audit.model.sha256_before) == 64


def test_unreadable_pictures_are_listed_with_the_reason(cheat: tuple[Audit, Path]) -> None:
    audit, _ = cheat

    assert {item.image: bool(item.why) for item in audit.sample.unreadable} == {
        "pictures/missing.png": True,
        "pictures/empty.png": True,
    }
    assert audit.sample.readable == 96


def test_maps_and_a_small_picture_of_every_image_are_kept_for_the_gallery(cheat: tuple[Audit, Path]) -> None:
    audit, out = cheat
    made = [item for item in audit.visualizations if item.maps is not None]

    assert made
    for item in made:
        assert item.maps is not None
        with np.load(out / item.maps, allow_pickle=False) as stored:
            assert len(stored["maps"]) == len(stored["peaks"]) == len(audit.images)
    assert all(image.thumbnail is not None and (out / image.thumbnail).is_file() for image in audit.images)
    assert 'id="picture-96"' in (out / "report.html").read_text(encoding="utf-8")


def test_the_folder_is_finished_and_reads_back_as_the_same_audit(cheat: tuple[Audit, Path]) -> None:
    audit, out = cheat
    manifest = json.loads((out / "manifest.json").read_text())

    loaded = load_audit(out)

    assert loaded.checks == audit.checks
    assert {"report.html", "audit.json", "spec.yaml", "log.txt"} <= set(manifest["files"])
    assert all((out / path).is_file() for path in loaded.figures)


def test_untrusted_names_are_escaped_in_the_report(cheat: tuple[Audit, Path]) -> None:
    _, out = cheat

    html = (out / "report.html").read_text()

    assert "<script>alert(1)</script>" not in html
    assert "A <b>toy</b>" not in html


def test_the_contract_of_audit_json_holds(cheat: tuple[Audit, Path]) -> None:
    _, out = cheat
    audit = json.loads((out / "audit.json").read_text())

    assert audit["schema"] == "auditor/audit@1"
    for key in ("name", "verdict", "exit_code", "started", "finished", "model", "sample", "environment", "checks"):
        assert key in audit
    finding = next(check for check in audit["checks"] if check["verdict"] == "confirmed")
    for key in ("id", "kind", "region", "class", "also", "grade", "severity", "q", "status", "sentence", "spec_line"):
        assert key in finding
    for measurement in finding["measurements"]:
        assert set(measurement) >= {"name", "value", "low", "high", "unit", "count"}
        assert measurement["low"] <= measurement["value"] <= measurement["high"]
    assert {item["name"] for item in audit["metrics"]} >= {"accuracy"}


def test_a_finished_folder_is_never_run_over(cheat: tuple[Audit, Path], folder: Path) -> None:
    _, out = cheat

    with pytest.raises(RunFolderError, match="holds a finished audit"):
        run(make_plan(folder / "corner.yaml"), RunRequest(out))


def test_a_folder_of_other_things_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")

    with pytest.raises(RunFolderError, match="not empty"):
        run(make_plan(folder / "corner.yaml"), RunRequest(tmp_path))


def test_a_run_that_broke_off_goes_on_and_gives_the_same_audit(
    folder: Path, tmp_path: Path, cheat: tuple[Audit, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(folder / "corner.yaml", ["dataset.sample.size=98"])
    out = tmp_path / "broken"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Corner, "run", stop)
        with pytest.raises(KeyboardInterrupt):
            run(plan, RunRequest(out))
    assert not (out / "manifest.json").exists()
    with pytest.raises(RunFolderError, match="--resume"):
        run(plan, RunRequest(out))

    resumed = run(plan, RunRequest(out, resume=True))

    assert resumed.checks == cheat[0].checks
    assert resumed.metrics == cheat[0].metrics


def test_a_probe_that_breaks_is_shown_and_the_others_go_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("it broke")

    monkeypatch.setattr(Corner, "run", broken)

    audit = run(make_plan(folder / "centre.yaml"), RunRequest(tmp_path / "out"))

    assert audit.verdict is AuditVerdict.INCOMPLETE
    assert audit.exit_code == 3
    assert [failure.part for failure in audit.failures] == ["probes.corner"]
    assert any(check.kind == "border" for check in audit.checks)
    assert audit.model.sha256_before == audit.model.sha256_after


def test_expected_accuracy_stops_the_audit_and_names_the_doctor(folder: Path, tmp_path: Path) -> None:
    plan = make_plan(folder / "corner.yaml", ["model.expected={accuracy: 0.5, tolerance: 0.05}"])

    with pytest.raises(ModelError, match="auditor doctor"):
        run(plan, RunRequest(tmp_path / "out"))

    assert not (tmp_path / "out" / "manifest.json").exists()


def test_probes_that_have_nothing_to_work_on_are_not_tested(folder: Path, tmp_path: Path) -> None:
    plan = make_plan(folder / "centre.yaml", ["dataset.columns={image: image, label: label}", "probes=[background]"])

    audit = run(plan, RunRequest(tmp_path / "out"))

    assert audit.exit_code == 0
    assert [check.verdict for check in audit.checks] == [Verdict.NOT_TESTED]
    assert {row.kind for row in audit.not_tested} >= {"background", "border"}


def test_the_command_line_prints_paths_and_gates(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "cli"

    code = invoke(["run", str(folder / "corner.yaml"), "-o", str(out), "--set", "probes=[corner]"])
    captured = capsys.readouterr()

    assert code == 1
    assert captured.out.splitlines() == [str(out / "audit.json"), str(out / "report.html")]
    assert "FAIL" in captured.err
    assert invoke(["render", str(out), "-f", "html"]) == 0


def test_exit_zero_changes_the_code_and_never_the_verdict(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "run",
        str(folder / "corner.yaml"),
        "-o",
        str(tmp_path / "x"),
        "--set",
        "probes=[corner]",
        "--exit-zero",
    ]

    assert invoke(arguments) == 0
    assert "FAIL" in capsys.readouterr().err
    assert load_audit(tmp_path / "x").exit_code == 1


def test_the_second_audit_of_the_same_spec_and_model_says_so(folder: Path, tmp_path: Path) -> None:
    plan = make_plan(folder / "corner.yaml", ["probes=[corner]", "metrics=[performance]", "visualizations=[saliency]"])

    first, second = (run(plan, RunRequest(tmp_path / name)) for name in ("1", "2"))

    assert (first.attempt, second.attempt) == (1, 2)
