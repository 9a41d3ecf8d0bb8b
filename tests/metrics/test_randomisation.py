from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.stats import differential_entropy
from torch import Tensor, nn

from auditor.engine.integrity import digest
from auditor.engine.maps import make_maps
from auditor.metrics import MapSet, MetricContext, MetricResult
from auditor.metrics.randomisation import Randomisation, estimate_statistics, histogram_entropy, reinitialised
from auditor.visualizers.grad_cam import GradCam
from tests.engine.networks import ClassTokenViT, PlainCnn
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


def test_a_map_that_the_networks_build_alone_gives_fails_and_is_told_from_one_of_the_picture() -> None:
    centre = np.exp(-((np.mgrid[:16, :12] - np.array([7.5, 5.5])[:, None, None]) ** 2).sum(axis=0) / 30)
    speckle = np.random.default_rng(0).random((2, 20, 16, 12)) * 0.05

    values, trust = only(Randomisation().measure(on_hand_made_maps(*(centre + speckle))))

    assert trust == "failed"
    assert values["rank_correlation"] == pytest.approx(values["rank_correlation_other_picture"], abs=0.05)


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


def test_the_entropy_is_that_of_the_closed_form() -> None:
    two_levels = np.zeros((16, 12))
    two_levels[:4] = 7
    levels = np.arange(100.0)
    drawn = np.random.default_rng(0).normal(size=200_000)

    assert histogram_entropy(two_levels) == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
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


class Scaled(nn.Module):
    """Parameters of its own, and no rule to draw them again."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.arange(8.0))
        self.part = nn.utils.parametrizations.weight_norm(nn.Linear(8, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.part(x * self.scale)


class WantsArguments(nn.Linear):
    """Draws its weights again only when told how."""

    told: Sequence[float] = ()

    def reset_parameters(self, *spread: float) -> None:
        if not self.told and not hasattr(self, "made"):
            self.made = True
            return super().reset_parameters()
        raise TypeError("how?")


@pytest.mark.parametrize("build", [PlainCnn, ClassTokenViT, Scaled, lambda: WantsArguments(5, 3)])
def test_every_parameter_that_learns_is_drawn_again_and_the_same_seed_draws_the_same(build: object) -> None:
    torch.manual_seed(0)
    module = build()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    before = digest(module)

    first, again, other = (reinitialised(module, seed) for seed in (1, 1, 2))

    assert digest(module) == before
    own = dict(module.named_parameters())
    for name, parameter in first.named_parameters():
        assert not parameter.equal(own[name]), name
        assert parameter.data_ptr() != own[name].data_ptr()
        assert parameter.equal(again.get_parameter(name))
        assert parameter.requires_grad == own[name].requires_grad
    assert any(not p.equal(other.get_parameter(name)) for name, p in first.named_parameters())
    assert not any(part.training for part in first.modules())


def test_batch_norm_statistics_are_those_of_the_sample() -> None:
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3, momentum=0.3)
            self.drop = nn.Dropout(0.5)

        def forward(self, x: Tensor) -> Tensor:
            assert not self.drop.training
            return self.norm(x).mean((2, 3))

    module, images = Normed().eval(), noise(17)
    given = context_of(module, images)

    copy = reinitialised(module, 0)
    estimate_statistics(copy, given)

    # the seventeenth picture would be a batch of its own, which has no spread after pooling
    pixels = images[:16].float() / 255
    assert torch.allclose(copy.norm.running_mean, pixels.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(copy.norm.running_var, pixels.transpose(0, 1).flatten(1).var(dim=1), atol=1e-5)
    assert (copy.norm.momentum, copy.norm.training) == (0.3, False)
    assert module.norm.num_batches_tracked == 0
