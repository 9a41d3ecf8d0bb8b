from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from sklearn.metrics import auc

from auditor.metrics import MapSet, MetricContext, MetricResult
from auditor.metrics.insertion_deletion import InsertionDeletion
from auditor.trust.blurring import BLUR
from tests.metrics.contexts import SIZE, Weighs, context_of, map_set, noise

COUNT = 32


def weights() -> torch.Tensor:
    """A few pixels weigh much, most little."""
    return torch.from_numpy(np.random.default_rng(3).exponential(size=SIZE) ** 2).float()


def context(maps: list[MapSet], count: int = COUNT, *, seed: int = 0) -> MetricContext:
    return context_of(Weighs(weights(), gain=0.3), noise(count), maps=maps, seed=seed)


def everywhere(heatmap: np.ndarray, name: str = "by_hand", count: int = COUNT) -> MapSet:
    return map_set(np.repeat(heatmap[None], count, axis=0), name)


def own_weights(count: int = COUNT) -> MapSet:
    return everywhere(weights().numpy(), "weights", count)


def values(result: MetricResult, name: str) -> dict[str, float | None]:
    return {item.name: item.value for item in result.of_maps[name]}


def test_a_linear_models_own_weights_are_faithful_and_their_reverse_is_not() -> None:
    reverse = everywhere(float(weights().max()) - weights().numpy(), "reverse")

    result = InsertionDeletion().measure(context([own_weights(), reverse]))

    assert result.trust == {"weights": "passed", "reverse": "failed"}
    assert values(result, "weights")["faithfulness"] > 0.05
    assert values(result, "reverse")["faithfulness"] < -0.05


def test_a_map_that_knows_nothing_fails_on_many_pictures_and_is_left_open_on_few() -> None:
    rng = np.random.default_rng(8)
    many, few = (map_set(rng.random((count, *SIZE))) for count in (COUNT, 10))

    assert InsertionDeletion().measure(context([many])).trust == {"by_hand": "failed"}
    assert InsertionDeletion().measure(context([few], 10)).trust == {"by_hand": "not enough data"}


def test_a_map_that_falls_short_of_a_blob_in_the_centre_fails_although_it_is_better_than_chance() -> None:
    down, across = np.mgrid[:16, :12]
    strength = np.exp(-((down - 7.5) ** 2 + (across - 5.5) ** 2) / 12)
    checks = 1 - 2 * ((down + across) % 2)
    images = (128 + 60 * torch.from_numpy(checks) + noise(COUNT) // 8).to(torch.uint8)
    half = everywhere(np.where(across < 5, strength, 0), "half")
    maps = [everywhere(strength, "whole"), half]
    given = context_of(Weighs(torch.from_numpy(strength * checks).float(), gain=0.3), images, maps=maps)

    result = InsertionDeletion(images=COUNT).measure(given)

    assert result.trust == {"whole": "passed", "half": "failed"}
    found = {item.name: item for item in result.of_maps["half"]}
    assert found["faithfulness"].low > 0
    assert found["faithfulness_over_bar"].high < 0
    assert "centre" in found["faithfulness_over_bar"].note


def test_three_maps_are_never_enough() -> None:
    assert InsertionDeletion().measure(context([own_weights(3)], 3)).trust == {"weights": "not enough data"}


def test_areas_are_those_of_one_picture_after_the_other() -> None:
    maps = np.random.default_rng(1).random((5, *SIZE))
    given = context([map_set(maps)], 5)
    module, steps = given.model.module, 4
    insertion, deletion = [], []
    for index in range(5):
        image = given.sample.images[index].float().numpy()
        blurred = np.stack(
            [cv2.GaussianBlur(plane, (0, 0), BLUR * 12, borderType=cv2.BORDER_REFLECT) for plane in image]
        )
        order = np.argsort(-maps[index], axis=None)
        target, curves = given.predicted[index], ([], [])
        for step in range(steps + 1):
            first = np.zeros(maps[index].size, bool)
            first[order[: step * maps[index].size // steps]] = True
            first = first.reshape(SIZE)
            pictures = np.where(first, image, blurred), np.where(first, blurred, image)
            for curve, picture in zip(curves, pictures, strict=True):
                logits = module(torch.from_numpy(picture)[None] / 255).detach()
                curve.append(float(logits.softmax(dim=1)[0, target]))
        insertion.append(auc(np.linspace(0, 1, steps + 1), curves[0]))
        deletion.append(auc(np.linspace(0, 1, steps + 1), curves[1]))

    found = values(InsertionDeletion(steps=steps).measure(given), "by_hand")

    assert found["insertion_auc"] == pytest.approx(np.mean(insertion), abs=1e-5)
    assert found["deletion_auc"] == pytest.approx(np.mean(deletion), abs=1e-5)


def test_curves_begin_and_end_at_the_whole_and_the_blurred_picture() -> None:
    given = context([own_weights()])

    table = InsertionDeletion(images=COUNT, steps=5).measure(given).tables["insertion_deletion"]

    whole = given.scores.max(axis=1).mean()
    assert table["shares"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert table["images"] == COUNT
    assert set(table["curves"]) == {"random map", "edges", "centre", "weights"}
    assert table["nulls"] == ["random map", "edges", "centre"]
    for curve in table["curves"].values():
        assert curve["deletion"][0] == pytest.approx(whole)
        assert curve["insertion"][-1] == pytest.approx(whole)
        assert curve["insertion"][0] == curve["deletion"][-1] == table["curves"]["weights"]["insertion"][0]


def test_every_picture_counts_once_for_the_ends_and_once_for_each_step_between() -> None:
    given = context([own_weights()])
    before = given.predictor.forwards

    InsertionDeletion(images=8, steps=5).measure(given)

    assert given.predictor.forwards - before == 8 * (1 + (1 + 3) * 2 * 4)


def test_the_forecast_of_cost_holds_for_six_map_sets_on_a_sample_of_128() -> None:
    maps = [everywhere(weights().numpy(), f"method {number}", 128) for number in range(6)]
    given = context(maps, 128)
    before = given.predictor.forwards

    metric = InsertionDeletion(images=4, steps=3)
    metric.measure(given)

    assert (given.predictor.forwards - before) / 128 == metric.forwards()


def test_blank_maps_are_never_scored() -> None:
    maps = np.repeat(weights().numpy()[None], COUNT, axis=0)
    usable = np.arange(COUNT) % 2 == 0
    maps[~usable] = 0
    blank = map_set(np.zeros((COUNT, *SIZE)), "blank", np.zeros(COUNT, bool))

    result = InsertionDeletion(images=COUNT).measure(context([map_set(maps, usable=usable), blank]))

    assert {item.count for item in result.of_maps["by_hand"]} == {COUNT // 2}
    assert [(item.value, item.count) for item in result.of_maps["blank"]] == [(None, 0)] * 4
    assert result.trust["blank"] == "not enough data"
    assert "blank" not in result.tables["insertion_deletion"]["curves"]


def test_ties_are_broken_by_the_random_order_and_not_by_place() -> None:
    result = InsertionDeletion().measure(context([everywhere(np.ones(SIZE))]))

    flat, random = result.of_maps["by_hand"][:3], result.of_nulls["random map"]
    assert flat == random


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_pictures() -> None:
    rng = np.random.default_rng(8)
    maps = [map_set(rng.random((COUNT, *SIZE)))]

    first, again, other = (InsertionDeletion(images=8).measure(context(maps, seed=seed)) for seed in (0, 0, 1))

    assert first == again
    assert first != other


def test_without_maps_there_is_nothing_to_measure() -> None:
    assert InsertionDeletion().measure(context([])) == MetricResult()


def test_a_random_order_scores_zero_on_average() -> None:
    maps = np.random.default_rng(4).random((100, *SIZE))
    given = context_of(Weighs(torch.ones(SIZE), gain=0.02), noise(100), maps=[map_set(maps)])

    found = InsertionDeletion(images=100, steps=4).measure(given).of_maps["by_hand"]

    assert found[2].low < 0 < found[2].high
    assert found[2].high - found[2].low < 0.1
