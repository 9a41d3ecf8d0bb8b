from __future__ import annotations

import numpy as np
import torch

from auditor.visualizers.eigen_grad_cam import EigenGradCam
from auditor.visualizers.hires_cam import HiResCam
from tests.engine.networks import PlainCnn, inputs, seeded
from tests.visualizers.oracles import shared_pass

TARGETS = torch.tensor([0, 3, 1, 2])


def test_it_is_the_first_component_of_gradient_times_activation_where_that_speaks_for_the_class() -> None:
    captured = shared_pass(seeded(PlainCnn), "features.3", inputs(), TARGETS)["features.3"]
    assert captured.activations is not None
    assert captured.gradients is not None
    expected = []
    for image in (captured.activations * captured.gradients).double().numpy():
        matrix = image.reshape(len(image), -1).T
        left, values, _ = np.linalg.svd(matrix, full_matrices=False)
        projected = left[:, 0] * values[0]
        sign = np.sign(projected @ matrix.sum(1))
        expected.append(np.maximum(sign * projected, 0).reshape(image.shape[1:]))

    maps = EigenGradCam().maps(captured)

    torch.testing.assert_close(maps, torch.from_numpy(np.stack(expected)).float(), rtol=1e-3, atol=1e-6)


def test_of_a_single_unit_it_is_hires_cam() -> None:
    module = seeded(PlainCnn)
    module.head.weight.data[:, 1:] = 0  # one unit is left that the scores depend on
    module.head.weight.data[:, 0] = 1
    captured = shared_pass(module, "features.6", inputs(), TARGETS)["features.6"]

    torch.testing.assert_close(EigenGradCam().maps(captured), HiResCam().maps(captured), rtol=1e-4, atol=1e-7)
