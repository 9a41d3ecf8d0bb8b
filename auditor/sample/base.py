"""A made-up but believable audit of a chest radiograph classifier, written as a run folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from auditor.records import (
    Audit,
    AuditVerdict,
    LimitResult,
    Measurement,
    ModelRecord,
    PartFailure,
    PlannedCheck,
    SampleRecord,
    Severity,
    Unreadable,
)
from auditor.sample.checks import planned, sample_checks
from auditor.sample.run_folder import SampleRun, share

CLASSES = ("normal", "pneumonia", "effusion", "nodule")
UNREADABLE = "normal/IMG_0412.png"
CONFUSION = [[31, 1, 0, 0], [2, 29, 1, 0], [4, 9, 18, 1], [1, 0, 1, 30]]


def build(
    folder: Path,
    *,
    images: int = 24,
    classes: tuple[str, ...] = CLASSES,
    unreadable: str = UNREADABLE,
    reliance: float = 1.0,
) -> Audit:
    """Write a run folder (audit.json, spec.yaml, figures) and return its audit.

    Args:
        images: How many are in its sample; the numbers of its checks are the same for any.
        classes: Names of the four classes.
        unreadable: Name of a picture that could not be read.
        reliance: See `SampleRun`.
    """
    run = SampleRun(folder, classes, images, reliance)
    checks = sample_checks(run)
    per_class = _per_class(run.classes)
    summary = (run.causal_map(), run.forest(checks))
    run.performance(per_class, CONFUSION)
    visualizations, records = run.visualizations(), run.image_records()
    spec = _spec(run.classes).encode()
    (folder / "spec.yaml").write_bytes(spec)
    audit = Audit(
        name="chest-radiographs",
        title="Chest radiograph classifier 1.4, pre-deployment audit",
        purpose="Sorts chest radiographs for a radiologist's work list; a person reads every picture.",
        owner="imaging team",
        organisation="Example Hospital Trust",
        report_id="AUD-2026-0142-7f3c",
        verdict=AuditVerdict.FAIL,
        exit_code=1,
        reasons=(
            checks[0].sentence,
            "Limit metrics.worst_class_accuracy breached: 0.56 measured, at least 0.8 allowed.",
        ),
        started="2026-03-11T14:02:11Z",
        finished="2026-03-11T14:09:48Z",
        seconds={"loading": 2.1, "maps and metrics": 192.6, "probes": 251.0, "judging and figures": 3.9},
        peak_memory_mib=1187.0,
        spec_sha256=hashlib.sha256(spec).hexdigest(),
        spec_path="specs/chest.yaml",
        attempt=3,
        model=_model(run.classes),
        sample=_sample(run.classes, images, unreadable),
        environment={"torch": "2.15.0", "device": "cpu", "precision": "fp32", "python": "3.11.9", "auditor": "0.1.0"},
        runtime={"seed": 0, "chunk": 16, "threads": 2},
        test_plan=planned(),
        not_tested=(
            PlannedCheck(
                kind="group",
                what="Accuracy and attention by site",
                control="all other sites",
                limit="gap at most .10",
                minimum_count=20,
                severity="medium",
                rationale="The data set has no site column.",
                required=False,
            ),
        ),
        checks=tuple(checks),
        checks_left_out={"corner": 12, "border": 24},
        limits=_limits(),
        metrics=(
            share("accuracy", 0.883, 0.816, 0.928, 128, "Wilson"),
            share("macro_accuracy", 0.871, 0.80, 0.92, 128),
            share("expected_calibration_error", 0.072, 0.04, 0.11, 128, "10 bins, bootstrap"),
            Measurement(name="group_gap", value=None, count=0, reason="the data set has no groups"),
        ),
        per_class=tuple(per_class),
        confusion={"classes": list(run.classes), "matrix": CONFUSION},
        visualizations=visualizations,
        images=records,
        figures=run.figures,
        summary_figures=summary,
        failures=(PartFailure(part="probes.watermark_bank", reason="out of the budget of 5 minutes", required=False),),
        notes=("Weights were stored as fp16 and cast to fp32.",),
        reviewers=("Clinical safety officer", "Independent reviewer: Dr. A. Example"),
    )
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8")
    return audit


def _per_class(classes: tuple[str, ...]) -> list[dict[str, object]]:
    rows = zip(classes, (0.97, 0.91, 0.56, 0.94), (0.84, 0.76, 0.39, 0.80), (0.99, 0.97, 0.72, 0.98), strict=True)
    return [{"class": name, "n": 32, "value": value, "low": low, "high": high} for name, value, low, high in rows]


def _limits() -> tuple[LimitResult, ...]:
    return (
        LimitResult(
            name="metrics.accuracy",
            minimum=0.85,
            severity=Severity.CRITICAL,
            measurement=share("accuracy", 0.883, 0.816, 0.928, 128),
            breached=False,
            spec_line=31,
        ),
        LimitResult(
            name="metrics.worst_class_accuracy",
            minimum=0.8,
            severity=Severity.HIGH,
            measurement=share("worst_class_accuracy", 0.56, 0.39, 0.72, 32),
            breached=True,
            spec_line=32,
        ),
        LimitResult(
            name="group.accuracy_gap", maximum=0.1, severity=Severity.MEDIUM, breached=False, reason="nothing measured"
        ),
    )


def _model(classes: tuple[str, ...]) -> ModelRecord:
    return ModelRecord(
        source="torchvision",
        name="resnet18",
        version="1.4",
        architecture="ResNet (resnet18)",
        parameters=11_178_564,
        file_sha256="0fae31d2" * 8,
        sha256_before="9d261bfa" * 8,
        sha256_after="9d261bfa" * 8,
        layers=("layer3.1", "layer4.1"),
        layer_notes=("layer4.1: the last spatial layer, 3×3 cells for this input",),
        classes=classes,
        preprocessing={"size": "96 × 96", "resize": "squash", "mean": [0.5], "std": [0.25], "channels": "grey"},
    )


def _sample(classes: tuple[str, ...], images: int, unreadable: str) -> SampleRecord:
    return SampleRecord(
        source="folder",
        path="images/",
        available=2214,
        size=images,
        readable=images - 1,
        unreadable=(Unreadable(image=unreadable, why="broken PNG stream"),),
        converted=(Unreadable(image="normal/IMG_0031.png", why="16 bit, scaled to 8 bit by its own range"),),
        duplicates=(("normal/IMG_0002.png", "normal/IMG_0090.png"),),
        digest="77aa01c4" * 8,
        rule="128 of 2,214 pictures, drawn with seed 0 in equal shares of label.",
        labelled=images,
        per_class=dict.fromkeys(classes, images // 4),
    )


def _spec(classes: tuple[str, ...]) -> str:
    lines = "".join(f"    - {name!r}\n" for name in classes)
    return (
        "version: 1\nname: chest-radiographs\ntitle: Chest radiograph classifier 1.4, pre-deployment audit\n"
        f"model:\n  source: torchvision\n  name: resnet18\n  classes:\n{lines}"
        "dataset:\n  source: folder\n  path: images/\n  sample: {size: 128, seed: 0}\npolicy:\n  fail_on: high\n"
    )
