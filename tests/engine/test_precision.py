"""Shorter formats: used where they are earned on this model by this method, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine import precision
from auditor.engine.integrity import digest
from auditor.engine.maps import MapRun, make_maps
from auditor.engine.precision import gate_of
from auditor.engine.predictor import Predictor
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.integrated_gradients import IntegratedGradients
from auditor.visualizers.occlusion import Occlusion
from tests.engine.networks import CLASSES, PlainCnn, images, loaded, sample, seeded

CPU = torch.device("cpu")
METHODS = [Occlusion(window=0.5, stride=0.25), IntegratedGradients(steps=4), GradCam()]
TARGETS = np.array([0, 4, 2])


class NeedsItsDigits(PlainCnn):
    """Adds a large number and takes it away again: short formats lose everything in between."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x + 4096) - 4096)


def made(module: nn.Module, predictor: Predictor, **options: Any) -> MapRun:
    return make_maps(
        loaded(module), module, sample(images(3)), METHODS, ["features.6"], device=CPU, targets=TARGETS,
        predictor=predictor, **options,
    )  # fmt: skip


def asked(module: nn.Module) -> Predictor:
    predictor = Predictor(loaded(module), CPU, chunk=8)
    predictor.scores(images(3))
    return predictor


@pytest.fixture
def everything_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a tiny network nothing is faster, so time is left out."""
    monkeypatch.setattr(precision, "WORTH_SECONDS", 0.0)
    monkeypatch.setattr(precision, "FASTER", 0.0)
    monkeypatch.setattr(precision, "HOPELESS", float("inf"))
    monkeypatch.setattr(precision, "formats", lambda device: (precision.BF16,))


def same(one: MapRun, other: MapRun) -> list[str]:
    return [a.name for a, b in zip(one.maps, other.maps, strict=True) if np.array_equal(a.maps, b.maps)]


@pytest.mark.usefixtures("everything_is_worth_it")
def test_what_agrees_with_fp32_runs_in_the_shorter_format_and_the_figure_is_told() -> None:
    module = seeded(PlainCnn)
    before, predictor = digest(module), asked(module)
    exact = made(module, predictor)

    short = made(module, predictor, precision="auto")

    ran = [note for note in short.notes if "ran in bf16: worst correlation with fp32 " in note]
    assert [note.split()[0] for note in ran] == ["occlusion", "integrated_gradients"]
    assert same(exact, short) == ["grad_cam@features.6"]
    for a, b in zip(exact.maps, short.maps, strict=True):
        assert np.corrcoef(a.maps.ravel(), b.maps.ravel())[0, 1] > 0.99
    assert digest(module) == before


@pytest.mark.usefixtures("everything_is_worth_it")
def test_what_does_not_agree_stays_in_fp32_to_the_last_bit_and_says_why() -> None:
    module = seeded(NeedsItsDigits)
    predictor = asked(module)
    exact = made(module, predictor)

    gated = made(module, predictor, precision="auto")

    assert len(same(exact, gated)) == len(METHODS)
    told = [note for note in gated.notes if "ran in fp32 (tried bf16: worst correlation" in note]
    assert [note.split()[0] for note in told] == ["occlusion", "integrated_gradients"]


@pytest.mark.usefixtures("everything_is_worth_it")
def test_what_is_no_faster_stays_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "FASTER", 1e9)
    module = seeded(PlainCnn)
    predictor = asked(module)

    gated = made(module, predictor, precision="auto")

    assert len(same(made(module, predictor), gated)) == len(METHODS)


@pytest.mark.usefixtures("everything_is_worth_it")
def test_a_format_in_which_one_pass_takes_far_longer_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "HOPELESS", 0.0)
    module = seeded(PlainCnn)
    predictor = asked(module)
    exact = made(module, predictor)
    before = predictor.forwards

    gated = made(module, predictor, precision="auto")

    assert len(same(exact, gated)) == len(METHODS)
    told = [note for note in gated.notes if "ran in fp32 (tried bf16: one pass takes " in note]
    assert [note.split()[0] for note in told] == ["occlusion", "integrated_gradients"]
    assert not any("worst correlation" in note for note in gated.notes)
    assert predictor.forwards > before


def test_what_costs_next_to_nothing_is_not_tried_and_fp32_tries_nothing() -> None:
    module = seeded(PlainCnn)
    predictor = asked(module)

    exact, gated = made(module, predictor), made(module, predictor, precision="auto")

    assert len(same(exact, gated)) == len(METHODS)
    assert not any("worst correlation" in note for note in (*exact.notes, *gated.notes))


@pytest.mark.usefixtures("everything_is_worth_it")
def test_a_decision_holds_for_all_passes_over_the_model_and_for_no_other_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, other = seeded(PlainCnn), seeded(PlainCnn)
    predictor = asked(module)
    first = made(module, predictor, precision="auto")
    monkeypatch.setattr(precision.Gate, "_tried", None)

    again = made(module, predictor, precision="auto")
    copy = made(other, predictor, precision="auto")

    assert len(same(first, again)) == len(METHODS)
    assert not any("bf16" in note for note in copy.notes)
    assert len(gate_of(predictor).decisions) == 2


def test_a_gpu_tries_tf32_then_fp16_then_bf16_and_a_cpu_what_it_has_instructions_for() -> None:
    assert [one.name for one in precision.formats(torch.device("cuda"))] == ["TF32", "fp16", "bf16"]
    assert precision.formats(CPU) in ((), (precision.BF16,))


def test_tf32_is_allowed_inside_and_as_before_afterwards() -> None:
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [one.allow_tf32 for one in flags]

    with precision._tf32():
        assert all(one.allow_tf32 for one in flags)

    assert [one.allow_tf32 for one in flags] == before


def test_small_gradients_survive_fp16() -> None:
    module = seeded(PlainCnn)
    with torch.no_grad():
        module.head.weight.mul_(1e-5)
    predictor = asked(module)
    inputs, targets = predictor.model.preprocessing.to_input(images(3)), torch.from_numpy(TARGETS)
    _, exact = precision.TargetGradients(predictor).at(inputs, targets)

    _, short = precision.TargetGradients(predictor.in_format(torch.float16)).at(inputs, targets)

    pair = torch.stack((exact.flatten(), short.flatten()))
    assert float(torch.corrcoef(pair)[0, 1]) > 0.99


def test_the_short_form_counts_with_the_other() -> None:
    predictor = asked(seeded(PlainCnn))
    before = predictor.forwards

    found = predictor.in_format(torch.bfloat16).scores(images(3))

    assert predictor.forwards == before + 3
    assert found.dtype == np.float32
    assert found.shape == (3, CLASSES)
