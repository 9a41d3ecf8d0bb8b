from __future__ import annotations

import torch

from auditor.visualizers import Captured
from auditor.visualizers.feature_maps import FeatureMaps


def captured_with(activations: torch.Tensor) -> Captured:
    count = len(activations)
    return Captured(
        torch.zeros(count, 3, 16, 12), torch.zeros(count, 2), torch.zeros(count).long(), "layer", activations
    )


def test_units_are_ranked_by_mean_activation_image_by_image() -> None:
    activations = torch.zeros(2, 4, 3, 2)
    activations[0, 2], activations[0, 0, 0, 0] = 1.0, 5.0
    activations[1, 3], activations[1, 1] = 2.0, 3.0

    maps, units = FeatureMaps(shown=2).channels(captured_with(activations))

    assert units.tolist() == [[2, 0], [1, 3]]
    assert torch.equal(maps[0, 1], activations[0, 0])
    assert torch.equal(maps[1, 0], activations[1, 1])


def test_among_equal_units_the_lower_index_comes_first() -> None:
    _, units = FeatureMaps(shown=3).channels(captured_with(torch.ones(1, 50, 3, 2)))

    assert units.tolist() == [[0, 1, 2]]


def test_a_layer_with_fewer_units_than_asked_for_shows_them_all() -> None:
    maps, units = FeatureMaps(shown=8).channels(captured_with(torch.rand(2, 3, 4, 3)))

    assert units.shape == (2, 3)
    assert maps.shape == (2, 3, 4, 3)
