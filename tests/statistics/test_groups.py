"""Gaps between groups, decodability and dominance: against slow twins, other libraries and simulated nulls."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from auditor.statistics.decodability import FOLDS, _folds, decode, whitened
from auditor.statistics.disparity import Contrast, Gap, Members, contrasts_of, gaps
from auditor.statistics.dominance import stratified_cliffs_delta
from auditor.statistics.shuffling import Exchange, resampled_weights


def world(seed: int, count: int = 120, groups: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Correct, group, class, cluster; groups prefer classes, classes differ in accuracy, the group does nothing."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, count)
    group = np.where(rng.random(count) < 0.5, classes % groups, rng.integers(0, groups, count))
    correct = rng.random(count) < np.array([0.95, 0.7, 0.5])[classes]
    return correct, group, classes, np.arange(count)


def worst(*arrays: np.ndarray, **options: int) -> Gap:
    members = Members(*arrays)
    return gaps(members, contrasts_of(members, by_class=False), **options)[0]


def test_the_gap_is_the_mantel_haenszel_difference_of_a_slow_twin() -> None:
    correct, group, classes, clusters = world(1)

    for name in range(3):
        found = Members(correct, group, classes, clusters).comparison(name, None)

        above, below = 0.0, 0.0
        for one in range(3):
            inside = correct[(classes == one) & (group == name)]
            rest = correct[(classes == one) & (group != name)]
            weight = len(inside) * len(rest) / (len(inside) + len(rest))
            above += weight * (rest.mean() - inside.mean())
            below += weight
        assert found.difference == pytest.approx(above / below)
        low, high = found.interval(0.05, 0)
        assert low <= found.difference <= high


def test_p_is_that_of_all_permutations_within_classes() -> None:
    group, classes = np.array([0, 0, 0, 1, 1, 0, 1]), np.array([0, 0, 0, 0, 0, 1, 1])
    correct = np.array([False, False, True, True, True, True, True])

    found = gaps(Members(correct, group, classes, np.arange(7)), [Contrast(0, None, 4, 3)], seed=0, draws=19_999)[0]

    def lacking(labels: np.ndarray) -> float:
        share = np.array([correct[classes == name].mean() for name in (0, 1)])[classes]
        return float((share - correct)[labels == 0].sum())

    draws = [lacking(np.array([*first, *second])) for first in permutations(group[:5]) for second in ((0, 1), (1, 0))]
    exact = np.mean([draw >= lacking(group) - 1e-9 for draw in draws])
    assert found.p == pytest.approx(exact, abs=0.01)


def test_groups_that_prefer_hard_classes_are_not_accused_more_often_than_chance() -> None:
    ps = np.array([worst(*world(seed), seed=seed, draws=199).p for seed in range(24)])

    assert (ps <= 0.05).sum() <= 3
    assert 0.3 <= np.median(ps) <= 0.7


def test_a_group_with_a_third_less_right_answers_is_found_and_its_gap_covered() -> None:
    correct, group, classes, clusters = world(3, count=240)
    rng = np.random.default_rng(0)
    correct = correct & ~((group == 1) & (rng.random(240) < 0.5))

    found = worst(correct, group, classes, clusters, seed=0, draws=999)

    assert found.contrast.group == 1
    assert found.p <= 0.01
    assert 0 < found.low <= 0.35 <= found.high


def test_pictures_of_one_patient_count_once() -> None:
    correct, group, classes, clusters = world(5, count=90, groups=2)
    correct = correct & ~((group == 1) & (np.arange(90) % 3 == 0))

    alone = worst(correct, group, classes, clusters, seed=0, draws=999)
    copied = worst(*(np.repeat(array, 4) for array in (correct, group, classes, clusters)), seed=0, draws=999)

    assert copied.value == pytest.approx(alone.value)
    assert copied.p == pytest.approx(alone.p, abs=0.03)
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.2)
    assert copied.clusters == alone.clusters
    assert copied.detectable >= 0.8 * alone.detectable


def test_a_model_without_mistakes_is_not_sure_of_no_gap() -> None:
    _, group, classes, clusters = world(7)

    found = worst(np.ones(120, bool), group, classes, clusters, seed=0, draws=99)

    assert found.value == 0
    assert found.p == 1
    assert found.low < -0.02
    assert found.high > 0.02
    assert 0.05 < found.detectable < 0.3


def test_groups_that_go_with_classes_cannot_be_compared() -> None:
    classes = np.arange(120) % 3
    group = classes.copy()
    group[:6] = (group[:6] + 1) % 3

    assert contrasts_of(Members(np.ones(120, bool), group, classes, np.arange(120)), by_class=False) == []


def test_small_groups_and_few_clusters_are_not_compared() -> None:
    group, classes = np.repeat([0, 1, 2], [60, 45, 15]), np.zeros(120, int)

    right = np.ones(120, bool)
    of_pictures = contrasts_of(Members(right, group, classes, np.arange(120)), by_class=False)
    of_patients = contrasts_of(Members(right, group, classes, np.arange(120) // 10), by_class=False)

    assert [contrast.group for contrast in of_pictures] == [0, 1]
    assert of_patients == []


def test_shuffles_keep_clusters_whole_and_classes_apart() -> None:
    clusters = np.repeat(np.arange(20), 3)
    classes = np.repeat(np.arange(20) % 2, 3)
    group = np.repeat(np.arange(20) // 2 % 3, 3)
    group[0] = 2  # this patient was seen at two sites
    exchange = Exchange.within(group, classes, clusters)

    (labels,) = exchange.shuffles(50, np.random.default_rng(0))
    drawn = labels[:, exchange.unit]

    assert (np.sort(drawn[:, classes == 1]) == np.sort(group[classes == 1])).all()
    whole = drawn[:, 3:].reshape(50, 19, 3)
    assert (whole == whole[:, :, :1]).all()
    assert (np.sort(drawn[:, :3]) == np.sort(group[:3])).all()
    assert len(np.unique(drawn, axis=0)) > 40


def test_resampled_clusters_come_whole_and_as_many_as_there_are() -> None:
    clusters, strata = np.repeat(np.arange(8), 2), np.repeat([0, 1], 8)

    weights = resampled_weights(clusters, strata, 30, np.random.default_rng(0))

    assert (weights[:, ::2] == weights[:, 1::2]).all()
    assert (weights[:, :8].sum(axis=1) == 8).all()
    assert (weights[:, 8:].sum(axis=1) == 8).all()


def features_of(group: np.ndarray, strength: float, seed: int = 0) -> np.ndarray:
    features = np.random.default_rng(seed).normal(size=(len(group), 24))
    features[:, 3] += strength * group
    return features


def test_decoding_is_the_nearest_centroid_of_scikit_learn() -> None:
    _, group, classes, clusters = world(2)
    features = features_of(group, 1.0)

    found = decode(features, group, classes, clusters, seed=0, draws=9)

    fold = _folds(classes, clusters, np.random.default_rng([0, 4]))
    white = whitened(features)
    read = np.empty_like(group)
    for one in range(FOLDS):
        nearest = NearestCentroid().fit(white[fold != one], group[fold != one])
        read[fold == one] = nearest.predict(white[fold == one])
    shares = [(read == group)[group == name].mean() for name in range(3)]
    assert found.value == pytest.approx(np.mean(shares))
    assert found.low <= found.value <= found.high


def test_whitened_features_are_uncorrelated_and_pulled_to_one_size() -> None:
    features = np.random.default_rng(0).normal(size=(200, 5)) * np.array([9, 3, 1, 1, 0.1])

    covariance = np.cov(whitened(features).T, bias=True)

    assert covariance - np.diag(np.diag(covariance)) == pytest.approx(0, abs=1e-9)
    assert np.diag(covariance).max() / np.diag(covariance).min() < 81 / 0.01


def test_a_group_in_the_features_is_read_and_one_that_is_not_is_not() -> None:
    _, group, classes, clusters = world(4, groups=2)

    there = decode(features_of(group, 3.0), group, classes, clusters, seed=0)
    absent = decode(features_of((classes == 1).astype(int), 9.0), group, classes, clusters, seed=0)

    assert there.p <= 0.001
    assert there.value > 0.8
    assert absent.value > 0.55  # the class gives half of the groups away
    assert absent.p > 0.05
    assert absent.chance == pytest.approx(absent.value, abs=0.1)


def test_patients_are_not_read_instead_of_their_group() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 4)
    group = np.repeat(rng.integers(0, 2, 40), 4)
    features = rng.normal(size=(40, 24))[patients] + 0.1 * rng.normal(size=(160, 24))

    found = decode(features, group, np.zeros(160, int), patients, seed=0)

    assert found.p > 0.05
    assert found.clusters == 40


def test_cliffs_delta_counts_pairs_of_one_class() -> None:
    _, group, classes, clusters = world(6)
    values = np.random.default_rng(0).normal(size=120) + 2 * classes + 0.7 * (group == 1)

    value, low, high = stratified_cliffs_delta(values, group == 1, classes, clusters, seed=0)

    pairs = [
        np.sign(values[i] - values[j])
        for i in np.flatnonzero(group == 1)
        for j in np.flatnonzero(group != 1)
        if classes[i] == classes[j]
    ]
    assert value == pytest.approx(np.mean(pairs))
    assert 0 < low < value < high


def test_cliffs_delta_of_pairs_that_all_go_one_way_is_not_certain() -> None:
    inside = np.arange(24) < 10

    value, low, high = stratified_cliffs_delta(inside + 0.0, inside, np.zeros(24, int), np.arange(24), seed=0)

    assert value == high == 1
    assert 0.3 < low < 0.9
