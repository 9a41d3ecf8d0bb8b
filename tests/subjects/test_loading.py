"""A model from its spec: weights, class names, preprocessing, eval mode; or a message that says what to do."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from auditor.errors import ModelError
from auditor.spec.audit_spec import ModelSpec
from auditor.subjects import LoadedModel
from auditor.subjects.loading import build_on_meta, class_names, count_outputs, load_model
from auditor.subjects.models.python import Python

NET = """
import torch
from torch import nn


def net(outputs=3):
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 10 * 14, outputs)
    )


class Wrapped(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.net, self.kind = net(), kind

    def forward(self, x):
        y = self.net(x)
        return {"tuple": (y, x), "dict": {"aux": x, "logits": y}, "grid": y[:, :, None, None], "map": x}[self.kind]
"""
INPUT = {"size": [12, 16], "resize": "squash", "mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def loaded(folder: Path, factory: str = "net.py:net", **fields: Any) -> LoadedModel:
    spec = ModelSpec.model_validate({"source": "python", "input": INPUT, **fields})
    return load_model(spec, source=Python(factory=factory), folder=folder)


def save_net(folder: Path) -> nn.Module:
    module = loaded(folder).module
    torch.save({name: value + 1 for name, value in module.state_dict().items()}, folder / "net.pth")
    return module


def test_weights_are_in_and_dropout_is_off(folder: Path) -> None:
    before = save_net(folder)

    model = loaded(folder, weights="net.pth", classes=["a", "b", "c"], version="2.3")

    assert not any(module.training for module in model.module.modules())
    assert torch.equal(model.module[0].weight, before[0].weight + 1)
    assert model.file_sha256 == hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()
    assert (model.name, model.classes, model.version, model.notes) == ("net", ("a", "b", "c"), "2.3", ())
    assert all(parameter.requires_grad for parameter in model.module.parameters())


def test_without_weights_it_is_the_same_each_time_and_noted(folder: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    first, second = loaded(folder), loaded(folder)

    assert torch.equal(first.module[0].weight, second.module[0].weight)
    assert torch.equal(torch.rand(3), expected), "the caller's random state changed"
    assert "model.weights is absent" in first.notes[0]


def test_another_weights_file_is_refused(folder: Path) -> None:
    save_net(folder)
    with pytest.raises(ModelError, match=r"net\.pth has SHA-256 .* but model\.sha256 is 0000"):
        loaded(folder, weights="net.pth", sha256="0" * 64)


def test_options_reach_the_factory(folder: Path) -> None:
    assert loaded(folder, options={"outputs": 5}).module[-1].out_features == 5


def test_class_names_come_from_a_file(folder: Path) -> None:
    (folder / "classes.txt").write_text("\ufeffapple\nbär\n cherry pie \n\n", encoding="utf-8")
    assert loaded(folder, classes="classes.txt").classes == ("apple", "bär", "cherry pie")


def test_names_that_occur_twice_are_told_apart_and_noted(folder: Path) -> None:
    model = loaded(folder, classes=["crane", "bus", "crane"])
    assert model.classes == ("crane (0)", "bus", "crane (2)")
    assert "occur twice" in model.notes[-1]


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c", "d"]])
def test_a_wrong_number_of_names_is_refused(folder: Path, names: list[str]) -> None:
    with pytest.raises(ModelError, match=f"{len(names)} names, but the model has 3 outputs"):
        loaded(folder, classes=names)


def test_one_score_may_have_two_names(folder: Path) -> None:
    model = loaded(folder, output="logit", options={"outputs": 1}, classes=["healthy", "ill"])
    assert model.classes == ("healthy", "ill")


def test_nobody_gave_names(folder: Path) -> None:
    assert loaded(folder).classes == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a\n\nb\n", "classes.txt:2 is blank"), (b"\xff\xfea", "not UTF-8"), (None, "cannot be read: No such file")],
)
def test_a_bad_file_of_class_names_is_refused(folder: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (folder / "classes.txt").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        class_names(ModelSpec(source="python", classes="classes.txt"), folder)


def test_an_input_that_the_model_cannot_take_is_said_before_any_picture_is_read(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"fails on an input of shape \(1, 3, 9, 9\): RuntimeError: .*mat1 and mat2"):
        loaded(folder, input={**INPUT, "size": [9, 9]})


@pytest.mark.parametrize(("kind", "outputs"), [("tuple", 3), ("dict", 3), ("grid", 3), ("map", None)])
def test_outputs_are_counted_in_whatever_the_model_returns(folder: Path, kind: str, outputs: int | None) -> None:
    model = loaded(folder, "net.py:Wrapped", options={"kind": kind})
    assert count_outputs(model.module, model.preprocessing) == outputs


def test_without_preprocessing_it_says_what_is_needed(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.input needs size, mean and std"):
        loaded(folder, input=None)


def test_trying_the_model_does_not_change_it(folder: Path) -> None:
    save_net(folder)
    stored = torch.load(folder / "net.pth", weights_only=True)
    state = loaded(folder, weights="net.pth").module.state_dict()
    assert all(torch.equal(state[name], stored[name]) for name in stored)


def test_on_the_meta_device_nothing_is_allocated(folder: Path) -> None:
    spec = ModelSpec(source="python", weights="absent.pth", options={"outputs": 10_000_000})
    module = build_on_meta(spec, Python(factory="net.py:net"), folder)
    assert {parameter.device.type for parameter in module.parameters()} == {"meta"}
    assert sum(parameter.numel() for parameter in module.parameters()) > 5e9


def test_a_half_precision_model_is_tried_in_half_precision(folder: Path) -> None:
    (folder / "half.py").write_text(NET + "\n\ndef half():\n    return net().to(torch.bfloat16)\n")
    model = loaded(folder, "half.py:half")
    assert {parameter.dtype for parameter in model.module.parameters()} == {torch.bfloat16}
