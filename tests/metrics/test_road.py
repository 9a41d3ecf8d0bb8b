from __future__ import annotations

import numpy as np
import pytest
import quantus
import torch
from quantus.functions.perturb_func import noisy_linear_imputation

from auditor.metrics import MapSet, MetricContext, MetricResult, road
from auditor.metrics.road import Road
from tests.metrics.contexts import SIZE, Weighs, context_of, map_set, noise

COUNT = 20
PERCENTILES = (20, 50, 80)


def weights() -> torch.Tensor:
    """A few pixels weigh much, most little."""
    return torch.from_numpy(np.random.default_rng(3).exponential(size=SIZE) ** 2).float()


def context(maps: list[MapSet], count: int = COUNT, *, seed: int = 0) -> MetricContext:
    return context_of(Weighs(weights(), gain=0.3), noise(count), maps=maps, seed=seed)


def everywhere(heatmap: np.ndarray, name: str = "by_hand", count: int = COUNT) -> MapSet:
    return map_set(np.repeat(heatmap[None], count, axis=0), name)


def values(result: MetricResult, name: str) -> dict[str, float | None]:
    return {item.name: item.value for item in result.of_maps[name]}


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise, and solved to the end."""
    monkeypatch.setattr(road, "NOISE", 0.0)
    monkeypatch.setattr(road, "TOLERANCE", 1e-7)


def test_a_linear_models_own_weights_pass_and_their_reverse_fails() -> None:
    own, reverse = weights().numpy(), float(weights().max()) - weights().numpy()
    given = context([everywhere(own, "weights"), everywhere(reverse, "reverse")])

    result = Road(images=COUNT).measure(given)

    assert result.trust == {"weights": "passed", "reverse": "failed"}
    assert values(result, "weights")["road"] > 0.1
    assert values(result, "reverse")["road"] < -0.1


def test_a_map_that_knows_nothing_fails_on_many_pictures_and_is_left_open_on_few() -> None:
    rng = np.random.default_rng(8)
    many, few = (map_set(rng.random((count, *SIZE))) for count in (COUNT, 8))

    assert Road(images=COUNT).measure(context([many])).trust == {"by_hand": "failed"}
    assert Road().measure(context([few], 8)).trust == {"by_hand": "not enough data"}


@pytest.mark.usefixtures("exact")
def test_the_share_that_keeps_its_class_is_that_of_quantus() -> None:
    maps = np.random.default_rng(1).random((COUNT, *SIZE)).astype(np.float32)
    given = context([map_set(maps)])

    found = Road(images=COUNT, percentiles=PERCENTILES).measure(given).tables["road"]["same_class"]["by_hand"]

    images = given.sample.images.numpy().astype(np.float64) / 255
    for order, ranked in (("morf", maps), ("lerf", 1 - maps)):
        theirs = quantus.ROAD(
            percentages=list(PERCENTILES),
            perturb_func=noisy_linear_imputation,
            perturb_func_kwargs={"noise": 0.0},
            normalise=False,
            disable_warnings=True,
        )(
            model=given.model.module.double(),
            x_batch=images,
            y_batch=given.predicted,
            a_batch=ranked[:, None].astype(np.float64),
            device="cpu",
        )
        assert found[order] == pytest.approx([theirs[percentile] for percentile in PERCENTILES])
    given.model.module.float()


@pytest.mark.usefixtures("exact")
def test_the_numbers_are_those_of_one_picture_after_the_other() -> None:
    maps = np.random.default_rng(1).random((4, *SIZE))
    given = context([map_set(maps)], 4)
    most, least = [], []
    for index in range(4):
        image, target = given.sample.images[index].numpy() / 255, given.predicted[index]
        order = np.argsort(-maps[index], axis=None)
        for scores, first in ((most, order), (least, order[::-1])):
            kept = []
            for percentile in PERCENTILES:
                gone = first[: int(maps[index].size * percentile / 100)].copy()
                picture = torch.from_numpy(noisy_linear_imputation(image, gone, noise=0.0))[None].float()
                kept.append(float(given.model.module(picture).detach().softmax(dim=1)[0, target]))
            scores.append(np.mean(kept))

    result = Road(percentiles=PERCENTILES).measure(given)

    found = values(result, "by_hand")
    assert found["road_morf"] == pytest.approx(np.mean(most), abs=1e-4)
    assert found["road_lerf"] == pytest.approx(np.mean(least), abs=1e-4)
    assert found["road"] == pytest.approx(np.mean(least) - np.mean(most), abs=1e-4)
    nulls = {name: {m.name: m.value for m in measured}["road"] for name, measured in result.of_nulls.items()}
    bar = 0.8 * max(0, nulls["edges"], nulls["centre"])
    assert found["road_over_bar"] == pytest.approx(found["road"] - bar)


def test_imputed_pixels_carry_a_little_noise_and_the_others_none() -> None:
    given = context([everywhere(weights().numpy())])
    sent: list[torch.Tensor] = []
    scores_of = given.predictor.scores_of

    def spy(count: int, make: object, progress: object = None) -> np.ndarray:
        sent.append(make(0, count))
        return scores_of(count, make, progress)

    given.predictor.scores_of = spy
    Road(images=2, percentiles=(50,)).measure(given)

    draw = np.sort(np.random.default_rng([0, 6]).permutation(COUNT)[:2])
    image = given.sample.images[draw[0]].float()
    changed = (sent[-1][0] != image).any(dim=0).numpy()
    order = np.argsort(-weights().numpy(), axis=None)
    assert set(np.flatnonzero(changed)) == set(order[: order.size // 2])
    smooth = noisy_linear_imputation(image.numpy().astype(float), np.flatnonzero(changed), noise=0.0)
    spread = (sent[-1][0].numpy() - smooth)[:, changed].std()
    assert spread == pytest.approx(0.01 * 255, rel=0.2)


def test_a_random_map_scores_zero_on_average() -> None:
    maps = np.random.default_rng(4).random((60, *SIZE))
    given = context_of(Weighs(torch.ones(SIZE), gain=0.02), noise(60), maps=[map_set(maps)])

    (measured,) = Road(images=60, percentiles=(50,)).measure(given).of_maps.values()

    assert measured[2].low < 0 < measured[2].high
    assert measured[2].high - measured[2].low < 0.1


def test_maps_that_know_nothing_stand_beside_the_methods() -> None:
    result = Road().measure(context([everywhere(weights().numpy())]))

    assert set(result.of_nulls) == {"random map", "edges", "centre"}
    assert result.tables["road"]["nulls"] == ["random map", "edges", "centre"]
    assert set(result.tables["road"]["probability"]) == {"random map", "edges", "centre", "by_hand"}


def test_the_forecast_of_cost_holds_for_six_map_sets_on_a_sample_of_128() -> None:
    maps = [everywhere(weights().numpy(), f"method {number}", 128) for number in range(6)]
    given = context(maps, 128)
    before = given.predictor.forwards

    metric = Road(images=3, percentiles=(30, 60))
    metric.measure(given)

    assert (given.predictor.forwards - before) / 128 == metric.forwards()


def test_blank_maps_are_never_scored() -> None:
    maps = np.repeat(weights().numpy()[None], COUNT, axis=0)
    usable = np.arange(COUNT) % 2 == 0
    maps[~usable] = 0
    blank = map_set(np.zeros((COUNT, *SIZE)), "blank", np.zeros(COUNT, bool))

    result = Road(images=COUNT, percentiles=(50,)).measure(context([map_set(maps, usable=usable), blank]))

    assert {item.count for item in result.of_maps["by_hand"]} == {COUNT // 2}
    assert [(item.value, item.count) for item in result.of_maps["blank"]] == [(None, 0)] * 4
    assert result.trust["blank"] == "not enough data"


def test_pictures_that_are_model_inputs_already_have_their_own_range() -> None:
    given = context([everywhere(weights().numpy())])
    inputs = given.sample.images.float() / 255 * 4 - 2
    object.__setattr__(given.sample, "images", inputs)
    object.__setattr__(given.model.preprocessing, "transform", "inputs.py:as_they_are")
    assert given.predictor.model.preprocessing.transform is not None

    trial = road._Trial.of(given, np.array([0, 3]), (50,))

    assert trial.value_range == pytest.approx(float(inputs.max() - inputs.min()))
    assert torch.equal(trial.images, inputs[[0, 3]])


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_pictures() -> None:
    maps = [map_set(np.random.default_rng(8).random((COUNT, *SIZE)))]

    first, again, other = (Road(images=4, percentiles=(50,)).measure(context(maps, seed=seed)) for seed in (0, 0, 1))

    assert first == again
    assert first != other


def test_without_maps_there_is_nothing_to_measure() -> None:
    assert Road().measure(context([])) == MetricResult()
