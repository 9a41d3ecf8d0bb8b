"""What holds for every metric, on one small network with real maps."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from auditor import registry
from auditor.engine.integrity import digest
from auditor.engine.maps import make_maps
from auditor.metrics import MapSet, Metric, MetricContext, MetricResult
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.saliency import Saliency
from tests.engine.networks import PlainCnn
from tests.metrics.contexts import context_of
from tests.models import loaded, pictures, sample_of

NAMES = registry.names("metrics")


@pytest.fixture
def audit() -> Callable[[int], MetricContext]:
    def of(count: int) -> MetricContext:
        with torch.random.fork_rng():
            torch.manual_seed(2)
            module = PlainCnn(classes=2).eval()
        images, labels = pictures(count)
        objects = np.zeros((count, *images.shape[2:]), bool)
        objects[:, 8:16, 12:20] = True
        model, sample = loaded(module), sample_of(images, labels)

        def again(other: nn.Module, rows: np.ndarray) -> list[MapSet]:
            methods = [GradCam(), Saliency()]
            return make_maps(
                model, other, sample, methods, ["features.6"], device=torch.device("cpu"), indices=rows
            ).maps

        given = context_of(module, torch.from_numpy(images), labels=labels, objects=objects, make_maps=again)
        given.maps.extend(again(module, np.arange(count)))
        return given

    return of


def part(name: str) -> Metric:
    made = registry.load("metrics", name)(**({"images": 8} if name == "randomisation" else {}))
    assert isinstance(made, Metric)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_the_same_audit_gives_the_same_result_and_leaves_the_model_as_it_was(
    name: str, audit: Callable[[int], MetricContext]
) -> None:
    given = audit(20)
    before, kept = digest(given.model.module), given.scores.copy()

    first, again = part(name).measure(given), part(name).measure(audit(20))

    assert first == again
    assert digest(given.model.module) == before
    assert np.array_equal(given.scores, kept)


@pytest.mark.parametrize("name", NAMES)
def test_a_result_survives_json_as_it_is(name: str, audit: Callable[[int], MetricContext]) -> None:
    stored = TypeAdapter(MetricResult)
    result = part(name).measure(audit(12))

    text = json.dumps(stored.dump_python(result, mode="json"), allow_nan=False)

    assert stored.validate_python(json.loads(text)) == result


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_an_interval_and_a_count(name: str, audit: Callable[[int], MetricContext]) -> None:
    result = part(name).measure(audit(12))

    found = [*result.measurements, *(item for items in result.of_maps.values() for item in items)]
    assert found
    for item in found:
        assert item.value is not None
        assert item.low is not None
        assert item.high is not None
        assert item.low < item.high
        assert item.count > 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_pictures_are_measured_and_decide_nothing(
    name: str, count: int, audit: Callable[[int], MetricContext]
) -> None:
    result = part(name).measure(audit(count))

    assert set(result.trust.values()) <= {"not enough data"}


def test_quick_audits_check_maps_by_randomisation_alone() -> None:
    quick = {name: registry.load("metrics", name).budgets["quick"] for name in NAMES if _in(name, "quick")}

    assert quick == {"calibration": {}, "performance": {}, "randomisation": {"images": 8}, "relevance_mass": {}}
    assert all(_in(name, preset) for name in NAMES for preset in ("standard", "full"))


def _in(name: str, preset: str) -> bool:
    return preset in registry.load("metrics", name).budgets
