from __future__ import annotations

import numpy as np
import pytest
import quantus

from auditor.metrics import MapSet, MetricContext
from auditor.metrics.relevance_mass import RelevanceMass
from auditor.records import Measurement
from tests.metrics.contexts import SIZE, context_of, map_set, noise
from tests.models import ReadsTheCorner

COUNT = 6


def objects() -> np.ndarray:
    """A box that grows from picture to picture."""
    inside = np.zeros((COUNT, *SIZE), bool)
    for index in range(COUNT):
        inside[index, 4 : 6 + index, 3:9] = True
    return inside


def context(maps: MapSet, inside: np.ndarray | None) -> MetricContext:
    return context_of(ReadsTheCorner(), noise(COUNT), objects=inside, maps=[maps])


def measured(maps: MapSet, inside: np.ndarray | None) -> dict[str, Measurement]:
    return {item.name: item for item in RelevanceMass().measure(context(maps, inside)).of_maps[maps.name]}


def test_a_flat_map_puts_the_objects_area_on_the_object() -> None:
    found = measured(map_set(np.full((COUNT, *SIZE), 3.0)), objects())

    area = objects().mean()
    assert found["area"].value == pytest.approx(area)
    assert found["mass_accuracy"].value == pytest.approx(area)
    assert found["rank_accuracy"].value == pytest.approx(area)
    assert found["enrichment"].value == pytest.approx(1)


def test_a_map_of_the_object_itself_puts_everything_there() -> None:
    found = measured(map_set(objects() * 0.2), objects())

    assert found["mass_accuracy"].value == pytest.approx(1)
    assert found["rank_accuracy"].value == pytest.approx(1)
    assert found["enrichment"].value == pytest.approx((1 / objects().mean(axis=(1, 2))).mean())


def test_a_map_of_everything_else_puts_nothing_there() -> None:
    found = measured(map_set(~objects()), objects())

    assert found["mass_accuracy"].value == 0
    assert found["rank_accuracy"].value == 0
    assert found["mass_accuracy"].high > 0


def test_rank_accuracy_is_the_share_of_the_strongest_pixels_on_the_object() -> None:
    inside = objects()
    maps = np.random.default_rng(0).permuted(np.arange(float(COUNT * inside[0].size))).reshape(COUNT, *SIZE)
    expected = []
    for heatmap, mask in zip(maps, inside, strict=True):
        strongest = np.argsort(heatmap, axis=None)[::-1][: mask.sum()]
        expected.append(mask.reshape(-1)[strongest].mean())

    assert measured(map_set(maps), inside)["rank_accuracy"].value == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("mass_accuracy", quantus.RelevanceMassAccuracy), ("rank_accuracy", quantus.RelevanceRankAccuracy)],
)
def test_the_numbers_are_those_of_quantus(name: str, theirs: type) -> None:
    maps = np.random.default_rng(3).random((COUNT, *SIZE)).astype(np.float32)

    expected = theirs(normalise=False, disable_warnings=True)(
        model=ReadsTheCorner(), x_batch=np.zeros((COUNT, 3, *SIZE), np.float32), y_batch=np.zeros(COUNT, int),
        a_batch=maps[:, None], s_batch=objects()[:, None], device="cpu",
    )  # fmt: skip

    assert measured(map_set(maps), objects())[name].value == pytest.approx(np.mean(expected))


def test_maps_that_know_nothing_stand_beside_the_methods() -> None:
    inside = objects()

    result = RelevanceMass().measure(context(map_set(inside * 1.0), inside))

    nulls = {name: {item.name: item.value for item in items} for name, items in result.of_nulls.items()}
    assert set(nulls) == {"random map", "edges", "centre"}
    assert nulls["random map"]["enrichment"] == pytest.approx(1, abs=0.1)
    assert nulls["centre"]["enrichment"] > 1.2
    assert result.trust == {}


def test_magnitudes_do_not_matter() -> None:
    maps = np.random.default_rng(0).random((COUNT, *SIZE))

    assert measured(map_set(maps), objects())["mass_accuracy"].value == pytest.approx(
        measured(map_set(maps * np.arange(1, COUNT + 1)[:, None, None] * 1e4), objects())["mass_accuracy"].value
    )


def test_blank_maps_and_pictures_without_an_object_are_left_out() -> None:
    inside = objects()
    inside[0] = False
    maps = inside * 1.0
    maps[1] = 0
    usable = np.ones(COUNT, bool)
    usable[1] = False

    found = measured(map_set(maps, usable=usable), inside)

    assert {item.count for item in found.values()} == {COUNT - 2}
    assert found["mass_accuracy"].value == pytest.approx(1)


@pytest.mark.parametrize("inside", [None, np.zeros((COUNT, *SIZE), bool)])
def test_without_objects_nothing_is_measured_and_the_reason_is_given(inside: np.ndarray | None) -> None:
    found = measured(map_set(np.ones((COUNT, *SIZE))), inside)

    assert {(item.value, item.count, item.reason) for item in found.values()} == {
        (None, 0, "no picture has a mask or box")
    }


def test_without_a_usable_map_nothing_is_measured_and_the_reason_is_given() -> None:
    found = measured(map_set(np.zeros((COUNT, *SIZE)), usable=np.zeros(COUNT, bool)), objects())

    assert {item.reason for item in found.values()} == {"no picture with an object has a usable map"}
