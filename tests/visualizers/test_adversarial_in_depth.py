"""Adversarial clips and volumes against what a linear model must do, and what is drawn of them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import spearmanr
from torch import Tensor, nn

from auditor.engine.predictor import Predictor
from auditor.engine.studying import lend
from auditor.errors import NotApplicableError
from auditor.map_areas import areas_of
from auditor.media import Medium
from auditor.stack_tiles import excerpt_of, in_full
from auditor.studies import Audited, PictureSheet, Study
from auditor.subjects import LoadedModel, Preprocessing, Stack, VolumeSample
from auditor.visualizers.adversarial_examples import AdversarialExamples
from tests.engine.networks import sample, seeded
from tests.engine.test_volumes import DEPTH, HEIGHT, WIDTH, PlainCnn3d

COUNT, EPSILON = 8, 0.15
SPACING = (4.0, 2.0, 1.0)


class Linear(nn.Module):
    """Two classes by one weighted sum of all voxels, taken from grey."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.head = nn.Linear(channels * DEPTH * HEIGHT * WIDTH, 2, bias=False)
        drawn = torch.randn(self.head.in_features, generator=torch.Generator().manual_seed(2))
        with torch.no_grad():
            self.head.weight.copy_(torch.stack((-drawn, drawn)))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(x.flatten(1) - 0.5)
        return scores


def stacks(medium: Medium, channels: int, *, orientation: str | None = "SPL") -> VolumeSample:
    """Near grey: clips in bytes, volumes in floats."""
    drawn = np.random.default_rng(0).uniform(110, 146, (COUNT, channels, DEPTH, HEIGHT, WIDTH))
    given = torch.from_numpy(drawn.round().astype(np.uint8) if medium is Medium.CLIP else drawn.astype(np.float32))
    flat = sample(given)
    known: dict[str, Any] = {field.name: getattr(flat, field.name) for field in fields(flat)}
    stack = Stack("drawn", frames=tuple(range(10, 10 + DEPTH)))
    if medium is Medium.VOLUME:
        stack = Stack("drawn", spacing=SPACING, orientation=orientation)
    return VolumeSample(**known, of=medium, stacks=[stack] * COUNT)


def loaded(module: nn.Module, channels: int) -> LoadedModel:
    ends = ((0.0,) * channels, (1.0,) * channels)
    return LoadedModel(
        module, "net", "python", (), "softmax", Preprocessing(HEIGHT, WIDTH, "squash", 1.0, *ends, depth=DEPTH)
    )


def lent(module: nn.Module, given: VolumeSample, layers: tuple[str, ...] = ()) -> Audited:
    model = loaded(module, given.images.shape[1])
    predictor = Predictor(model, torch.device("cpu"), chunk=8)
    predicted = predictor.scores(given.images).argmax(axis=1)
    return lend(predictor, given, layers, classes=tuple("abcde"), predicted=predicted)


def study_of(module: nn.Module, given: VolumeSample, layers: tuple[str, ...] = (), **options: Any) -> Study:
    (study,) = AdversarialExamples(**options).study(lent(module, given, layers), ())
    return study


def sheets_of(study: Study) -> list[PictureSheet]:
    found = [one for one in study.exhibits if isinstance(one, PictureSheet)]
    assert len(found) == len(study.exhibits)
    return found


@pytest.mark.parametrize(("medium", "channels"), [(Medium.CLIP, 3), (Medium.VOLUME, 1)])
def test_on_a_linear_model_exactly_those_lose_whose_margin_is_below_epsilon_times_the_weights_norm(
    medium: Medium, channels: int
) -> None:
    module, given = Linear(channels), stacks(medium, channels)
    weights = module.head.weight.detach().double().numpy()[1]
    margins = (given.images.double().flatten(1).numpy() / 255 - 0.5) @ weights
    reach = EPSILON / 255 * np.abs(weights).sum()
    expected = (np.abs(margins) < reach).mean()

    study = study_of(module, given, epsilon=EPSILON, shown=COUNT)
    found = {one.name: one for one in study.measurements}

    assert 0 < expected < 1
    assert found["class_lost:fgsm"].value == found["class_lost:pgd"].value == expected
    assert found["class_lost:noise"].value == 0
    for number, row in enumerate(np.random.default_rng([0, 15]).permutation(COUNT)):
        after = margins[row] - np.sign(margins[row]) * reach
        fgsm = sheets_of(study)[number].rows[1]
        assert fgsm.heading[:2] == ("FGSM, one step", f"{'b' if after > 0 else 'a'} {expit(2 * abs(after)):.2f}")
        assert {tile.marked for tile in fgsm.tiles} == {np.sign(after) != np.sign(margins[row])}


def test_a_clip_is_drawn_as_the_same_frames_before_after_and_by_its_change() -> None:
    given = stacks(Medium.CLIP, 2)

    study = study_of(seeded(PlainCnn3d), given, ("features.5",), epsilon=20.0, shown=1)
    (sheet,) = sheets_of(study)

    headings = [row.heading[0].split(" ×")[0] for row in sheet.rows]
    assert headings == [
        "As it is", "its map", "FGSM, one step", "its map", "change", "PGD, 10 steps", "its map", "change",
    ]  # fmt: skip
    assert [tile.words for tile in sheet.rows[0].tiles] == [(f"frame {10 + frame}",) for frame in range(DEPTH)]
    assert {len(row.tiles) for row in sheet.rows} == {DEPTH}
    index = int(sheet.caption.split(": ")[1].split(".")[0])
    for frame, tile in enumerate(sheet.rows[0].tiles):
        np.testing.assert_array_equal(tile.picture, given.slices(given.images[index].numpy())[frame])
    assert set(np.unique([tile.picture for tile in sheet.rows[4].tiles])) == {1, 255}
    assert "Grad-CAM at features.5, for the class predicted before" in sheet.caption
    assert sheet.rows[3].heading[1].startswith("rank corr. ")
    found = {one.name: one for one in study.measurements}
    for name in ("map_rank_correlation:pgd", "map_overlap:fgsm", "feature_cosine:noise"):
        assert found[name].value is not None
        assert found[name].count == COUNT


def test_a_volume_is_drawn_as_three_planes_through_the_place_where_its_map_is_largest() -> None:
    given = stacks(Medium.VOLUME, 2)
    module = seeded(PlainCnn3d)

    (sheet,) = sheets_of(study_of(module, given, ("features.5",), epsilon=20.0, shown=1))

    index = int(sheet.caption.split(": ")[1].split(".")[0])
    audited = lent(module, given, ("features.5",))
    assert audited.predicted is not None
    maps = audited.maps("grad_cam", np.array([index]), given.images[index : index + 1], audited.predicted[[index]])
    assert maps.maps is not None
    heat = in_full(maps.maps[0], (DEPTH, HEIGHT, WIDTH))
    at = np.unravel_index(int(heat.argmax()), heat.shape)
    assert [row.heading[0].split(" ×")[0] for row in sheet.rows] == [
        "As it is", "FGSM, one step", "change", "PGD, 10 steps", "change",
    ]  # fmt: skip
    assert [len(row.tiles) for row in sheet.rows] == [6, 6, 3, 6, 3]
    assert [tile.words for tile in sheet.rows[0].tiles[:3]] == [
        (f"axial {at[0] + 1}/{DEPTH}",), (f"coronal {at[1] + 1}/{HEIGHT}",), (f"sagittal {at[2] + 1}/{WIDTH}",),
    ]  # fmt: skip
    axial = sheet.rows[0].tiles[0].picture
    # depth and height are 32 mm each, width 12 mm: all planes stand on paper of 32 by 32
    assert axial.shape == (112, 112, 3)
    drawn = ~(axial == 255).all(axis=(0, 2))
    assert drawn.sum() == 42
    slices = given.slices(given.images[index].numpy())
    np.testing.assert_array_equal(axial[3, drawn][5], slices[at[0], 0, 1])


def test_planes_without_a_map_go_through_the_middle_and_unknown_axes_are_named_by_what_they_are() -> None:
    excerpt = excerpt_of(stacks(Medium.VOLUME, 1, orientation=None), 0, None)

    assert excerpt.at == (DEPTH // 2, HEIGHT // 2, WIDTH // 2)
    assert excerpt.names[0] == f"across depth: {DEPTH // 2 + 1}/{DEPTH}"


def test_voxels_that_may_take_any_value_have_no_budget_and_the_report_says_so() -> None:
    given = stacks(Medium.VOLUME, 1)
    loose = replace(given, images=given.images * 40 - 5000)

    with pytest.raises(NotApplicableError, match=r"give dataset\.window, or scaling: percentiles"):
        study_of(Linear(1), loose)


def test_maps_over_time_are_compared_area_by_area() -> None:
    first, second = np.random.default_rng(3).random((2, 3, 4, 8, 6)).astype(np.float32)

    ranks, tops, varies = areas_of([first, second], 4, 0.2)

    pooled = [one.reshape(3, 2, 2, 4, 2, 3, 2).mean(axis=(2, 4, 6)).reshape(3, -1) for one in (first, second)]
    expected = [spearmanr(a, b).statistic for a, b in zip(*pooled, strict=True)]
    np.testing.assert_allclose((ranks[0] * ranks[1]).sum(axis=1), expected, atol=1e-6)
    assert tops.sum(axis=2).tolist() == [[5] * 3] * 2
    assert varies.all()
