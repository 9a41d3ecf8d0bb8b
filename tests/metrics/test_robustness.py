from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from auditor import registry
from auditor.attacks import pgd
from auditor.engine.margin_gradients import margin_gradient
from auditor.metrics import MetricContext
from auditor.metrics.robustness import Robustness
from auditor.subjects import Preprocessing
from tests.engine.networks import PlainCnn
from tests.metrics.contexts import SIZE, Weighs, context_of

COUNT = 12
EPSILONS = (1.0, 2.0, 4.0, 8.0, 16.0)


def near_grey(count: int = COUNT) -> Tensor:
    """Pictures from 100 to 150 of 255: within 16 levels of them nothing is clipped."""
    drawn = np.random.default_rng(0).integers(100, 151, (count, 3, *SIZE))
    return torch.from_numpy(drawn.astype(np.uint8))


def linear(seed: int = 1) -> Weighs:
    return Weighs(torch.from_numpy(np.random.default_rng(seed).normal(size=SIZE)).float(), gain=0.3)


def cnn() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return PlainCnn(classes=3).eval()


def attacked(context: MetricContext, **options: object) -> tuple[dict[str, np.ndarray], list[float]]:
    """Attack → shares, the untouched pictures first."""
    table = Robustness(epsilons=EPSILONS, **options).measure(context).tables["robustness"]
    return {name: np.array(curve["value"]) for name, curve in table["curves"].items()}, table["epsilons"]


def test_on_a_linear_model_a_picture_falls_exactly_where_its_margin_is_below_epsilon_times_the_weights_norm() -> None:
    module, images = linear(), near_grey()
    context = context_of(module, images)
    weights = module.weights.detach().double().numpy()
    evidence = ((images.double().numpy().mean(axis=1) / 255 - 0.5) * weights).sum(axis=(1, 2))
    falls_at = np.abs(evidence) / (np.abs(weights).sum() / 255)
    expected = np.array([1.0, *((falls_at > epsilon).mean() for epsilon in EPSILONS)])

    shares, epsilons = attacked(context)

    assert epsilons == [0.0, *EPSILONS]
    assert len(set(expected)) > 2
    assert np.allclose(shares["fgsm"], expected)
    assert np.allclose(shares["pgd"], expected)
    assert (shares["noise"] >= shares["fgsm"]).all()


def test_the_margin_points_as_the_cross_entropy_of_another_implementation_does() -> None:
    module, images = cnn().double(), near_grey().double()
    targets = np.arange(COUNT) % 3
    context = context_of(module, near_grey())
    pixels = images.clone().requires_grad_()
    loss = F.cross_entropy(module(pixels / 255), torch.from_numpy(targets), reduction="sum")
    (expected,) = torch.autograd.grad(loss, pixels)

    found = margin_gradient(context.predictor, near_grey().float(), targets)

    cosine = F.cosine_similarity(-found.double().flatten(1), expected.flatten(1))
    assert (cosine > 1 - 1e-5).all()


def test_a_model_that_is_sure_beyond_floats_still_has_a_direction() -> None:
    module = Weighs(torch.ones(SIZE), gain=1e3)
    images = torch.full((1, 3, *SIZE), 200, dtype=torch.uint8)
    context = context_of(module, images)

    found = margin_gradient(context.predictor, images.float(), np.array([1]))

    assert float(context.scores[0, 1]) == 1.0
    assert (found > 0).all()


def test_pgd_keeps_its_budget_and_the_range_of_pixels() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, *SIZE)).astype(np.uint8))
    context = context_of(cnn(), images)
    clean = images.float()

    found = pgd(partial(margin_gradient, context.predictor), clean, clean, context.predicted, 6.0, steps=3)

    assert float((found - clean).abs().max()) <= 6
    assert float(found.min()) >= 0
    assert float(found.max()) <= 255
    assert not torch.equal(found, clean)


def test_more_budget_never_makes_pgd_weaker() -> None:
    shares, _ = attacked(context_of(cnn(), near_grey()), steps=2)

    assert (np.diff(shares["pgd"]) <= 0).all()


def test_a_mistake_is_no_robust_success() -> None:
    context = context_of(linear(), near_grey())
    labels = context.predicted.copy()
    labels[:4] = 1 - labels[:4]

    result = Robustness(epsilons=(1e-3,)).measure(context_of(linear(), near_grey(), labels=labels))

    values = {item.name: item for item in result.measurements}
    assert values["robust_accuracy_pgd_0.001"].value == (COUNT - 4) / COUNT
    assert values["robust_accuracy_pgd_0.001"].count == COUNT
    assert "8 of 12 pictures; Clopper-Pearson" in (values["robust_accuracy_pgd_0.001"].note or "")


def test_without_labels_the_predicted_class_is_followed_and_the_name_says_so() -> None:
    result = Robustness(epsilons=(1.0,)).measure(context_of(linear(), near_grey()))

    assert [item.name for item in result.measurements] == [
        "robust_agreement_noise_1",
        "robust_agreement_fgsm_1",
        "robust_agreement_pgd_1",
    ]


def test_pictures_that_belong_together_are_resampled_together() -> None:
    context = replace(context_of(linear(), near_grey()), clusters=np.arange(COUNT) // 2)

    result = Robustness(epsilons=(4.0,)).measure(context)

    assert "bootstrap over clusters" in (result.measurements[-1].note or "")


def test_a_transform_of_the_owner_is_refused_in_words() -> None:
    context = context_of(linear(), near_grey())
    own = Preprocessing(*SIZE, "squash", 1.0, (0.0,) * 3, (1.0,) * 3, transform="own.py:make")

    result = Robustness().measure(replace(context, model=replace(context.model, preprocessing=own)))

    assert all(item.value is None and "own transform" in (item.reason or "") for item in result.measurements)


def test_it_belongs_to_full_audits_alone() -> None:
    assert set(registry.load("metrics", "robustness").budgets) == {"full"}
