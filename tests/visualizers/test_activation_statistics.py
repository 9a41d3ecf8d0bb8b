from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.engine.maps import MapRun, make_maps
from auditor.visualizers import LayerNumbers
from auditor.visualizers.activation_statistics import ActivationStatistics
from tests.engine.networks import CLASSES, PlainCnn, images, loaded, sample, seeded

COUNT = 6
LAYERS = ["features.2", "features.6"]


def run_on(module: nn.Module, layers: list[str], chunk: int = 4) -> MapRun:
    return make_maps(
        loaded(module), module, sample(images(COUNT)), [ActivationStatistics()], layers,
        device=torch.device("cpu"), chunk=chunk, targets=np.arange(COUNT) % CLASSES,
    )  # fmt: skip


def rows_of(module: nn.Module, layers: list[str]) -> dict[str, LayerNumbers]:
    run = run_on(module, layers)
    assert (run.failures, run.skipped) == ([], [])
    return {row.layer: row for row in run.profiles["activation_statistics"].rows}


class EndsIn(nn.Module):
    """A convolution of eight units and a function; units 1 and 5 get a bias that nothing overcomes."""

    def __init__(self, function: nn.Module, bias: float, scale: float = 1.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.function = function
        self.head = nn.Linear(8, CLASSES)
        with torch.no_grad():
            self.conv.weight.mul_(scale)
            self.conv.bias[[1, 5]] = bias  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.function(self.conv(x)).mean((2, 3)))
        return logits


def test_the_numbers_are_those_of_one_plain_forward_and_backward() -> None:
    module = seeded(PlainCnn)
    x = loaded(module).preprocessing.to_input(images(COUNT))
    first = module.features[:3](x).detach().requires_grad_()
    second = module.features[3:](first)
    logits = module.head(second.mean((2, 3)))
    score = logits[torch.arange(COUNT), torch.arange(COUNT) % CLASSES].sum()
    norms = [g.flatten(1).norm(dim=1) for g in torch.autograd.grad(score, [first, second])]

    rows = rows_of(module, LAYERS)

    for name, values in zip(LAYERS, (first, second), strict=True):
        a = values.detach().double().numpy()
        found = rows[name].numbers
        expected = (a.mean(), a.std(), (a == 0).mean(), a.min(), a.max())
        assert [found[key] for key in ("mean", "sd", "zeros", "smallest", "largest")] == pytest.approx(
            expected, rel=1e-4
        )
        assert found["dead"] == (a.max(axis=(0, 2, 3)) <= 0).sum()
        assert rows[name].histogram.sum() == 256 * COUNT
    assert rows[LAYERS[0]].numbers["gradient"] == pytest.approx(float((norms[0] / norms[1]).quantile(0.5)), rel=1e-4)
    assert rows[LAYERS[1]].numbers["gradient"] == 1


def test_the_result_does_not_depend_on_how_the_sample_was_cut() -> None:
    module = seeded(PlainCnn)

    whole, cut = (run_on(module, LAYERS, chunk).profiles["activation_statistics"] for chunk in (6, 1))

    for a, b in zip(whole.rows, cut.rows, strict=True):
        assert a.numbers == pytest.approx(b.numbers, rel=1e-4, nan_ok=True)
        np.testing.assert_allclose(a.histogram, b.histogram, atol=2)
    assert "on 6 images" in whole.caption


def test_units_that_never_answer_are_dead_after_a_relu_and_not_after_a_convolution() -> None:
    module = seeded(EndsIn, nn.ReLU(), -100.0)

    rows = rows_of(module, ["conv", "function"])

    assert rows["function"].odd == ["2 of 8 units never rise above 0: 1, 5"]
    assert rows["function"].numbers["dead"] == 2
    assert math.isnan(rows["conv"].numbers["dead"])


@pytest.mark.parametrize(
    ("function", "bias"), [(nn.Tanh(), 50.0), (nn.Tanh(), -50.0), (nn.Sigmoid(), 50.0), (nn.Sigmoid(), -20.0),
                           (nn.ReLU6(), 50.0)],
)  # fmt: skip
def test_units_that_sit_at_a_bound_of_their_function_are_saturated(function: nn.Module, bias: float) -> None:
    rows = rows_of(seeded(EndsIn, function, bias, 0.5), ["function"])

    assert [words for words in rows["function"].odd if "saturated" in words] == ["2 of 8 units are saturated: 1, 5"]
    assert rows["function"].numbers["saturated"] == 2


def test_an_unbounded_layer_has_no_saturated_units() -> None:
    rows = rows_of(seeded(EndsIn, nn.ReLU(), 50.0), ["function"])

    assert math.isnan(rows["function"].numbers["saturated"])
    assert rows["function"].odd == []


def test_a_gradient_that_vanishes_on_the_way_is_named() -> None:
    module = seeded(PlainCnn)
    with torch.no_grad():
        module.features[5].weight.mul_(1e-4)
        module.features[5].bias.fill_(1.0)

    rows = rows_of(module, LAYERS)

    assert rows[LAYERS[0]].numbers["gradient"] < 1e-3
    assert "it vanishes on the way" in rows[LAYERS[0]].odd[-1]
    assert rows[LAYERS[1]].odd == []


def test_activations_that_are_not_finite_are_counted_and_left_out() -> None:
    module = seeded(PlainCnn)
    x = loaded(module).preprocessing.to_input(images(2))
    visualizer = ActivationStatistics()
    found = capture(module, x, layers=["features.6"], needs=visualizer.needs)
    found["features.6"].activations[0, 0, 0, 0] = torch.nan  # type: ignore[index]

    (row,) = visualizer.profile([visualizer.observe(found[None])]).rows

    assert row.odd[0] == "1 activations are not finite"
    assert math.isfinite(row.numbers["mean"])
    assert math.isfinite(row.numbers["largest"])
