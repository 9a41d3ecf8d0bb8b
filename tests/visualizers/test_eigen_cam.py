from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from auditor.cam_formulas import first_component
from auditor.targets import as_targets
from auditor.visualizers import Captured
from auditor.visualizers.eigen_cam import EigenCam
from tests.engine.networks import PlainCnn, inputs, seeded
from tests.visualizers.oracles import shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection

SHAPES = [(3, 5, 4, 3), (3, 20, 4, 3), (2, 12, 4, 3)]
"""Fewer units than positions, more, and as many."""


def noise(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


def test_it_is_the_projection_on_the_first_right_singular_vector() -> None:
    captured = shared_pass(seeded(PlainCnn), "features.6", inputs(), torch.arange(4))["features.6"]
    assert captured.activations is not None
    expected = []
    for image in captured.activations.double().numpy():
        matrix = image.reshape(len(image), -1).T
        _, _, right = np.linalg.svd(matrix, full_matrices=False)
        # of activations that are never negative the vector has one sign: both signs are singular vectors
        expected.append((matrix @ np.abs(right[0])).reshape(image.shape[1:]))

    maps = EigenCam().maps(captured)

    torch.testing.assert_close(maps, torch.from_numpy(np.stack(expected)).float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_on_centred_units_it_is_that_of_pytorch_grad_cam_but_for_the_sign(shape: tuple[int, ...]) -> None:
    # the library subtracts each unit's mean, which the source does not do
    units = noise(shape)
    units = units - units.mean(dim=(2, 3), keepdim=True)
    expected = torch.from_numpy(get_2d_projection(units.numpy().copy()))

    found = first_component(units)

    signs = torch.where((found * expected).sum((1, 2), keepdim=True) < 0, -1.0, 1.0)
    torch.testing.assert_close(found, signs * expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_its_size_is_that_of_the_units_and_its_sign_agrees_with_their_sum(shape: tuple[int, ...], size: float) -> None:
    units = noise(shape) + 0.3

    found = first_component(units * size)

    assert bool(((found * units.sum(1)).sum((1, 2)) > 0).all())
    torch.testing.assert_close(found, first_component(units) * size, rtol=1e-4, atol=1e-4 * size)
    strongest = torch.linalg.matrix_norm(units.flatten(2), 2) * size
    torch.testing.assert_close(found.flatten(1).norm(dim=1), strongest, rtol=1e-4, atol=0)


def test_a_layer_that_is_silent_gives_a_blank_map() -> None:
    captured = Captured(
        torch.zeros(2, 3, 8, 6), torch.zeros(2, 5), as_targets(torch.zeros(2)), "layer", torch.zeros(2, 5, 4, 3)
    )

    assert torch.equal(EigenCam().maps(captured), torch.zeros(2, 4, 3))
