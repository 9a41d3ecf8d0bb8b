"""Adversarial examples against what a linear model must do, and what a sheet of them says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor, nn

from auditor.engine.integrity import digest
from auditor.errors import NotApplicableError
from auditor.records import Measurement
from auditor.studies import PictureSheet, Study
from auditor.subjects import LoadedModel, Preprocessing
from auditor.visualizers.adversarial_examples import AdversarialExamples
from tests.engine.networks import HEIGHT, WIDTH, PlainCnn, images, loaded, seeded
from tests.visualizers.studied import prepared, studied

COUNT, EPSILON = 8, 0.75


class Linear(nn.Module):
    """Two classes by one weighted sum of the pixels, taken from grey."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * HEIGHT * WIDTH, 2, bias=False)
        drawn = np.random.default_rng(3).normal(size=3 * HEIGHT * WIDTH)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(np.stack([-drawn, drawn])).float())

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(x.flatten(1) - 0.5)
        return scores


class Stepwise(Linear):
    """The same, from pixels in steps: their gradient is zero."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x * 4).round() / 4)


def from_zero(module: nn.Module) -> LoadedModel:
    """Inputs in 0..1, so that the closed form stays one line."""
    return replace(loaded(module), preprocessing=Preprocessing(HEIGHT, WIDTH, "squash", 1.0, (0.0,) * 3, (1.0,) * 3))


def near_grey() -> Tensor:
    drawn = np.random.default_rng(0).integers(100, 156, (COUNT, 3, HEIGHT, WIDTH))
    return torch.from_numpy(drawn.astype(np.uint8))


def evidence(model: nn.Module, pictures: Tensor) -> np.ndarray:
    """The sum that decides, in float64, without the model's own code."""
    weights = model.head.weight.detach().double().numpy()[1]
    return (pictures.double().flatten(1).numpy() / 255 - 0.5) @ weights


def study_of(model: LoadedModel, pictures: Tensor, layers: list[str], labels: np.ndarray | None = None,
             **options: object) -> Study:  # fmt: skip
    predicted = model.module(model.preprocessing.to_input(pictures)).argmax(1).numpy()
    classes = tuple("abcde"[: int(model.module(model.preprocessing.to_input(pictures[:1])).shape[1])])
    part = AdversarialExamples(**options)
    (study,) = studied(part, model, pictures, layers, labels=labels, predicted=predicted, classes=classes)
    return study


def by_name(study: Study) -> dict[str, Measurement]:
    return {one.name: one for one in study.measurements}


def sheet_of(study: Study) -> PictureSheet:
    (sheet,) = study.exhibits
    assert isinstance(sheet, PictureSheet)
    return sheet


def test_on_a_linear_model_exactly_those_lose_whose_margin_is_below_epsilon_times_the_weights_norm() -> None:
    module = Linear()
    weights = np.abs(module.head.weight.detach().double().numpy()[1]).sum() / 255
    expected = (np.abs(evidence(module, near_grey())) < EPSILON * weights).mean()

    found = by_name(study_of(from_zero(module), near_grey(), [], epsilon=EPSILON))

    assert 0 < expected < 1
    assert found["class_lost:fgsm"].value == found["class_lost:pgd"].value == expected
    assert found["class_lost:noise"].value == 0
    assert found["class_lost:fgsm"].count == COUNT


def test_the_score_under_a_changed_picture_is_that_of_the_closed_form() -> None:
    module = Linear()
    weights = np.abs(module.head.weight.detach().double().numpy()[1]).sum() / 255

    sheet = sheet_of(study_of(from_zero(module), near_grey(), [], epsilon=EPSILON, shown=COUNT))

    fgsm = [row for row in sheet.rows if row.heading[0] == "FGSM"]
    names = [row.heading[-1] for row in fgsm]
    for row, index in zip(fgsm, [int(name.partition(".")[0]) for name in names], strict=True):
        own = evidence(module, near_grey())[index]
        after = own - np.sign(own) * EPSILON * weights
        winner = "b" if after > 0 else "a"
        assert row.tiles[1].words[0] == f"{winner} {expit(2 * abs(after)):.2f}"
        assert row.tiles[1].marked == (np.sign(after) != np.sign(own))


def test_the_change_is_drawn_around_grey_by_the_factor_that_it_names() -> None:
    sheet = sheet_of(study_of(from_zero(Linear()), near_grey(), [], epsilon=2.0, shown=1))
    change = sheet.rows[0].tiles[-1]

    assert change.words[0] == "change × 63.5"
    assert set(np.unique(change.picture)) == {1, 255}
    assert "magnified by 63.5 around grey" in sheet.caption


def test_features_turn_as_far_as_the_change_turns_them() -> None:
    module = Linear()
    given = near_grey()[:1]
    sign = np.sign(evidence(module, given))[0]
    weights = module.head.weight.detach().double().numpy()[1]
    was = given.double().flatten(1).numpy()[0] / 255 - 0.5
    now = was - sign * EPSILON / 255 * np.sign(weights)

    found = by_name(study_of(from_zero(module), given, [], epsilon=EPSILON))

    cosine = was @ now / np.linalg.norm(was) / np.linalg.norm(now)
    assert found["feature_cosine:fgsm"].value == pytest.approx(cosine, abs=1e-6)


def test_maps_before_and_after_stand_beside_each_picture_and_are_compared() -> None:
    study = study_of(loaded(seeded(PlainCnn)), images(COUNT), ["features.2", "features.6"], epsilon=20.0, shown=2)
    sheet, found = sheet_of(study), by_name(study)

    assert study.layer == "features.6"
    assert [len(row.tiles) for row in sheet.rows] == [5] * 4
    assert [tile.heat is not None for tile in sheet.rows[0].tiles] == [False, True, False, True, False]
    assert "Grad-CAM at features.6, for the class predicted before" in sheet.caption
    attacked, noise = found["map_rank_correlation:pgd"], found["map_rank_correlation:noise"]
    assert attacked.value is not None
    assert noise.value is not None
    assert attacked.value < noise.value <= 1


def test_without_a_target_layer_no_map_is_shown_and_the_reason_is_told() -> None:
    study = study_of(from_zero(Linear()), near_grey(), [])

    assert [len(row.tiles) for row in sheet_of(study).rows] == [3] * 4
    assert "grad_cam needs a layer" in study.remarks[0]
    assert by_name(study)["map_rank_correlation:pgd"].reason == "no usable map"


def test_pictures_that_are_wrong_already_are_not_attacked() -> None:
    module = Linear()
    labels = (evidence(module, near_grey()) > 0).astype(int)
    labels[:3] = 1 - labels[:3]

    study = study_of(from_zero(module), near_grey(), [], labels=labels, shown=COUNT)

    assert by_name(study)["class_lost:pgd"].count == COUNT - 3
    assert "drawn at random from 5 pictures that the model gets right" in sheet_of(study).caption


def test_a_gradient_of_zero_is_told() -> None:
    study = study_of(from_zero(Stepwise()), near_grey(), [])

    assert any(f"On {COUNT} of {COUNT} pictures the gradient is zero" in remark for remark in study.remarks)


def test_a_model_that_is_never_right_has_nothing_to_lose() -> None:
    module = Linear()
    wrong = (evidence(module, near_grey()) < 0).astype(int)

    with pytest.raises(NotApplicableError, match="no picture right"):
        study_of(from_zero(module), near_grey(), [], labels=wrong)


def test_it_leaves_model_and_sample_as_they_were_and_repeats_to_the_bit() -> None:
    module = seeded(PlainCnn).train()
    before = digest(module)
    model = loaded(module)
    audited, _, given = prepared(model, images(COUNT), ["features.6"], predicted=np.zeros(COUNT, dtype=int),
                                 classes=tuple("abcde"))  # fmt: skip
    pixels = given.images.clone()

    first, second = (AdversarialExamples().study(audited, ()) for _ in range(2))

    assert digest(module) == before
    assert torch.equal(given.images, pixels)
    assert first[0].measurements == second[0].measurements


def test_a_method_that_makes_no_maps_is_refused_when_the_spec_is_read(tmp_path: Path) -> None:
    assert AdversarialExamples(method="kernels").mistakes(tmp_path)[0][0] == "method"
    assert "did you mean 'grad_cam'" in AdversarialExamples(method="grad_camm").mistakes(tmp_path)[0][1]
    assert AdversarialExamples(method="saliency").mistakes(tmp_path) == []
