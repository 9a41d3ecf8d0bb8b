"""Attacks against closed forms: on a linear model the worst change of a pixel is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import Tensor

from auditor.attacks import fgsm, margin, pgd

SHAPE = (3, 16, 12)
CLASSES = 4


def weights() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(CLASSES, int(np.prod(SHAPE)))) / 255


def pictures(low: int, high: int, count: int = 6) -> Tensor:
    drawn = np.random.default_rng(1).integers(low, high + 1, (count, *SHAPE))
    return torch.from_numpy(drawn).float()


def gradient_of(images: Tensor, classes: np.ndarray) -> Tensor:
    """d m / d pixel of a linear softmax model, written out: w_t − Σ softmax(z without t)_j w_j."""
    given = weights()
    logits = images.double().flatten(1).numpy() @ given.T
    logits[np.arange(len(logits)), classes] = -np.inf
    found = given[classes] - softmax(logits, axis=1) @ given
    return torch.from_numpy(found).float().view(images.shape)


def test_the_margins_gradient_is_that_of_the_closed_form() -> None:
    images, classes = pictures(0, 255), np.arange(6) % CLASSES
    pixels = images.double().requires_grad_()
    logits = pixels.flatten(1) @ torch.from_numpy(weights()).T

    (found,) = torch.autograd.grad(margin(logits, torch.from_numpy(classes)).sum(), pixels)

    torch.testing.assert_close(found.float(), gradient_of(images, classes))


def test_one_step_takes_epsilon_times_the_norm_of_the_weights_off_the_margin_of_two_classes() -> None:
    images, classes = pictures(100, 150), np.array([0, 1] * 3)
    difference = weights()[0] - weights()[1]
    signed = np.where(classes == 0, 1, -1)
    before = signed * (images.double().flatten(1).numpy() @ difference)
    gradient = torch.from_numpy(signed[:, None] * difference).float().view(images.shape)

    changed = fgsm(images, gradient, 4.0)

    after = signed * (changed.double().flatten(1).numpy() @ difference)
    np.testing.assert_allclose(before - after, 4.0 * np.abs(difference).sum(), rtol=1e-5)


def test_of_a_linear_model_of_two_classes_many_steps_find_what_one_step_finds() -> None:
    images, classes = pictures(100, 150), np.array([0, 1] * 3)
    difference = torch.from_numpy(weights()[0] - weights()[1]).float().view(1, *SHAPE)

    def gradient(given: Tensor, wanted: np.ndarray) -> Tensor:
        return torch.where(torch.from_numpy(wanted).view(-1, 1, 1, 1) == 0, difference, -difference)

    many = pgd(gradient, images, images, classes, 3.0, steps=4)

    assert torch.equal(many, fgsm(images, gradient(images, classes), 3.0))


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 60.0])
def test_no_value_changes_by_more_than_epsilon_or_leaves_the_range_not_even_by_rounding(epsilon: float) -> None:
    images, classes = pictures(0, 255), np.arange(6) % CLASSES

    found = (
        fgsm(images, gradient_of(images, classes), epsilon),
        pgd(gradient_of, images, images, classes, epsilon, steps=3),
    )

    for changed in found:
        assert float((changed - images).abs().max()) == epsilon
        assert float(changed.min()) >= 0
        assert float(changed.max()) <= 255


def test_a_single_logit_is_its_own_margin_with_the_sign_of_its_class() -> None:
    logits = torch.tensor([[2.0], [2.0]])

    assert margin(logits, torch.tensor([1, 0])).tolist() == [2.0, -2.0]
