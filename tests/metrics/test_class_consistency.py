from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from auditor.metrics import MapSet, MetricContext, MetricResult
from auditor.metrics.class_consistency import REGION, ClassConsistency
from auditor.trust.blurring import BLUR
from tests.metrics.contexts import SIZE, Weighs, context_of, map_set, noise

COUNT = 24
CORNER = np.zeros(SIZE)
CORNER[:6, :5] = 1
"""A sixth of the picture."""
CHECKS = 1 - 2 * (np.indices(SIZE).sum(axis=0) % 2)
"""What a blur takes away."""


def context(maps: list[MapSet], count: int = COUNT, *, seed: int = 0, gain: float = 2.0) -> MetricContext:
    """A model that reads a fine pattern in the corner of noisy pictures."""
    return context_of(Weighs(torch.from_numpy(CORNER * CHECKS).float(), gain), noise(count), maps=maps, seed=seed)


def everywhere(heatmap: np.ndarray, name: str = "by_hand", count: int = COUNT) -> MapSet:
    return map_set(np.repeat(heatmap[None], count, axis=0), name)


def values(result: MetricResult, name: str = "by_hand") -> dict[str, float | None]:
    return {item.name: item.value for item in result.of_maps[name]}


def test_what_the_model_reads_keeps_the_class_and_what_it_ignores_does_not() -> None:
    result = ClassConsistency().measure(context([everywhere(CORNER, "right"), everywhere(CORNER[::-1, ::-1], "wrong")]))

    assert result.trust == {"right": "passed", "wrong": "failed"}
    assert values(result, "right")["class_kept"] > 0.9 > values(result, "wrong")["class_kept"]
    assert values(result, "right")["class_consistency"] > 0.1


def test_a_map_that_knows_nothing_fails() -> None:
    maps = map_set(np.random.default_rng(8).random((COUNT, *SIZE)))

    assert ClassConsistency().measure(context([maps])).trust == {"by_hand": "failed"}


def test_the_numbers_are_those_of_one_picture_after_the_other() -> None:
    maps = np.random.default_rng(1).random((5, *SIZE)).astype(np.float32)
    given = context([map_set(maps)], 5)
    expected = []
    for image, heatmap, target in zip(given.sample.images.numpy(), maps, given.predicted, strict=True):
        region = cv2.GaussianBlur(heatmap, (0, 0), REGION * 12, borderType=cv2.BORDER_REFLECT)
        kept = region >= np.sort(region, axis=None)[-round(0.2 * region.size)]
        hidden = [
            cv2.GaussianBlur(plane.astype(np.float32), (0, 0), BLUR * 12, borderType=cv2.BORDER_REFLECT)
            for plane in image
        ]
        picture = np.where(kept, image, np.stack(hidden)).astype(np.float32)
        logits = given.model.module(torch.from_numpy(picture)[None] / 255).detach()
        expected.append(float(logits.softmax(dim=1)[0, target]))

    assert values(ClassConsistency().measure(given))["class_probability_kept"] == pytest.approx(np.mean(expected))


def test_moved_shapes_keep_their_area_and_never_stay() -> None:
    trial = ClassConsistency()._trial(context([]))
    hot = trial.hottest(np.random.default_rng(0).random((COUNT, *SIZE)).astype(np.float32), 0.2)

    moved = trial.moved(hot)

    assert set(hot.sum(axis=(1, 2))) == set(moved.sum(axis=(1, 2))) == {round(0.2 * 16 * 12)}
    assert not any(np.array_equal(one, other) for one, other in zip(hot, moved, strict=True))


def test_pixels_that_a_map_does_not_tell_apart_are_kept_at_random() -> None:
    trial = ClassConsistency()._trial(context([]))

    hot = trial.hottest(np.ones((COUNT, *SIZE), np.float32), 0.2)

    assert hot.sum(axis=(1, 2)).tolist() == [round(0.2 * 16 * 12)] * COUNT
    assert hot.mean(axis=0).max() < 0.6


def test_a_few_bright_pixels_are_joined_to_a_region() -> None:
    speckle = CORNER * (np.random.default_rng(0).random(SIZE) > 0.6)

    assert ClassConsistency().measure(context([everywhere(speckle)])).trust == {"by_hand": "passed"}


def test_the_forecast_of_cost_holds_for_six_map_sets_on_a_sample_of_128() -> None:
    given = context([everywhere(CORNER, f"method {number}", 128) for number in range(6)], 128)
    before = given.predictor.forwards

    metric = ClassConsistency(images=16)
    metric.measure(given)

    assert (given.predictor.forwards - before) / 128 == metric.forwards()


def test_blank_maps_are_never_scored() -> None:
    usable = np.arange(COUNT) % 2 == 0
    blank = map_set(np.zeros((COUNT, *SIZE)), "blank", np.zeros(COUNT, bool))
    some = map_set(CORNER * usable[:, None, None], usable=usable)

    result = ClassConsistency(images=COUNT).measure(context([some, blank]))

    assert {item.count for item in result.of_maps["by_hand"]} == {COUNT // 2}
    assert [(item.value, item.count) for item in result.of_maps["blank"]] == [(None, 0)] * 4
    assert result.trust["blank"] == "not enough data"


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_pictures() -> None:
    maps = [map_set(np.random.default_rng(8).random((COUNT, *SIZE)))]

    first, again, other = (ClassConsistency(images=8).measure(context(maps, seed=seed)) for seed in (0, 0, 1))

    assert first == again
    assert first != other


def test_without_maps_there_is_nothing_to_measure() -> None:
    assert ClassConsistency().measure(context([])) == MetricResult()
