from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import quantus
import torch
from torch import Tensor, nn

from auditor.engine.maps import make_maps
from auditor.metrics import MapSet, MetricContext, MetricResult
from auditor.metrics.stability import Stability, closeness, with_noise
from auditor.visualizers.saliency import Saliency
from tests.engine.networks import PlainCnn
from tests.metrics.contexts import SIZE, Weighs, context_of, map_set, noise
from tests.models import loaded

COUNT = 12
Changed = Callable[[np.ndarray], np.ndarray]


def by_hand(own: np.ndarray, changed: Changed, usable: np.ndarray | None = None) -> MetricContext:
    """Maps that are what they are, and what noise makes of them; the class follows no noise."""
    return context_of(
        Weighs(torch.ones(SIZE)),
        torch.full((len(own), 3, *SIZE), 200, dtype=torch.uint8),
        maps=[map_set(own, usable=usable)],
        make_maps=lambda module, rows, images=None: [map_set(changed(own[rows]))],
    )


def only(result: MetricResult) -> tuple[dict[str, float | None], str]:
    ((name, measured),) = result.of_maps.items()
    return {item.name: item.value for item in measured}, result.trust[name]


def maps(count: int = COUNT) -> np.ndarray:
    return np.random.default_rng(0).random((count, *SIZE)) ** 3


def test_a_map_that_noise_does_not_change_is_wholly_stable() -> None:
    values, trust = only(Stability().measure(by_hand(maps(), lambda own: own)))

    assert values["stability"] == pytest.approx(1)
    assert values["stability_of_shape"] == pytest.approx(1)
    assert trust == "passed"


def test_a_map_that_noise_makes_stronger_keeps_its_shape() -> None:
    values, trust = only(Stability().measure(by_hand(maps(), lambda own: own * 1.5)))

    assert values["stability"] == pytest.approx(0.5)
    assert values["stability_of_shape"] == pytest.approx(1)
    assert trust == "passed"


def test_a_map_that_is_the_next_pictures_under_noise_fails_on_many_pictures_and_is_open_on_few() -> None:
    def another(own: np.ndarray) -> np.ndarray:
        return np.roll(own, -1, axis=0)

    assert only(Stability(images=40).measure(by_hand(maps(40), another)))[1] == "failed"
    assert only(Stability().measure(by_hand(maps(), another)))[1] == "not enough data"


def test_a_map_that_noise_wipes_out_holds_nothing_of_itself() -> None:
    values, _ = only(Stability().measure(by_hand(maps(), lambda own: own * 0)))

    assert values["stability"] == pytest.approx(0)
    assert values["stability_of_shape"] == pytest.approx(0)


def test_one_map_of_next_to_nothing_does_not_drown_the_others() -> None:
    own = maps()
    own[0] *= 1e-9

    values, _ = only(Stability(images=COUNT).measure(by_hand(own, lambda rows: rows + 0.01)))

    assert values["stability"] > 0.5
    assert closeness(own[0].ravel(), own[0].ravel() + 0.01) == -1


def test_the_null_is_the_next_pictures_map_at_the_same_strength() -> None:
    own = maps() * np.arange(1, COUNT + 1)[:, None, None]

    values, _ = only(Stability(images=COUNT).measure(by_hand(own, lambda rows: rows)))

    flat = own.reshape(COUNT, -1)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    expected = np.mean([1 - np.sqrt(2 - 2 * unit[i] @ unit[(i + 1) % COUNT]) for i in range(COUNT)])
    assert values["stability_other_picture"] == pytest.approx(expected)
    assert values["stability_above_other_picture"] == pytest.approx(1 - expected)


class Tells(nn.Module):
    """Grey at 128 is on the edge: any noise may change the class."""

    def forward(self, x: Tensor) -> Tensor:
        evidence = 50 * (x.mean(dim=(1, 2, 3)) - 128 / 255)
        return torch.stack([-evidence, evidence], dim=1)


def test_pictures_whose_class_changes_are_left_out_and_counted() -> None:
    images = torch.full((8, 3, *SIZE), 128, dtype=torch.uint8)
    images[4:] = 250
    own = maps(8)
    given = context_of(Tells(), images, maps=[map_set(own)], make_maps=lambda m, rows, i=None: [map_set(own[rows])])
    noisy = with_noise(images, np.arange(8), 0.02, [0, 11, 0])
    kept = given.predictor.scores(noisy).argmax(axis=1) == given.predicted

    (measured,) = Stability().measure(given).of_maps.values()

    assert 4 <= kept.sum() < 8
    assert measured[0].count == kept.sum()
    assert f"{8 - kept.sum()} pictures left out" in measured[0].note


def test_blank_maps_and_methods_that_break_are_never_scored() -> None:
    usable = np.arange(COUNT) >= 5
    partly = Stability(images=COUNT).measure(by_hand(maps(), lambda own: own, usable))
    given = by_hand(maps(), lambda own: own)
    object.__setattr__(given, "make_maps", lambda module, rows, images=None: [])

    values, trust = only(Stability().measure(given))

    assert {item.count for items in partly.of_maps.values() for item in items} == {COUNT - 5}
    assert set(values.values()) == {None}
    assert trust == "not enough data"


def test_it_is_one_less_the_sensitivity_of_quantus() -> None:
    torch.manual_seed(0)
    module = PlainCnn(classes=2).eval()
    images = noise(6)
    given = context_of(module, images)
    device = torch.device("cpu")

    def again(other: nn.Module, rows: np.ndarray, changed: Tensor | None = None) -> list[MapSet]:
        return make_maps(
            given.model, other, given.sample, [Saliency()], [], device=device, targets=given.predicted[rows],
            indices=rows, images=changed,
        ).maps  # fmt: skip

    object.__setattr__(given, "make_maps", again)
    given.maps.extend(again(module, np.arange(6)))
    noisy = with_noise(images, np.arange(6), 0.02, [0, 11, 0])
    same = given.predictor.scores(noisy).argmax(axis=1) == given.predicted
    turn = iter(noisy.numpy().astype(np.float32) / 255)

    def explain(model: nn.Module, inputs: np.ndarray, targets: np.ndarray, **_: object) -> np.ndarray:
        x = torch.from_numpy(inputs).float().requires_grad_()
        model(x)[torch.arange(len(x)), torch.from_numpy(targets)].sum().backward()
        return x.grad.abs().amax(dim=1, keepdim=True).numpy()

    theirs = quantus.AvgSensitivity(nr_samples=1, perturb_func=lambda arr, **_: next(turn), disable_warnings=True)(
        model=module, x_batch=images.numpy().astype(np.float32) / 255, y_batch=given.predicted,
        explain_func=explain, device="cpu",
    )  # fmt: skip
    found = Stability(images=6).measure(given).of_maps["saliency"][0]

    assert found.value == pytest.approx(np.mean(1 - np.array(theirs)[same]), abs=1e-4)


def test_noise_leaves_bytes_bytes_and_depends_on_the_picture_alone() -> None:
    images = torch.full((3, 3, *SIZE), 128, dtype=torch.uint8)
    images[0] = 255

    noisy, one = with_noise(images, np.array([0, 2]), 0.02, [4]), with_noise(images, np.array([2]), 0.02, [4])

    assert noisy.dtype == torch.uint8
    assert torch.equal(noisy[1], one[0])
    assert int(noisy[0].min()) > 200
    assert float(noisy[1].float().std()) == pytest.approx(0.02 * 255, rel=0.1)


def test_noise_on_model_inputs_is_a_share_of_their_own_range() -> None:
    images = torch.linspace(-2, 2, 3 * 3 * 16 * 12).reshape(3, 3, *SIZE)

    noisy = with_noise(images, np.arange(3), 0.02, [4])

    assert float((noisy - images).std()) == pytest.approx(0.02 * 4, rel=0.1)


def test_maps_of_changed_pictures_are_those_of_the_changed_pictures() -> None:
    torch.manual_seed(0)
    module, images = PlainCnn(classes=2).eval(), noise(4)
    given, other = context_of(module, images), context_of(module, noise(4, seed=1))
    common = {"device": torch.device("cpu"), "targets": np.array([0, 1])}
    rows = np.array([1, 3])

    stands_in = make_maps(loaded(module), module, given.sample, [Saliency()], [], indices=rows,
                          images=other.sample.images[rows], **common)  # fmt: skip
    own = make_maps(loaded(module), module, other.sample, [Saliency()], [], indices=rows, **common)

    assert np.array_equal(stands_in.maps[0].maps, own.maps[0].maps)
    with pytest.raises(ValueError, match="one image for each of 2"):
        make_maps(loaded(module), module, given.sample, [Saliency()], [], indices=rows, images=images, **common)


def test_two_pictures_or_fewer_decide_nothing() -> None:
    for count in (1, 2):
        assert only(Stability().measure(by_hand(maps(count), lambda own: own)))[1] == "not enough data"


def test_without_maps_there_is_nothing_to_measure() -> None:
    assert Stability().measure(context_of(Weighs(torch.ones(SIZE)), noise(3))) == MetricResult()
