"""A whole audit whose maps explain something else than the predicted class."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from auditor.errors import ModelError
from auditor.pipeline import RunRequest, run
from auditor.plan import make_plan
from auditor.records import Audit
from tests.models import pictures
from tests.pipeline.test_run import NET, SPEC

SEGMENTS = """
import torch
from torch import nn

class Segments(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.classifier = nn.Conv2d(4, 3, 1)

    def forward(self, x):
        return {"out": self.classifier(self.body(x))}

def make_segments():
    return Segments()

def brightest(output):
    return output["out"][:, 2].mean((1, 2))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET + SEGMENTS)
    images, labels = pictures(20)
    rows = ["image,label"]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        cv2.imwrite(str(tmp_path / f"{index:03d}.png"), image.transpose(1, 2, 0)[:, :, ::-1])
        rows.append(f"{index:03d}.png,{label if index % 4 else ''}")
    (tmp_path / "sample.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def audited(folder: Path, *changes: tuple[str, str]) -> Audit:
    text = SPEC.replace("PLACE", "corner").replace(", mask: mask", "").replace("size: 96", "size: 20")
    text = text.replace('"<script>alert(1)</script>"', "light").replace("probes: quick", "probes: []")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "spec.yaml").write_text(text)
    return run(make_plan(folder / "spec.yaml"), RunRequest(folder / "out"))


def test_maps_say_what_they_explain_and_are_followed_by_that_score(folder: Path) -> None:
    entries = (
        "[saliency, {use: saliency, target: label}, {use: saliency, target: {difference: [light, dark]}}, eigen_cam]"
    )
    metrics = "[insertion_deletion, class_consistency, stability, randomisation, relevance_mass]"

    audit = audited(
        folder, ("visualizations: quick", f"visualizations: {entries}"), ("metrics: quick", f"metrics: {metrics}")
    )

    assert audit.failures == ()
    of_target = {item.target: item for item in audit.visualizations if item.name == "saliency"}
    assert list(of_target) == ["the predicted class", "the label", "light minus dark"]
    assert next(item for item in audit.visualizations if item.name == "eigen_cam").target is None
    assert of_target["the label"].images == 15
    assert "maps for the label: 5 pictures without a label were skipped" in audit.notes
    for words, item in of_target.items():
        caption = audit.figures[item.figures[0]].caption
        assert caption.startswith(f"Saliency, for: {words}. ")
        numbers = {m.name: m for m in item.measurements}
        assert numbers["insertion_auc"].value is not None
        assert {check.metric for check in item.trust_checks} >= {"insertion_deletion", "class_consistency", "stability"}
    whole = {words: {m.name: m.value for m in item.measurements} for words, item in of_target.items()}
    assert whole["light minus dark"]["insertion_auc"] != whole["the predicted class"]["insertion_auc"]
    assert any(null.name == "edges for light minus dark" for null in audit.null_maps)
    assert (folder / "out" / "evidence" / "maps" / "saliency.npz").is_file()
    page = (folder / "out" / "report.html").read_text()
    assert "for light minus dark" in page


SEGMENTATION = (
    ("factory: net.py:make", "factory: net.py:make_segments"),
    ("  options: {place: corner}\n  classes: [dark, light]\n", ""),
    (
        "visualizations: quick",
        "target: net.py:brightest\nvisualizations: [grad_cam, saliency, occlusion, cam, feature_maps]",
    ),
)


def test_a_network_of_segmentation_is_explained_by_a_score_of_ones_own(folder: Path) -> None:
    audit = audited(folder, *SEGMENTATION, ("metrics: quick", "metrics: [randomisation, stability, agreement]"))

    made = {item.name: item for item in audit.visualizations}
    assert {made[name].status for name in ("grad_cam", "saliency", "occlusion", "feature_maps")} == {"ok"}
    assert made["cam"].status == "skipped"
    assert made["cam"].reason == "CAM needs the weights of a class, and the score brightest has none; take grad_cam"
    assert made["grad_cam"].target == "brightest"
    caption = audit.figures[made["occlusion"].figures[0]].caption
    assert caption.startswith("Occlusion, for: brightest. ")
    assert "Under each picture: brightest." in caption
    sheet = audit.figures[made["occlusion"].figures[0]]
    assert len([float(words.text) for words in sheet.words]) == sheet.alt.count(".png") > 0


def test_what_needs_class_scores_is_refused_on_it_in_words(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"the model gives no class scores.*write `probes: \[\]`.*agreement"):
        audited(folder, *SEGMENTATION)


def test_a_class_that_only_the_loaded_model_knows_is_missed_with_its_line(folder: Path) -> None:
    changes = (("  classes: [dark, light]\n", ""), ("visualizations: quick", "visualizations: quick\ntarget: 7"))

    with pytest.raises(ModelError, match=r"spec.yaml:\d+: target: there is no class 7; the model has 2"):
        audited(folder, *changes)
