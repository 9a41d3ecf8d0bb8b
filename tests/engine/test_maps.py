from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from auditor.engine.capture import capture
from auditor.engine.integrity import digest
from auditor.engine.maps import MapRun, make_maps
from auditor.engine.predictor import Predictor
from auditor.errors import ModelError
from auditor.visualizers import Captured, MapVisualizer, Need, Visualizer
from auditor.visualizers.cam import Cam
from auditor.visualizers.eigen_cam import EigenCam
from auditor.visualizers.feature_maps import FeatureMaps
from auditor.visualizers.grad_cam import GradCam
from auditor.visualizers.integrated_gradients import IntegratedGradients
from auditor.visualizers.kernels import Kernels
from auditor.visualizers.layer_cam import LayerCam
from auditor.visualizers.occlusion import Occlusion
from auditor.visualizers.saliency import Saliency
from auditor.visualizers.smooth_grad import SmoothGrad
from tests.engine.networks import (
    HEIGHT,
    WIDTH,
    OnlyInference,
    PlainCnn,
    RepeatedLayer,
    RunsOutOfMemory,
    images,
    loaded,
    sample,
    seeded,
)

CPU = torch.device("cpu")
LAYERS = ["features.3", "features.6"]
SIX: list[Visualizer] = [GradCam(), LayerCam(), Saliency(), Occlusion(), FeatureMaps(shown=3), Kernels()]


class Breaks(MapVisualizer):
    """Fails at the second chunk, and leaves a mess."""

    needs = frozenset({Need.ACTIVATIONS})
    per_layer = True
    calls: ClassVar[list[int]] = []

    def maps(self, captured: Captured) -> Tensor:
        self.calls.append(1)
        if len(self.calls) > 1:
            raise ZeroDivisionError("half-way")
        assert captured.activations is not None
        return captured.activations[:, 0].abs()


class Returns(MapVisualizer):
    """Returns whatever it was told to."""

    kind: str
    needs = frozenset({Need.ACTIVATIONS})
    per_layer = True

    def maps(self, captured: Captured) -> Tensor:
        count = len(captured.inputs)
        blank = torch.zeros(count, 4, 3)
        ramp = torch.arange(12.0).view(4, 3).expand(count, 4, 3).clone()
        match self.kind:
            case "nan":
                ramp[0, 0, 0] = float("nan")
                return ramp
            case "constant":
                return blank + 7
            case "negative":
                return ramp - 1
            case "flat":
                return blank[0]
        return blank


def run(
    visualizers: list[Visualizer],
    module: nn.Module | None = None,
    *,
    count: int = 10,
    layers: Any = LAYERS,
    **options: Any,
) -> MapRun:
    module = module or seeded(PlainCnn)
    return make_maps(
        loaded(module), module, sample(images(count)), visualizers, layers, device=CPU, **{"chunk": 4, **options}
    )


def test_every_map_comes_at_the_inputs_size_from_one_pass_a_chunk() -> None:
    module, passes = seeded(PlainCnn), []
    module.head.register_forward_hook(lambda part, args, output: passes.append(len(output)))

    made = run([GradCam(), LayerCam(), Saliency()], module)

    assert [item.name for item in made.maps] == [
        "grad_cam@features.3",
        "grad_cam@features.6",
        "layer_cam@features.3",
        "layer_cam@features.6",
        "saliency",
    ]
    assert passes == [4, 4, 2]
    for item in made.maps:
        assert item.maps.shape == (10, HEIGHT, WIDTH)
        assert item.maps.dtype == np.float32
        assert item.maps.min() >= 0
    assert not made.failures


def test_maps_are_upsampled_without_aligned_corners_and_keep_their_magnitude() -> None:
    module = seeded(PlainCnn)
    model = loaded(module)
    x = model.preprocessing.to_input(images(10))
    captured = capture(module, x, layers=["features.6"], needs=frozenset(Need))["features.6"]
    small = GradCam().maps(captured)

    made = run([GradCam()], module, layers=["features.6"])

    expected = nn.functional.interpolate(small[:, None], size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(made.maps[0].maps, expected[:, 0], atol=1e-6)


def test_chunk_size_changes_nothing() -> None:
    one, many = run(SIX, chunk=1), run(SIX, chunk=10)

    for a, b in zip(one.maps, many.maps, strict=True):
        np.testing.assert_allclose(a.maps, b.maps, atol=1e-6)
    for c, d in zip(one.channels, many.channels, strict=True):
        np.testing.assert_allclose(c.maps, d.maps, atol=1e-6)
        np.testing.assert_array_equal(c.units, d.units)


def test_channel_visualizers_give_maps_and_units_at_the_layers_own_resolution() -> None:
    made = run([FeatureMaps(shown=3)])

    assert [(item.method, item.layer) for item in made.channels] == [("feature_maps", layer) for layer in LAYERS]
    assert made.channels[0].maps.shape == (10, 3, 8, 6)
    assert made.channels[0].units.shape == (10, 3)


def test_targets_and_indices_choose_class_and_images() -> None:
    indices, targets = np.array([7, 2, 5]), np.array([1, 0, 4])
    everything = run([Saliency()], targets=np.array([0, 0, 0, 0, 0, 4, 0, 1, 0, 0]))

    made = run([Saliency()], indices=indices, targets=targets)

    np.testing.assert_allclose(made.maps[0].maps, everything.maps[0].maps[indices], atol=1e-7)


def test_an_exception_in_one_visualizer_is_recorded_the_others_go_on_and_the_model_is_as_before() -> None:
    Breaks.calls.clear()
    module = seeded(PlainCnn).train()
    before = digest(module)

    made = run([Breaks(), GradCam()], module, layers=["features.6"])

    assert made.failures == [("test_maps", "features.6", "ZeroDivisionError: half-way")]
    assert [item.name for item in made.maps] == ["grad_cam@features.6"]
    assert digest(module) == before
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


@pytest.mark.parametrize(
    ("kind", "words"),
    [("negative", "negative values"), ("flat", r"returned shape \(4, 3\); expected \(4, rows, columns\)")],
)
def test_a_visualizer_that_breaks_its_contract_is_a_failure(kind: str, words: str) -> None:
    made = run([Returns(kind=kind)], layers=["features.6"])

    assert not made.maps
    with pytest.raises(ValueError, match=words):
        raise ValueError(made.failures[0][2])


@pytest.mark.parametrize(("kind", "usable"), [("nan", [False, True, True, True]), ("constant", [False] * 4)])
def test_maps_that_say_nothing_are_kept_finite_and_marked_unusable(kind: str, usable: list[bool]) -> None:
    made = run([Returns(kind=kind)], layers=["features.6"], count=4)

    assert made.maps[0].usable.tolist() == usable
    assert np.isfinite(made.maps[0].maps).all()
    assert (made.notes == ("test_maps: some maps were not finite; they are blank and not scored",)) == (kind == "nan")


def test_what_a_model_refuses_fails_alone_and_the_rest_still_runs() -> None:
    module = seeded(OnlyInference)

    made = run(SIX, module, layers=["inner.features.6"])

    assert {name for name, _, _ in made.failures} == {"grad_cam", "layer_cam", "saliency"}
    assert all("gradient" in reason for _, _, reason in made.failures)
    assert [item.name for item in made.maps] == ["occlusion"]
    assert [item.method for item in made.channels] == ["feature_maps"]
    assert made.maps[0].usable.all()


def test_a_visualizer_that_means_nothing_on_a_model_is_skipped_with_its_words_and_is_no_failure() -> None:
    model = loaded(seeded(PlainCnn))

    run = make_maps(model, model.module, sample(images(4)), [Cam(), GradCam()], LAYERS, device=CPU)

    assert [item.name for item in run.maps] == ["cam@features.6", "grad_cam@features.3", "grad_cam@features.6"]
    assert run.failures == []
    ((name, layer, reason),) = run.skipped
    assert (name, layer) == ("cam", "features.3")
    assert reason.startswith("CAM needs scores that one linear layer makes")


def test_a_model_that_gives_no_scores_stops_the_run() -> None:
    with pytest.raises(ModelError, match="only classification models"):
        run([GradCam(), Occlusion()], nn.Conv2d(3, 5, 1), layers=[])


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_running_out_of_memory_halves_the_chunk_and_gives_the_same_maps(error: Exception) -> None:
    module = seeded(RunsOutOfMemory, 3, error)
    expected = run([GradCam(), Saliency()], seeded(PlainCnn))

    made = run([GradCam(), Saliency()], module, layers=[f"inner.{layer}" for layer in LAYERS], chunk=8)

    for a, b in zip(made.maps, expected.maps, strict=True):
        np.testing.assert_allclose(a.maps, b.maps, atol=1e-6)
    assert made.notes[0] == "out of memory while making maps: chunk of 8 images halved to 4"


def test_perturbations_ask_the_module_that_is_explained_not_the_predictors() -> None:
    model, other = loaded(seeded(PlainCnn)), seeded(PlainCnn)
    nn.init.normal_(other.head.weight)
    predictor = Predictor(model, CPU)
    predictor.scores(images(4))
    common = {"device": CPU, "chunk": 4}

    borrowed = make_maps(model, other, sample(images(10)), [Occlusion()], [], predictor=predictor, **common)
    own = make_maps(loaded(other), other, sample(images(10)), [Occlusion()], [], **common)

    np.testing.assert_allclose(borrowed.maps[0].maps, own.maps[0].maps, atol=1e-6)


def test_a_predictor_of_the_same_module_is_used_and_its_memory_layout_taken_over() -> None:
    module = seeded(PlainCnn)
    predictor = Predictor(loaded(module), CPU)
    predictor.scores(images(2))
    before, model = predictor.forwards, predictor.model

    made = make_maps(model, module, sample(images(3)), [Occlusion(), Saliency()], [], device=CPU, predictor=predictor)

    assert predictor.channels_last
    assert predictor.forwards - before == 3 * Occlusion().forwards(HEIGHT, WIDTH)
    plain = make_maps(model, module, sample(images(3)), [Occlusion(), Saliency()], [], device=CPU)
    for a, b in zip(made.maps, plain.maps, strict=True):
        np.testing.assert_allclose(a.maps, b.maps, atol=1e-6)


def test_notes_of_the_pass_appear_once() -> None:
    made = run([GradCam()], seeded(RepeatedLayer), layers=["shared"])

    assert made.notes == ("shared is called 3 times in one forward: its maps sum over the calls",)


def test_without_layers_or_images_there_is_nothing_but_a_note() -> None:
    made = run([GradCam(), Saliency()], layers=[])
    empty = run([GradCam()], indices=np.zeros(0, dtype=np.int64))

    assert [item.name for item in made.maps] == ["saliency"]
    assert made.notes == ("grad_cam needs a layer and there is none: left out",)
    assert empty.maps == []


def test_the_same_run_twice_is_the_same_to_the_last_bit() -> None:
    first, second = run(SIX), run(SIX)

    for a, b in zip(first.maps, second.maps, strict=True):
        np.testing.assert_array_equal(a.maps, b.maps)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to read the resident memory")
def test_memory_is_as_flat_after_a_thousand_images_as_after_two_hundred_with_methods_of_many_passes() -> None:
    module = seeded(PlainCnn)
    model, pictures = loaded(module), sample(images(1000))
    predictor = Predictor(model, CPU, chunk=32)
    parts: list[Visualizer] = [
        GradCam(), EigenCam(), Saliency(), Occlusion(window=0.5, stride=0.5), IntegratedGradients(steps=2),
        SmoothGrad(samples=2),
    ]  # fmt: skip
    resident: dict[int, float] = {}

    def look(done: int, total: int) -> None:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident[done] = pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    made = make_maps(
        model, module, pictures, parts, ["features.6"], device=CPU, chunk=40, predictor=predictor, progress=look
    )

    # the maps themselves are 5 MiB; the graphs of 800 images would be 30 MiB for each method
    held = sum(item.maps.nbytes for item in made.maps) / 2**20
    assert len(made.maps) == len(parts)
    assert resident[1000] - resident[200] < held + 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to read the resident memory")
def test_a_thousand_images_hold_no_more_memory_than_their_maps() -> None:
    module = seeded(PlainCnn)
    everything = sample(images(1000))
    parts: list[Visualizer] = [GradCam(), Saliency(), FeatureMaps(shown=2)]

    def held(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        make_maps(
            loaded(module), module, everything, parts, ["features.6"], device=CPU, chunk=8, indices=np.arange(count)
        )
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return after - before

    def tensors() -> int:
        gc.collect()
        return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())

    def resident() -> float:
        """MiB; what the C++ side holds does not show in Python's own counts."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    held(1000)
    before, resident_before = tensors(), resident()
    few, many = held(40), held(1000)

    assert tensors() <= before + 2
    assert many - few < 50_000
    # the graphs of 1,000 images would be 40 MiB
    assert resident() - resident_before < 10
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_memory_is_as_flat_after_a_thousand_images_as_after_two_hundred() -> None:
    device = torch.device("cuda")
    module = seeded(PlainCnn).to(device)
    model, pictures = loaded(module), sample(images(1000))
    predictor = Predictor(model, device, chunk=32)
    parts: list[Visualizer] = [
        GradCam(),
        EigenCam(),
        Saliency(),
        Occlusion(window=0.5, stride=0.5),
        SmoothGrad(samples=2),
    ]
    held: dict[int, int] = {}

    def look(done: int, total: int) -> None:
        gc.collect()
        held[done] = torch.cuda.memory_allocated(device)

    make_maps(
        model, module, pictures, parts, ["features.6"], device=device, chunk=40, predictor=predictor, progress=look
    )

    assert held[1000] <= held[200] + 2**20
