"""Real networks reach the accuracy that their makers' own preprocessing gives; pictures and labels come from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from auditor.registry import load
from auditor.spec.audit_spec import DatasetSpec, ModelSpec
from auditor.subjects.loading import load_model
from auditor.subjects.sampling import load_sample

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], float, int]] = {
    "gtsrb": (
        {"source": "python", "factory": "models.py:traffic_sign_cnn", "weights": "weights/gtsrb_cnn.pth",
         "input": {"size": [30, 30], "resize": "squash", "mean": [0, 0, 0], "std": [1, 1, 1], "scale": 255}},
        {"source": "csv", "path": "images/gtsrb.csv"}, 0.943, 632,
    ),
    "resnet20": (
        {"source": "python", "factory": "models.py:cifar_resnet20", "weights": "weights/resnet20_cifar10.pth",
         "input": {"size": [32, 32], "resize": "squash", "mean": [0.485, 0.456, 0.406],
                   "std": [0.229, 0.224, 0.225]}},
        {"source": "folder", "path": "images/cifar10"}, 0.804, 1000,
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks gain nothing from more, and lose much where other work shares the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("case", CASES)
def test_accuracy_is_the_one_that_was_measured_elsewhere(case: str, shared_data: Path) -> None:
    model_fields, data_fields, accuracy, count = CASES[case]
    model_spec = ModelSpec.model_validate(model_fields)
    data_spec = DatasetSpec.model_validate({**data_fields, "sample": {"size": 1000}})
    model_source = load("models", model_spec.source)(**(model_spec.model_extra or {}))
    data_source = load("datasets", data_spec.source)(**(data_spec.model_extra or {}))

    model = load_model(model_spec, source=model_source, folder=shared_data)  # type: ignore[arg-type]
    sample, _ = load_sample(
        data_spec, data_source, shared_data, model.preprocessing, model.classes, workers=2  # type: ignore[arg-type]
    )  # fmt: skip

    with torch.inference_mode():
        chunks = [model.module(model.preprocessing.to_input(chunk)).argmax(dim=1) for chunk in sample.images.split(64)]
    predicted = torch.cat(chunks).numpy()
    assert len(sample) == count
    assert float((predicted == sample.labels).mean()) == pytest.approx(accuracy, abs=0.005)
