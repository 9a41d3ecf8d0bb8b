from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from auditor.errors import NotApplicableError
from auditor.visualizers import LayerNumbers
from auditor.visualizers.weight_distributions import WeightDistributions
from tests.engine.networks import ClassTokenViT, PlainCnn, seeded


def rows_of(model: nn.Module, bins: int = 40) -> dict[str, LayerNumbers]:
    return {row.layer: row for row in WeightDistributions(bins=bins).profile(model).rows}


def linear(values: list[float], outputs: int = 1) -> nn.Linear:
    layer = nn.Linear(len(values) // outputs, outputs)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(values).view(outputs, -1))
    return layer


def test_the_numbers_are_those_of_numpy() -> None:
    model = seeded(PlainCnn)
    weight = model.features[4].weight.detach().double().numpy()
    reach = np.abs(weight).max()

    row = rows_of(model, bins=8)["features.4"]

    expected = {
        "mean": weight.mean(), "sd": weight.std(), "zeros": 0.0, "smallest": weight.min(), "largest": weight.max(),
        "scale": weight.std() * math.sqrt(6 * 3 * 3), "weights": weight.size,
    }  # fmt: skip
    assert row.numbers == pytest.approx(expected, rel=1e-5)
    assert (row.low, row.high) == pytest.approx((-reach, reach))
    np.testing.assert_array_equal(row.histogram, np.histogram(weight, bins=8, range=(-reach, reach))[0])


def test_by_hand() -> None:
    (row,) = WeightDistributions(bins=4).profile(linear([-1.0, 0.0, 0.0, 3.0])).rows

    assert row.numbers["mean"] == 0.5
    assert row.numbers["sd"] == 1.5
    assert row.numbers["zeros"] == 0.5
    assert row.numbers["scale"] == 3.0
    assert row.histogram.tolist() == [0, 1, 2, 1]
    assert row.odd == ["50 % of the weights are zero"]


def test_every_layer_with_weights_has_a_row_in_the_network_s_order_through_a_wrapper() -> None:
    cnn = WeightDistributions().profile(nn.DataParallel(seeded(PlainCnn)))
    transformer = WeightDistributions().profile(seeded(ClassTokenViT))

    assert [row.layer for row in cnn.rows] == ["features.0", "features.4", "head"]
    names = [row.layer for row in transformer.rows]
    assert "encoder.layers.0.self_attn.in_proj_weight" in names
    assert "encoder.layers.0.self_attn.out_proj" in names
    assert {row.layer: row for row in transformer.rows}["embed"].numbers["weights"] == 16 * 3 * 4 * 4


def test_a_healthy_network_has_nothing_odd() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = torchvision.models.resnet18(weights=None)

    profile = WeightDistributions().profile(model)

    assert [row.odd for row in profile.rows if row.odd] == []
    assert profile.caption.startswith("Weights of 21 layers, 11,6")
    assert profile.caption.endswith("none of them out of the ordinary.")
    assert profile.rows[0].numbers["scale"] > 0


def test_weights_that_are_not_finite_are_counted_and_left_out_of_the_rest() -> None:
    (row,) = WeightDistributions(bins=4).profile(linear([math.nan, math.inf, 1.0, -1.0])).rows

    assert row.odd == ["2 of 4 weights are not finite"]
    assert row.numbers["mean"] == 0
    assert row.numbers["largest"] == 1
    assert row.histogram.sum() == 2


def test_a_layer_without_any_finite_weight_has_no_numbers() -> None:
    (row,) = WeightDistributions().profile(linear([math.nan, math.nan])).rows

    assert math.isnan(row.numbers["mean"])
    assert row.histogram.sum() == 0
    assert row.low < row.high


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_a_layer_whose_weights_are_all_the_same_is_named(value: float) -> None:
    (row,) = WeightDistributions().profile(linear([value] * 6)).rows

    assert row.odd == [f"all weights are {value:g}"]


def test_a_weight_far_from_all_others_is_named() -> None:
    values = torch.linspace(-1, 1, 10_000).tolist()
    values[5000] = 1000.0

    (row,) = WeightDistributions().profile(linear(values)).rows

    # one outlier among n lies at most √(n − 1) = 100 standard deviations away
    assert row.odd == ["its farthest weight lies 100 standard deviations from the mean"]


def test_a_layer_out_of_the_others_scale_is_named_in_both_directions() -> None:
    usual = [-1.0, 1.0, 1.0, -1.0]
    model = nn.Sequential(
        linear(usual), linear(usual), linear(usual),
        linear([100 * value for value in usual]), linear([value / 100 for value in usual]),
    )  # fmt: skip

    rows = rows_of(model)

    assert [list(row.odd) for row in rows.values()] == [
        [], [], [], ["its scale is 100 times that of the median layer"],
        ["its scale is 100 times below that of the median layer"],
    ]  # fmt: skip


def test_half_precision_weights_are_read() -> None:
    (row,) = WeightDistributions().profile(linear([-1.0, 1.0, 0.5, -0.5]).to(torch.bfloat16)).rows

    assert row.numbers["largest"] == 1


def test_a_model_without_weights_is_refused_in_words() -> None:
    with pytest.raises(NotApplicableError, match="no convolution and no linear layer"):
        WeightDistributions().profile(nn.Sequential(nn.Flatten(), nn.ReLU()))
