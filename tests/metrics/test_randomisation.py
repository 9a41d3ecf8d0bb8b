from __future__ import annotations

import numpy as np
import pytest
import torch
from quantus.functions.complexity_func import discrete_entropy
from scipy.stats import differential_entropy
from torch import nn

from auditor.engine.integrity import digest
from auditor.engine.maps import make_maps
from auditor.metrics import MapSet, MetricContext, MetricResult
from auditor.metrics.randomisation import BUILD, Randomisation, histogram_entropy, verdict
from auditor.records import Measurement
from auditor.visualizers.grad_cam import GradCam
from tests.engine.networks import PlainCnn
from tests.metrics.contexts import context_of, map_set, noise
from tests.models import loaded, pictures, sample_of

LAYER = "features.6"


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """A small network that has learnt to tell a bright corner and centre from dark ones."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = PlainCnn(classes=2)
        images, labels = pictures(48)
        x, y = torch.from_numpy(images).float() / 255, torch.from_numpy(labels)
        optimizer = torch.optim.Adam(net.parameters(), 0.02)
        for _ in range(40):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
    net.zero_grad()
    net.eval()
    assert (net(x).argmax(dim=1) == y).float().mean() > 0.95
    return net


def on_real_maps(module: nn.Module, count: int = 24) -> MetricContext:
    """Grad-CAM of the module and of whatever copy is asked for."""
    images, labels = pictures(count, seed=1)
    model, sample = loaded(module), sample_of(images, labels)

    def again(other: nn.Module, indices: np.ndarray) -> list[MapSet]:
        targets = given.predicted[indices]
        device = torch.device("cpu")
        return make_maps(
            model, other, sample, [GradCam()], [LAYER], device=device, targets=targets, indices=indices
        ).maps

    given = context_of(module, torch.from_numpy(images), labels=labels, make_maps=again)
    given.maps.extend(again(module, np.arange(count)))
    return given


def on_hand_made_maps(own: np.ndarray, of_copy: np.ndarray, usable: np.ndarray | None = None) -> MetricContext:
    """Maps that are what they are, whatever the module."""
    return context_of(
        PlainCnn(classes=2).eval(),
        noise(len(own)),
        maps=[map_set(own)],
        make_maps=lambda module, rows: [map_set(of_copy[rows], usable=None if usable is None else usable[rows])],
    )


def only(result: MetricResult) -> tuple[dict[str, float | None], str]:
    ((name, measured),) = result.of_maps.items()
    return {item.name: item.value for item in measured}, result.trust[name]


def test_grad_cam_of_a_trained_network_depends_on_its_weights(trained: nn.Module) -> None:
    values, trust = only(Randomisation().measure(on_real_maps(trained)))

    assert trust == "passed"
    assert values["rank_correlation"] < 0.4


def test_a_map_of_the_pictures_own_brightness_fails() -> None:
    brightness = noise(20).float().mean(dim=1).numpy()

    values, trust = only(Randomisation().measure(on_hand_made_maps(brightness, brightness)))

    assert trust == "failed"
    assert values["rank_correlation"] == pytest.approx(1)
    assert values["rank_correlation_other_picture"] < 0.15
    assert values["efficient_mprt"] == pytest.approx(0)


def built(speckle: float) -> tuple[np.ndarray, np.ndarray]:
    """Maps of a network that sees the centre more often, whatever its weights are, with noise of their own."""
    centre = np.exp(-((np.mgrid[:16, :12] - np.array([7.5, 5.5])[:, None, None]) ** 2).sum(axis=0) / 30)
    return tuple(centre + np.random.default_rng(0).random((2, 20, 16, 12)) * speckle)


def test_what_the_networks_build_gives_is_not_held_against_a_map() -> None:
    values, trust = only(Randomisation().measure(on_hand_made_maps(*built(0.3))))

    assert 0.6 < values["rank_correlation"] < BUILD
    assert values["rank_correlation"] == pytest.approx(values["rank_correlation_other_picture"], abs=0.05)
    assert abs(values["rank_correlation_beyond_build"]) < 0.1
    assert trust == "passed"


def test_a_map_that_is_the_build_and_next_to_nothing_else_fails() -> None:
    values, trust = only(Randomisation().measure(on_hand_made_maps(*built(0.01))))

    assert values["rank_correlation"] > BUILD
    assert trust == "failed"


def test_a_picture_that_shows_through_the_build_fails_all_the_same() -> None:
    centre = built(0)[0]
    brightness = noise(20).float().mean(dim=1).numpy() / 255
    maps = centre + 0.7 * brightness

    values, trust = only(Randomisation().measure(on_hand_made_maps(maps, maps)))

    assert values["rank_correlation_other_picture"] > 0.5
    assert values["rank_correlation_beyond_build"] == pytest.approx(1)
    assert trust == "failed"


def test_the_correction_for_the_build_is_that_of_the_closed_form() -> None:
    own, of_copy = built(0.3)
    half = np.where(np.arange(20)[:, None, None] % 2, own, of_copy)

    values, _ = only(Randomisation(draws=1, images=20).measure(on_hand_made_maps(own, half)))

    same, other = values["rank_correlation"], values["rank_correlation_other_picture"]
    assert values["rank_correlation_beyond_build"] == pytest.approx((same - other) / (1 - other))


@pytest.mark.parametrize(
    ("correlation", "beyond", "expected"),
    [
        ((0.2, 0.4), (0.1, 0.3), "passed"),
        ((0.8, 0.86), (-0.1, 0.2), "passed"),
        ((0.8, 0.86), (0.5, 0.7), "failed"),
        ((0.9, 0.95), (-0.1, 0.2), "failed"),
        ((0.8, 0.92), (-0.1, 0.2), "not enough data"),
        ((0.5, 0.8), (0.4, 0.6), "not enough data"),
        ((0.2, 0.4), None, "passed"),
        ((0.6, 0.8), None, "failed"),
    ],
)
def test_the_rule(correlation: tuple[float, float], beyond: tuple[float, float] | None, expected: str) -> None:
    def measured(ends: tuple[float, float] | None) -> Measurement:
        if ends is None:
            return Measurement(name="m", value=None, count=0, reason="one picture a copy")
        return Measurement(name="m", value=sum(ends) / 2, low=ends[0], high=ends[1], count=16)

    assert verdict(measured(correlation), measured(beyond)) == expected


def test_a_map_turned_upside_down_in_value_is_the_same_map() -> None:
    own = np.random.default_rng(0).random((12, 16, 12))

    values, trust = only(Randomisation().measure(on_hand_made_maps(own, 1 - own)))

    assert values["rank_correlation"] == pytest.approx(1)
    assert trust == "failed"


def test_independent_maps_pass() -> None:
    rng = np.random.default_rng(0)

    values, trust = only(Randomisation().measure(on_hand_made_maps(*rng.random((2, 12, 16, 12)))))

    assert values["rank_correlation"] < 0.15
    assert trust == "passed"


def test_maps_that_become_disordered_raise_the_efficient_mprt() -> None:
    own = np.zeros((12, 16, 12))
    own[:, :4, :4] = 1
    noise_maps = np.random.default_rng(0).random((12, 16, 12))

    values, _ = only(Randomisation().measure(on_hand_made_maps(own, noise_maps)))

    of_own = histogram_entropy(own[0])
    of_copies = np.mean([histogram_entropy(one) for one in noise_maps])
    assert values["efficient_mprt"] == pytest.approx((of_copies - of_own) / of_own)
    assert values["efficient_mprt"] > 1


def test_the_entropy_is_that_of_the_closed_form_and_of_quantus() -> None:
    two_levels = np.zeros((16, 12))
    two_levels[:4] = 7
    levels = np.arange(100.0)
    heatmap = np.random.default_rng(1).exponential(size=(16, 12))
    drawn = np.random.default_rng(0).normal(size=200_000)

    assert histogram_entropy(two_levels) == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert histogram_entropy(heatmap) == pytest.approx(discrete_entropy(heatmap, heatmap))
    assert histogram_entropy(levels) == pytest.approx(np.log(100))
    width = np.ptp(drawn) / 100
    assert histogram_entropy(drawn) == pytest.approx(differential_entropy(drawn) - np.log(width), abs=0.02)


def test_blank_maps_are_never_compared() -> None:
    own = np.random.default_rng(0).random((12, 16, 12))
    usable = np.arange(12) >= 9
    of_copy = np.where(usable[:, None, None], own, 0)

    (measured,) = Randomisation().measure(on_hand_made_maps(own, of_copy, usable)).of_maps.values()

    assert (measured[0].name, measured[0].count) == ("rank_correlation", 3)
    assert "9 pictures left out, blank on one side" in measured[0].note


def test_three_pairs_decide_nothing() -> None:
    own = np.random.default_rng(0).random((3, 16, 12))

    assert only(Randomisation().measure(on_hand_made_maps(own, own)))[1] == "not enough data"


def test_without_a_pair_nothing_is_measured_and_the_reason_is_given() -> None:
    own = np.random.default_rng(0).random((12, 16, 12))

    result = Randomisation().measure(on_hand_made_maps(own, own * 0, np.zeros(12, bool)))

    values, trust = only(result)
    assert set(values.values()) == {None}
    assert trust == "not enough data"
    assert all("no picture has a usable map" in item.reason for item in result.of_maps["by_hand"])


def test_a_method_that_breaks_on_the_copy_is_not_scored() -> None:
    given = context_of(
        PlainCnn(classes=2).eval(), noise(6), maps=[map_set(np.random.default_rng(0).random((6, 16, 12)))]
    )

    assert only(Randomisation().measure(given))[1] == "not enough data"


def test_the_pictures_asked_for_are_dealt_out_among_the_copies() -> None:
    asked: list[np.ndarray] = []
    maps = np.random.default_rng(0).random((20, 16, 12))

    def record(module: nn.Module, rows: np.ndarray) -> list[MapSet]:
        asked.append(rows)
        return [map_set(maps[rows])]

    given = context_of(PlainCnn(classes=2).eval(), noise(20), maps=[map_set(maps)], make_maps=record)
    result = Randomisation(images=7, draws=3).measure(given)

    assert [len(rows) for rows in asked] == [3, 2, 2]
    assert len(np.unique(np.concatenate(asked))) == 7
    assert only(result)[0]["rank_correlation"] == pytest.approx(1)


def test_the_audited_model_is_not_touched(trained: nn.Module) -> None:
    before, state = digest(trained), torch.get_rng_state()
    given = on_real_maps(trained)

    Randomisation(images=8, draws=2).measure(given)

    assert digest(trained) == before
    assert torch.equal(torch.get_rng_state(), state)


def test_the_same_seed_gives_the_same_numbers(trained: nn.Module) -> None:
    assert Randomisation(images=8).measure(on_real_maps(trained)) == Randomisation(images=8).measure(
        on_real_maps(trained)
    )


def test_the_cascade_forgets_layer_after_layer_from_the_output_down(trained: nn.Module) -> None:
    result = Randomisation(images=8, cascade=3).measure(on_real_maps(trained))

    (measured,) = result.of_maps.values()
    table = result.tables["cascade"]
    (curve,) = table["curves"].values()
    owners = [name for name, part in trained.named_modules() if list(part.parameters(recurse=False))]
    assert table["stages"][-1] == owners[0]
    assert [owners.index(name) for name in table["stages"]] == sorted(
        (owners.index(n) for n in table["stages"]), reverse=True
    )
    assert curve[0] > curve[-1]
    assert measured[-1].name == "cascading_correlation"
    assert measured[-1].value == pytest.approx(np.mean(curve))


def test_a_map_of_the_picture_alone_survives_the_whole_cascade() -> None:
    brightness = noise(20).float().mean(dim=1).numpy()

    table = Randomisation(cascade=4).measure(on_hand_made_maps(brightness, brightness)).tables["cascade"]

    assert table["curves"]["by_hand"] == [pytest.approx(1)] * 4
    assert table["images"] == 8


def test_without_the_cascade_there_is_no_table() -> None:
    maps = np.random.default_rng(0).random((6, 16, 12))

    assert Randomisation().measure(on_hand_made_maps(maps, maps)).tables == {}
