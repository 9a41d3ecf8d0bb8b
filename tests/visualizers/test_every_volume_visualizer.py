"""What holds for every visualizer that explains clips and volumes, and what each is there in closed form."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.engine.layers import target_layers
from auditor.engine.maps import make_maps
from auditor.engine.predictor import Predictor
from auditor.engine.target_gradients import TargetGradients
from auditor.media import IN_DEPTH, PICTURES, Medium
from auditor.registry import load, names
from auditor.subjects import LoadedModel, Preprocessing, Stack, VolumeSample
from auditor.subjects.models.torchvision import Torchvision
from auditor.visualizers import Captured, MapVisualizer, Need, PatchVisualizer, Visualizer
from auditor.visualizers.attention_rollout import AttentionRollout
from auditor.visualizers.block_occlusion import BlockOcclusion
from auditor.visualizers.frame_occlusion import FrameOcclusion
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.input_x_gradient import InputXGradient
from auditor.visualizers.integrated_gradients import IntegratedGradients
from auditor.visualizers.layer_fusion import LayerFusion
from auditor.visualizers.occlusion import Occlusion
from auditor.visualizers.saliency import Saliency
from tests.engine.networks import sample, seeded
from tests.engine.test_volumes import DEPTH, HEIGHT, WIDTH, PlainCnn3d
from tests.visualizers.oracles import grad_cam_library, shared_pass

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pytorch_grad_cam

LAYER, COUNT = "features.3", 2
MAPS = [
    name
    for name in names("visualizers")
    if issubclass(load("visualizers", name), MapVisualizer)
    and load("visualizers", name).media >= IN_DEPTH
    and not load("visualizers", name).needs & {Need.ATTENTION}
]
PREPROCESSING = Preprocessing(HEIGHT, WIDTH, "squash", 1.0, (0.4, 0.5), (0.2, 0.25), depth=DEPTH)


class Sums(nn.Module):
    """A linear model over the volume: class 1 by a weighted sum of all voxels, class 0 by its opposite."""

    def __init__(self) -> None:
        super().__init__()
        drawn = torch.randn((2, DEPTH, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(4))
        self.weights = nn.Parameter(drawn / 100)

    def forward(self, x: Tensor) -> Tensor:
        evidence = (x * self.weights).flatten(1).sum(1)
        return torch.stack((-evidence, evidence), 1)


def clips(count: int = COUNT) -> VolumeSample:
    drawn = torch.randint(
        0, 256, (count, 2, DEPTH, HEIGHT, WIDTH), dtype=torch.uint8, generator=torch.Generator().manual_seed(6)
    )
    flat = sample(drawn)
    known: dict[str, Any] = {field.name: getattr(flat, field.name) for field in fields(flat)}
    return VolumeSample(**known, of=Medium.CLIP, stacks=[Stack("drawn", frames=tuple(range(DEPTH)))] * count)


def loaded(module: nn.Module) -> LoadedModel:
    return LoadedModel(module, "net", "python", (), "softmax", PREPROCESSING)


def made(name: str) -> MapVisualizer:
    """Cheaply: few steps and units."""
    part = load("visualizers", name)
    samples = 20 if issubclass(part, PatchVisualizer) else 2
    cheap = {
        "steps": 3, "samples": samples, "units": 3, "draws": 2, "finer": 1, "pieces": None, "masks": 20, "patches": 6
    }  # fmt: skip
    options = {key: value for key, value in cheap.items() if key in part.model_fields and value is not None}
    return cast(MapVisualizer, part(**options))


@pytest.mark.parametrize("name", MAPS)
def test_over_clips_it_works_leaves_the_model_as_it_was_and_costs_no_more_than_it_says(name: str) -> None:
    visualizer, module = made(name), seeded(PlainCnn3d)
    before = digest(module)
    predictor = Predictor(loaded(module), torch.device("cpu"), chunk=8)
    predictor.scores(clips().images)
    spent = predictor.forwards

    run, again = (
        make_maps(
            loaded(module), module, clips(), [visualizer], ["features.5" if name == "cam" else LAYER],
            device=torch.device("cpu"), chunk=chunk, targets=np.array([0, 3]), predictor=predictor,
        )
        for chunk in (2, 2)
    )  # fmt: skip

    assert run.failures == []
    assert run.skipped == []
    (item,) = run.maps
    assert item.maps.ndim == 4
    assert len(item.maps) == COUNT
    assert np.isfinite(item.maps).all()
    assert (item.maps >= 0).all()
    # hiding a frame or a patch of noise from an untrained network may only help; their closed forms tell
    assert item.usable.any() or name in ("frame_occlusion", "kernel_shap", "lime")
    np.testing.assert_array_equal(item.maps, again.maps[0].maps)
    assert predictor.forwards - spent <= 2 * visualizer.forwards(HEIGHT, WIDTH) * COUNT
    assert digest(module) == before


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("grad_cam", "GradCAM"), ("grad_cam_plus_plus", "GradCAMPlusPlus"), ("xgrad_cam", "XGradCAM"),
        ("hires_cam", "HiResCAM"), ("layer_cam", "LayerCAM"),
    ],
)  # fmt: skip
def test_a_cam_over_a_volume_is_that_of_pytorch_grad_cam(name: str, library: str) -> None:
    module, targets = seeded(PlainCnn3d), torch.tensor([0, 3])
    x = PREPROCESSING.to_input(clips().images)
    with torch.no_grad():
        module.head.weight.mul_(1e3)  # the library adds 1e-6 to squares of gradients
    expected = grad_cam_library(getattr(pytorch_grad_cam, library), module, LAYER, x, targets)

    maps = made(name).maps(shared_pass(module, LAYER, x, targets)[LAYER])

    scale = float(expected.max())
    assert scale > 0
    torch.testing.assert_close(maps, torch.from_numpy(expected).float(), rtol=1e-3, atol=scale * 1e-4)


def captured_on(module: nn.Module, scores: Callable[[Tensor, Tensor], Tensor] | None = None) -> tuple[Captured, Tensor]:
    """The pass on a linear model for class 1, and what stands for nothing."""
    x = PREPROCESSING.to_input(clips().images)
    fill = x.mean((0, 2, 3, 4)).view(2, 1, 1, 1)
    found = capture(
        module, x, layers=(), needs=frozenset({Need.INPUT_GRADIENTS}), targets=torch.ones(COUNT, dtype=torch.int64),
        fill=fill, target_scores=scores,
    )  # fmt: skip
    predictor = Predictor(loaded(module), torch.device("cpu"), chunk=8)
    return TargetGradients(predictor).added_to(found)[None], fill


def test_on_a_linear_model_gradient_maps_are_its_weights() -> None:
    module = Sums()
    weights = module.weights.detach()
    captured, fill = captured_on(module)

    saliency = Saliency().maps(captured)
    products = InputXGradient().maps(captured)
    integrated = IntegratedGradients(steps=3).maps(captured)

    torch.testing.assert_close(saliency[0], weights.abs().amax(0))
    torch.testing.assert_close(products, (captured.inputs * weights).sum(1).clamp(min=0))
    torch.testing.assert_close(
        integrated, ((captured.inputs - fill) * weights).sum(1).clamp(min=0), rtol=1e-3, atol=1e-5
    )


def evidence(module: Sums) -> Callable[[Tensor, Tensor], Tensor]:
    """The weighted sum itself in place of a probability: what is lost is then what was there."""
    return lambda x, targets: (x * module.weights.detach()).flatten(1).sum(1)


def test_on_a_linear_model_a_hidden_block_costs_what_it_contributed() -> None:
    module = Sums()
    captured, fill = captured_on(module, evidence(module))
    parts = (captured.inputs - fill) * module.weights.detach()

    found = BlockOcclusion(pieces=(2, 4, 3)).maps(captured)

    blocks = parts.sum(1).view(COUNT, 2, 4, 4, 4, 3, 4).sum((2, 4, 6)).clamp(min=0)
    expected = blocks.repeat_interleave(4, 1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_on_a_linear_model_hidden_frames_cost_what_they_contributed() -> None:
    module = Sums()
    captured, fill = captured_on(module, evidence(module))
    parts = ((captured.inputs - fill) * module.weights.detach()).sum((1, 3, 4))

    found = FrameOcclusion(pieces=4).maps(captured)

    assert found.shape == (COUNT, DEPTH, 1, 1)
    stretches = parts.view(COUNT, 4, 2).sum(2).clamp(min=0).repeat_interleave(2, 1)
    torch.testing.assert_close(found[:, :, 0, 0], stretches, rtol=1e-3, atol=1e-4)


def test_a_frozen_frame_shows_the_one_before_it_and_the_first_shows_the_next() -> None:
    seen: list[Tensor] = []

    def scores(x: Tensor, targets: Tensor) -> Tensor:
        seen.append(x)
        return x.flatten(1).sum(1)

    captured, _ = captured_on(Sums(), scores)
    one = replace(captured, inputs=captured.inputs[:1], targets=captured.targets[:1])

    FrameOcclusion(pieces=8, by="freeze").maps(one)

    changed = torch.cat(seen[1:])
    frames = one.inputs[0]
    assert len(changed) == DEPTH
    assert torch.equal(changed[0][:, 0], frames[:, 1])
    for frame in range(1, DEPTH):
        assert torch.equal(changed[frame][:, frame], frames[:, frame - 1])
        assert torch.equal(changed[frame][:, :frame], frames[:, :frame])


def test_a_window_of_occlusion_is_hidden_in_all_frames() -> None:
    module = Sums()
    captured, fill = captured_on(module, evidence(module))
    parts = ((captured.inputs - fill) * module.weights.detach()).sum((1, 2))

    found = Occlusion(window=0.25, stride=0.25).maps(captured)

    assert found.shape == (COUNT, 1, HEIGHT, WIDTH)
    windows = parts.view(COUNT, 4, 4, 4, 3).sum((2, 4)).clamp(min=0)
    expected = windows.repeat_interleave(4, 1).repeat_interleave(3, 2)
    torch.testing.assert_close(found[:, 0], expected, rtol=1e-3, atol=1e-4)


class OfPictures(Saliency):
    """Explains nothing else."""

    media = PICTURES


def test_what_explains_pictures_is_skipped_in_words_and_the_others_go_on() -> None:
    module = seeded(PlainCnn3d)
    parts: list[Visualizer] = [OfPictures(), AttentionRollout(), Saliency()]

    run = make_maps(loaded(module), module, clips(), parts, [LAYER], device=torch.device("cpu"))

    assert [item.method for item in run.maps] == ["saliency"]
    assert run.failures == []
    unseen, of_pictures = sorted((why for _, _, why in run.skipped), reverse=True)
    assert of_pictures.endswith("is made for pictures: nothing of it carries over to clips in this version")
    assert unseen.startswith("the model has no attention that can be seen")


def test_maps_too_large_for_the_memory_are_kept_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    module = seeded(PlainCnn3d)
    expected = make_maps(loaded(module), module, clips(), [Saliency()], [], device=torch.device("cpu"))
    monkeypatch.setattr("auditor.engine.map_jobs.IN_MEMORY", 100)

    found = make_maps(loaded(module), module, clips(), [Saliency()], [], device=torch.device("cpu"))

    assert isinstance(found.maps[0].maps, np.memmap)
    np.testing.assert_array_equal(found.maps[0].maps, expected.maps[0].maps)


def test_a_video_network_of_torchvision_gets_target_layers_and_maps_over_time(tmp_path: Path) -> None:
    module = seeded(lambda: Torchvision(name="r3d_18").build(folder=tmp_path, options={"num_classes": 3}))
    model = replace(loaded(module), preprocessing=replace(PREPROCESSING, mean=(0.4,) * 3, std=(0.2,) * 3))
    drawn = clips(1)
    colour = replace(drawn, images=drawn.images[:, [0, 1, 0]].repeat(1, 1, 1, 2, 2))

    chosen = target_layers(module, "auto", model.preprocessing.to_input(colour.images))
    run = make_maps(model, module, colour, [GradCam(), LayerFusion()], chosen.names, device=torch.device("cpu"))

    assert chosen.names[-1] == "layer4"
    assert run.failures == []
    assert [item.maps.shape[1] for item in run.maps if item.layer == "layer4"] == [1], "eight frames are one step there"
    assert all(item.maps.ndim == 4 for item in run.maps)
