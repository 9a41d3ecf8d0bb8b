from __future__ import annotations

from pathlib import Path

import pytest

from auditor.pipeline import RunRequest, run
from auditor.pipeline.gallery import Gallery
from auditor.pipeline.trust_figures import draw_trust
from auditor.plan import make_plan
from auditor.records import Audit
from auditor.runs import RunFolder
from tests.models import pictures
from tests.pipeline.test_run import NET, SPEC

cv2 = pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """A network that reads the corner, with the checks of its maps and no probe."""
    root = tmp_path_factory.mktemp("trust")
    (root / "net.py").write_text(NET)
    images, labels = pictures(24)
    rows = ["image,label"]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        cv2.imwrite(str(root / f"{index:03d}.png"), image.transpose(1, 2, 0)[:, :, ::-1])
        rows.append(f"{index:03d}.png,{label}")
    (root / "sample.csv").write_text("\n".join(rows) + "\n")
    spec = SPEC.replace("PLACE", "corner").replace(", mask: mask", "").replace("size: 96", "size: 24")
    spec = spec.replace("visualizations: quick", "visualizations: [saliency, occlusion]")
    spec = spec.replace("probes: quick", "probes: [corner]")
    metrics = (
        "[randomisation, class_consistency, stability, localisation, {use: road, percentiles: [30, 60]}, agreement]"
    )
    (root / "trust.yaml").write_text(spec.replace("metrics: quick", f"metrics: {metrics}"))
    return run(make_plan(root / "trust.yaml"), RunRequest(root / "out"))


def test_every_method_carries_its_checks_and_the_verdict_that_follows(audit: Audit) -> None:
    assert audit.failures == ()
    for item in audit.visualizations:
        verdicts = {check.metric: check.verdict for check in item.trust_checks}
        assert set(verdicts) == {"randomisation", "class_consistency", "stability", "localisation", "road", "agreement"}
        assert verdicts["localisation"] is None
        assert verdicts["agreement"] is None
        assert ("failed" in verdicts.values()) == (item.trust == "failed")


def test_rules_null_maps_and_agreement_are_part_of_the_audit(audit: Audit) -> None:
    assert set(audit.trust_rules) == {"randomisation", "class_consistency", "stability", "road", "bar", "whole"}
    assert {null.name for null in audit.null_maps} == {"random map", "edges", "centre"}
    assert audit.agreement is not None
    assert audit.agreement["names"] == ["saliency", "occlusion", "edges", "centre"]
    assert "figures/road-curves.svg" in audit.figures
    matrix = audit.figures["figures/agreement-matrix.svg"]
    assert "Saliency and Occlusion" in matrix.alt
    assert "n = " in matrix.alt
    assert Audit.from_json(audit.to_json()) == audit


def test_charts_show_a_few_methods_and_say_of_how_many(tmp_path: Path) -> None:
    gallery = Gallery(RunFolder(tmp_path))
    names = ["random map", "edges", "centre", *(f"grad_cam@{layer}" for layer in "abc"), "saliency", "occlusion"]
    falling = {name: {"insertion": [0, 0.5, 1], "deletion": [1, 0.5 - 0.05 * n, 0]} for n, name in enumerate(names)}
    tables = {
        "insertion_deletion": {"shares": [0, 0.5, 1], "images": 9, "curves": falling, "nulls": names[:3]},
        "cascade": {"stages": ["head", "first"], "images": 4, "curves": {"saliency": [0.4, 0.1], "broke": [None, 0.1]}},
    }

    paths = draw_trust(tables, "pictures", gallery)

    assert paths == ["figures/deletion-curves.svg", "figures/cascade-curves.svg"]
    deletion = gallery.pictures[paths[0]]
    assert "mean over 9 pictures, 3 of 5 methods" in deletion.caption
    for name in ("Grad-CAM at a", "Saliency", "Occlusion", "Random map", "Centre"):
        assert f"{name} ends at" in deletion.alt
    assert "1 of 1 methods" in gallery.pictures[paths[1]].caption


def test_robustness_is_drawn_over_the_budget_with_its_number_of_pictures(tmp_path: Path) -> None:
    gallery = Gallery(RunFolder(tmp_path))
    curve = {"value": [1.0, 0.5], "low": [0.7, 0.2], "high": [1.0, 0.8]}
    curves = {"noise": curve, "fgsm": curve, "pgd": {**curve, "value": [1.0, 0.25]}}
    table = {"epsilons": [0.0, 4.0], "images": 9, "of": "robust_accuracy", "steps": 10, "curves": curves}

    paths = draw_trust({"robustness": table}, "pictures", gallery)

    assert paths == ["figures/robustness-curves.svg"]
    assert "Share of 9 pictures still right" in gallery.pictures[paths[0]].caption
    assert "PGD, 10 steps ends at 0.25" in gallery.pictures[paths[0]].alt


def test_a_run_without_such_metrics_has_no_such_charts(tmp_path: Path) -> None:
    assert draw_trust({"per_class": []}, "pictures", Gallery(RunFolder(tmp_path))) == []
