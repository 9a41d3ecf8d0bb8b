from __future__ import annotations

import torch
from torch import Tensor, nn

from auditor.engine.maps import make_maps
from auditor.visualizers.grad_cam_plus_plus import GradCamPlusPlus
from auditor.visualizers.smooth_grad_cam_plus_plus import SmoothGradCamPlusPlus
from tests.engine.networks import PlainCnn, images, inputs, loaded, sample, seeded
from tests.visualizers.oracles import shared_pass

TARGETS = torch.tensor([0, 3, 1, 2])


def gradient(module: nn.Module, picture: Tensor, target: int) -> Tensor:
    """Of one picture's score, at features.3, by plain autograd."""
    features: list[Tensor] = []
    handle = module.get_submodule("features.3").register_forward_hook(lambda *found: features.append(found[2]))
    score = module(picture[None])[0, target]
    handle.remove()
    (found,) = torch.autograd.grad(score, features[0])
    return found[0]


def test_its_gradients_are_means_over_the_same_noisy_copies_of_every_image() -> None:
    module, x = seeded(PlainCnn), inputs()
    draw = torch.Generator().manual_seed(0)
    noises = [torch.randn(x.shape[1:], generator=draw) for _ in range(3)]
    expected = []
    for picture, target in zip(x, TARGETS.tolist(), strict=True):
        strength = 0.2 * float(picture.max() - picture.min())
        found = torch.stack([gradient(module, picture + strength * noise, target) for noise in noises]).double()
        first, second, third = found.mean(0), (found**2).mean(0), (found**3).mean(0)
        units = module.features[:4](picture[None])[0].detach().double()
        below = 2 * second + units.sum((1, 2))[:, None, None] * third.clamp(min=0)
        alphas = torch.where(second > 0, second / below, 0)
        weights = (alphas * first.clamp(min=0)).sum((1, 2))
        expected.append((weights[:, None, None] * units).sum(0).clamp(min=0))

    maps = SmoothGradCamPlusPlus(draws=3, noise=0.2).maps(shared_pass(module, "features.3", x, TARGETS)["features.3"])

    torch.testing.assert_close(maps, torch.stack(expected).float(), rtol=1e-3, atol=1e-6)


def test_with_next_to_no_noise_it_is_grad_cam_plus_plus() -> None:
    captured = shared_pass(seeded(PlainCnn), "features.3", inputs(), TARGETS)["features.3"]

    maps = SmoothGradCamPlusPlus(draws=2, noise=1e-7).maps(captured)

    torch.testing.assert_close(maps, GradCamPlusPlus().maps(captured), rtol=1e-3, atol=1e-6)


def test_neither_chunks_nor_other_draws_change_it() -> None:
    model = loaded(seeded(PlainCnn))
    made = []
    for chunk in (2, 5):
        torch.rand(chunk)
        visualizers = [SmoothGradCamPlusPlus(draws=2)]
        cpu = torch.device("cpu")
        run = make_maps(model, model.module, sample(images(5)), visualizers, ["features.3"], device=cpu, chunk=chunk)
        made.append(torch.from_numpy(run.maps[0].maps))

    torch.testing.assert_close(made[0], made[1])


def test_each_draw_is_one_pass() -> None:
    module, runs = seeded(PlainCnn), []
    captured = shared_pass(module, "features.3", inputs(), TARGETS)["features.3"]
    module.head.register_forward_hook(lambda *_: runs.append(1))

    SmoothGradCamPlusPlus(draws=4).maps(captured)

    assert len(runs) == 4
    assert SmoothGradCamPlusPlus(draws=4).forwards(16, 12) == 8
