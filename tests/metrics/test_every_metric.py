"""What holds for every metric, on one small network with real maps."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from auditor import registry
from auditor.engine.integrity import digest
from auditor.engine.maps import make_maps
from auditor.media import Medium
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

        def again(other: nn.Module, rows: np.ndarray, changed: Tensor | None = None) -> list[MapSet]:
            methods, device = [GradCam(), Saliency()], torch.device("cpu")
            return make_maps(
                model, other, sample, methods, ["features.6"], device=device, indices=rows, images=changed
            ).maps

        given = context_of(module, torch.from_numpy(images), labels=labels, objects=objects, make_maps=again)
        given.maps.extend(again(module, np.arange(count)))
        return given

    return of


CHEAP = {
    "randomisation": {"images": 8, "draws": 2, "cascade": 2},
    "road": {"images": 6, "percentiles": (50,)},
    "insertion_deletion": {"images": 8, "steps": 2},
    "robustness": {"images": 12, "epsilons": (1.0, 4.0), "steps": 2},
}


def part(name: str) -> Metric:
    made = registry.load("metrics", name)(**CHEAP.get(name, {}))
    assert isinstance(made, Metric)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_the_same_audit_gives_the_same_result_and_leaves_the_model_as_it_was(
    name: str, audit: Callable[[int], MetricContext]
) -> None:
    given = audit(12)
    before, kept = digest(given.model.module), given.scores.copy()

    first, again = part(name).measure(given), part(name).measure(audit(12))

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


@pytest.mark.parametrize("name", NAMES)
def test_what_decides_says_by_which_rule_and_shows_the_number(name: str, audit: Callable[[int], MetricContext]) -> None:
    metric = part(name)
    result = metric.measure(audit(12))

    assert bool(metric.rule) == bool(result.trust)
    assert bool(metric.headlines) == bool(result.of_maps)
    assert set(result.trust.values()) <= {"passed", "failed", "not enough data"}
    for measured in (*result.of_maps.values(), *result.of_nulls.values()):
        assert set(metric.headlines) <= {item.name for item in measured}
    for null in result.of_nulls.values():
        assert all(item.value is not None for item in null)


@pytest.mark.parametrize("name", NAMES)
def test_blank_maps_are_counted_out_before_anything_is_measured(
    name: str, audit: Callable[[int], MetricContext]
) -> None:
    given = audit(12)
    whole = part(name).measure(given)
    kept = np.arange(12) % 3 > 0
    given.maps[:] = [MapSet(m.method, m.layer, m.maps * kept[:, None, None], m.usable & kept) for m in given.maps]

    result = part(name).measure(given)

    for method, measured in result.of_maps.items():
        for item, before in zip(measured, whole.of_maps[method], strict=True):
            assert item.count < before.count, item.name


def test_quick_audits_check_maps_by_what_is_cheap() -> None:
    quick = {name: registry.load("metrics", name).budgets["quick"] for name in NAMES if _in(name, "quick")}

    assert quick == {
        "agreement": {"images": 16},
        "calibration": {},
        "class_consistency": {"images": 16},
        "frame_order": {},
        "localisation": {"images": 32},
        "performance": {},
        "randomisation": {"images": 8},
        "relevance_mass": {},
        "stability": {},
    }
    assert {name for name in NAMES if not _in(name, "standard")} == {"robustness"}
    assert all(_in(name, "full") for name in NAMES)
    of_pictures = [name for name in quick if Medium.PICTURE in registry.load("metrics", name).media]
    assert sum(_forwards(name, "quick") for name in of_pictures) < 5


def test_the_whole_cascade_is_for_full_audits() -> None:
    cascade = {preset: _of(preset, "randomisation").cascade for preset in ("quick", "standard", "full")}

    assert cascade == {"quick": 0, "standard": 0, "full": 8}


def _of(preset: str, name: str) -> Metric:
    kind = registry.load("metrics", name)
    made = kind(**kind.budgets[preset])
    assert isinstance(made, Metric)
    return made


def _forwards(name: str, preset: str) -> float:
    return _of(preset, name).forwards()


def _in(name: str, preset: str) -> bool:
    return preset in registry.load("metrics", name).budgets
