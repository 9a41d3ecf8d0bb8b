from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import jaccard_score

from auditor.metrics import MapSet, MetricResult
from auditor.metrics.agreement import Agreement
from tests.metrics.contexts import SIZE, context_of, map_set, noise
from tests.models import ReadsTheCorner

COUNT = 8


def measured(*maps: MapSet, metric: Agreement | None = None) -> MetricResult:
    return (metric or Agreement()).measure(context_of(ReadsTheCorner(), noise(COUNT), maps=list(maps)))


def values(result: MetricResult, name: str) -> list[float | None]:
    return [item.value for item in result.of_maps[name]]


def random_maps(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((COUNT, *SIZE))


def test_equal_maps_agree_wholly_and_opposite_ones_not_at_all() -> None:
    maps = random_maps()

    same = measured(map_set(maps, "one"), map_set(maps * 7, "two"))
    opposite = measured(map_set(maps, "one"), map_set(1 - maps, "two"))

    assert values(same, "one") == values(same, "two") == [pytest.approx(1), pytest.approx(1)]
    assert values(opposite, "one") == [pytest.approx(-1), pytest.approx(0)]


def test_a_pair_is_measured_as_other_libraries_do() -> None:
    one, two = random_maps(), random_maps() + 0.4 * random_maps(1)
    expected_rank, expected_top = [], []
    for first, second in zip(one, two, strict=True):
        small = [
            cv2.resize(m.astype(np.float32), (6, 8), interpolation=cv2.INTER_AREA).ravel() for m in (first, second)
        ]
        expected_rank.append(spearmanr(*small).statistic)
        tops = [m >= np.sort(m)[-round(0.2 * m.size)] for m in small]
        expected_top.append(jaccard_score(*tops))

    result = measured(map_set(one, "one"), map_set(two, "two"), metric=Agreement(side=8))

    table = result.tables["agreement"]
    assert values(result, "one") == [pytest.approx(np.mean(expected_rank)), pytest.approx(np.mean(expected_top))]
    assert table["names"] == ["one", "two", "edges", "centre"]
    assert table["rank"][0][1] == table["rank"][1][0] == pytest.approx(np.mean(expected_rank))
    assert table["top"][0][1] == pytest.approx(np.mean(expected_top))


def test_another_layer_of_the_same_method_is_no_second_opinion() -> None:
    maps = random_maps()
    deep = MapSet("grad_cam", "layer4", maps.astype(np.float32), np.ones(COUNT, bool))
    early = MapSet("grad_cam", "layer1", maps.astype(np.float32), np.ones(COUNT, bool))

    alone = measured(deep, early)
    with_other = measured(deep, early, map_set(1 - maps, "saliency"))

    assert values(alone, "grad_cam@layer4") == [None, None]
    assert "no other method" in alone.of_maps["grad_cam@layer4"][0].reason
    assert values(with_other, "grad_cam@layer4")[0] == pytest.approx(-1)
    assert values(with_other, "saliency")[0] == pytest.approx(-1)
    assert with_other.tables["agreement"]["rank"][0][1] == pytest.approx(1)


def test_a_pair_is_compared_where_both_are_usable_and_never_elsewhere() -> None:
    maps, other = random_maps(), random_maps()
    other[3:] = 0.5
    usable = np.arange(COUNT) > 0

    result = measured(map_set(maps, "one", usable), map_set(other, "flat from the fourth on"))

    assert {item.count for item in result.of_maps["one"]} == {2}
    assert values(result, "one")[0] == pytest.approx(1)


def test_a_map_that_is_an_edge_detector_shows_as_one() -> None:
    given = context_of(ReadsTheCorner(), noise(COUNT))
    grey = given.sample.images.numpy().astype(np.float64).mean(axis=1)
    edges = [np.hypot(cv2.Sobel(g, -1, 1, 0, borderType=2), cv2.Sobel(g, -1, 0, 1, borderType=2)) for g in grey]

    table = measured(map_set(np.array(edges)), map_set(random_maps(), "other")).tables["agreement"]

    row = dict(zip(table["names"], table["rank"][0], strict=True))
    assert row["edges"] == pytest.approx(1)
    assert abs(row["centre"]) < 0.2


def test_it_decides_nothing() -> None:
    assert measured(map_set(random_maps(), "one"), map_set(random_maps(1), "two")).trust == {}


def test_without_maps_there_is_nothing_to_measure() -> None:
    assert measured() == MetricResult()


def test_every_pair_has_its_interval_and_the_number_of_pictures_it_rests_on() -> None:
    maps = random_maps()
    one = map_set(maps, "one")
    alike = map_set(maps + 0.5 * random_maps(1), "alike", np.arange(COUNT) > 1)
    nowhere = map_set(random_maps(2), "nowhere", np.zeros(COUNT, bool))

    table = measured(one, alike, nowhere).tables["agreement"]

    assert table["counts"][0][:3] == [COUNT, COUNT - 2, 0]
    assert table["nulls"] == ["edges", "centre"]
    for key in ("rank", "top"):
        low, value, high = (table[name][1][0] for name in (f"{key}_low", key, f"{key}_high"))
        assert low < value < high
        assert table[f"{key}_low"][0][1] == low
        assert table[key][0][2] is table[f"{key}_low"][0][2] is table[f"{key}_high"][0][2] is None
        assert table[f"{key}_low"][0][0] is None
    assert table["rank_low"][1][0] > 0.3


def test_pictures_that_belong_together_are_resampled_together() -> None:
    pairs = np.repeat(np.arange(COUNT // 2), 2)
    maps, other = random_maps()[2 * pairs], random_maps(1)[2 * pairs]
    given = context_of(ReadsTheCorner(), noise(COUNT), maps=[map_set(maps, "one"), map_set(maps + other, "two")])

    single = Agreement().measure(given).tables["agreement"]
    together = Agreement().measure(replace(given, clusters=pairs)).tables["agreement"]

    def width(table: dict[str, list[list[float]]]) -> float:
        return table["rank_high"][0][1] - table["rank_low"][0][1]

    assert width(together) > width(single)
