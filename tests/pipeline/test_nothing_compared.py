"""A probe that could compare nothing has not passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from auditor.cli import invoke
from tests.models import pictures

NET = """\
import torch

class SaysTheSame(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 2, 3)

    def forward(self, x):
        return 0 * self.first(x).mean((2, 3)) + torch.tensor([1.0, 0.0])

def make():
    return SaysTheSame()
"""
SPEC = """\
version: 1
name: constant
model:
  source: python
  factory: net.py:make
  classes: [dark, bright]
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset:
  source: csv
  path: sample.csv
  columns: {image: image, label: label}
visualizations: []
metrics: []
report: {formats: [json]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images, labels = pictures(12)
    rows = ["image,label"]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), image.transpose(1, 2, 0))
        rows.append(f"{index}.png,{label}")
    (tmp_path / "sample.csv").write_text("\n".join(rows))
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def audited(folder: Path, probes: str, *options: str) -> tuple[int, dict[str, Any]]:
    (folder / "spec.yaml").write_text(f"{SPEC}probes: {probes}\n")
    code = invoke(["run", str(folder / "spec.yaml"), "-o", str(folder / "out"), *options])
    return code, json.loads((folder / "out" / "audit.json").read_text())


def test_a_model_of_one_class_leaves_the_audit_incomplete_with_the_reason(folder: Path) -> None:
    code, audit = audited(folder, "[corner, border, colour]")

    assert code == audit["exit_code"] == 3
    assert audit["verdict"] == "incomplete"
    assert {check["id"]: check["verdict"] for check in audit["checks"]} == dict.fromkeys(
        ("corner", "border", "colour"), "insufficient"
    )
    assert any(
        reason.startswith("corner: too little data to judge")
        and "it takes pictures that are predicted as different classes" in reason
        for reason in audit["reasons"]
    )


def test_probes_that_are_not_required_leave_it_to_the_others(folder: Path) -> None:
    code, audit = audited(folder, "[{use: corner, required: false}]")

    assert code == 0
    assert audit["verdict"] == "pass"
    assert [check["verdict"] for check in audit["checks"]] == ["insufficient"]


def test_a_run_that_goes_on_remembers_it(folder: Path) -> None:
    audited(folder, "[corner]")
    (folder / "out" / "manifest.json").unlink()
    (folder / "out" / "audit.json").unlink()

    code, audit = audited(folder, "[corner]", "--resume")

    assert code == 3
    assert audit["verdict"] == "incomplete"
