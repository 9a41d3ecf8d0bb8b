from __future__ import annotations

import numpy as np
import pytest
import quantus
from scipy.stats import norm
from sklearn.metrics import jaccard_score

from auditor.metrics import MetricResult, localisation
from auditor.metrics.localisation import Localisation, outline_overlap, points_at
from auditor.records import Measurement
from tests.metrics.contexts import SIZE, context_of, map_set, noise
from tests.models import ReadsTheCorner

COUNT = 10


def objects() -> np.ndarray:
    """A box that wanders to the right."""
    inside = np.zeros((COUNT, *SIZE), bool)
    for index in range(COUNT):
        inside[index, 4:11, index // 3 : 4 + index // 2] = True
    return inside


def measured(maps: np.ndarray, inside: np.ndarray | None, metric: Localisation | None = None) -> MetricResult:
    given = context_of(ReadsTheCorner(), noise(len(maps)), objects=inside, maps=[map_set(maps)])
    return (metric or Localisation()).measure(given)


def values(result: MetricResult) -> dict[str, Measurement]:
    return {item.name: item for item in result.of_maps["by_hand"]}


def random_maps(count: int = COUNT) -> np.ndarray:
    return np.random.default_rng(0).random((count, *SIZE)).astype(np.float32)


def test_a_map_of_the_object_itself_points_at_it_and_outlines_it() -> None:
    found = values(measured(objects() * 0.3, objects()))

    assert {name: item.value for name, item in found.items()} == {
        "pointing_game": 1,
        "iou_at_20": pytest.approx(1),
        "iou_at_50": pytest.approx(1),
    }


def test_without_tolerance_it_is_the_pointing_game_of_quantus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localisation, "TOLERANCE", 0.0)
    maps, inside = random_maps(), objects()

    theirs = quantus.PointingGame(normalise=False, disable_warnings=True)(
        model=ReadsTheCorner(), x_batch=np.zeros((COUNT, 3, *SIZE), np.float32), y_batch=np.zeros(COUNT, int),
        a_batch=maps[:, None], s_batch=inside[:, None], device="cpu",
    )  # fmt: skip

    assert 0 < np.mean(theirs) < 1
    assert values(measured(maps, inside))["pointing_game"].value == pytest.approx(np.mean(theirs))


@pytest.mark.parametrize(("distance", "hits"), [(1, True), (3, True), (4, False)])
def test_the_tolerance_is_a_distance_in_pixels(distance: int, hits: bool) -> None:
    inside, heatmap = np.zeros((40, 30), bool), np.zeros((40, 30))
    inside[10:20, 10:20] = True
    heatmap[19 + distance, 15] = 1

    assert points_at(heatmap, inside, 3.0) == hits


def test_fifteen_pixels_on_224_scale_with_the_shorter_side() -> None:
    note = values(measured(random_maps(), objects()))["pointing_game"].note

    assert f"tolerance {15 * 12 / 224:.1f} px" in note


def test_maxima_that_are_shared_count_by_their_share() -> None:
    inside, heatmap = np.zeros(SIZE, bool), np.zeros(SIZE)
    inside[:4, :4] = True
    heatmap[0, 0] = heatmap[15, 11] = heatmap[15, 0] = heatmap[0, 1] = 7

    assert points_at(heatmap, inside, 0) == 0.5


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_the_overlap_is_that_of_another_library(threshold: float) -> None:
    for heatmap, inside in zip(random_maps(), objects(), strict=True):
        expected = jaccard_score(inside.ravel(), (heatmap > threshold * heatmap.max()).ravel())
        assert outline_overlap(heatmap, inside, threshold) == pytest.approx(expected)


def test_thresholds_of_the_spec_are_measured_and_named() -> None:
    found = values(measured(random_maps(), objects(), Localisation(thresholds=(0.15, 0.7))))

    assert list(found) == ["pointing_game", "iou_at_15", "iou_at_70"]


def test_noise_edges_and_the_centre_stand_beside_the_methods() -> None:
    inside = np.repeat((np.outer(norm.pdf(np.linspace(-2, 2, 16)), norm.pdf(np.linspace(-2, 2, 12))) > 0.1)[None], 4, 0)

    nulls = measured(random_maps(4), inside).of_nulls

    assert set(nulls) == {"random map", "edges", "centre"}
    assert {item.name: item.value for item in nulls["centre"]}["pointing_game"] == 1


def test_no_map_fails_for_lying_off_the_object() -> None:
    assert measured(~objects() * 1.0, objects()).trust == {}


def test_blank_maps_and_pictures_without_an_object_are_left_out() -> None:
    inside, maps = objects(), random_maps()
    inside[0], usable = False, np.arange(COUNT) != 1
    given = context_of(ReadsTheCorner(), noise(COUNT), objects=inside, maps=[map_set(maps, usable=usable)])

    result = Localisation().measure(given)

    assert {item.count for item in result.of_maps["by_hand"]} == {COUNT - 2}
    assert {item.count for item in result.of_nulls["centre"]} == {COUNT - 1}


@pytest.mark.parametrize("inside", [None, np.zeros((COUNT, *SIZE), bool)])
def test_without_objects_nothing_is_measured_and_the_reason_is_given(inside: np.ndarray | None) -> None:
    result = measured(random_maps(), inside)

    assert {(item.value, item.count, item.reason) for item in values(result).values()} == {
        (None, 0, "no picture has a mask or box")
    }
    assert result.of_nulls == {}


def test_only_so_many_pictures_are_drawn() -> None:
    assert {item.count for item in values(measured(random_maps(), objects(), Localisation(images=4))).values()} == {4}
