"""Other libraries, each doing the same work; what is not installed is None, and says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.speed.bench import Bench

__all__ = ["ablation_cam", "grad_cam", "gradient_cams", "integrated_gradients", "missing", "occlusion"]

LIBRARIES = {"pytorch-grad-cam": "pytorch_grad_cam", "torchcam": "torchcam", "captum": "captum"}
"""Name in the tables → package."""
ABSENT = "not installed: pip install auditor[benchmark]"
Run = Callable[[], object]


def missing(*have: str) -> dict[str, str]:
    """Why there is no value of some libraries.

    Args:
        have: Those that have such a method.
    """
    absent = {name: ABSENT for name in LIBRARIES if _absent(name)}
    return {name: "has no such method" for name in LIBRARIES if name not in have} | absent


def grad_cam(bench: Bench, count: int, *, targets: Sequence[int] | None = None) -> dict[str, Run]:
    """Grad-CAM of the first pictures at the last block, for the predicted classes where none are given."""
    found: dict[str, Run] = {}
    last, targets = bench.layers[-1], targets or bench.classes(count)
    if not _absent("pytorch-grad-cam"):
        from pytorch_grad_cam import GradCAM

        found["pytorch-grad-cam"] = lambda: _pytorch_grad_cam(GradCAM, bench, [last], targets)
    if not _absent("torchcam"):
        from torchcam.methods import GradCAM as OfTorchcam

        found["torchcam"] = lambda: _torchcam(OfTorchcam, bench, [last], targets)
    if not _absent("captum"):
        found["captum"] = lambda: _captum_grad_cam(bench, last, targets)
    return found


def gradient_cams(bench: Bench, count: int) -> dict[str, tuple[Run, str]]:
    """As many of five gradient CAMs and EigenCAM as each library has, at four layers; and which."""
    found: dict[str, tuple[Run, str]] = {}
    targets = bench.classes(count)
    if not _absent("pytorch-grad-cam"):
        from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM

        every = (GradCAM, GradCAMPlusPlus, XGradCAM, HiResCAM, LayerCAM, EigenCAM)
        # one layer a call: several are averaged into one map
        found["pytorch-grad-cam"] = (
            lambda: [_pytorch_grad_cam(one, bench, [layer], targets) for one in every for layer in bench.layers],
            "the same 24 maps",
        )
    if not _absent("torchcam"):
        from torchcam.methods import GradCAM as First
        from torchcam.methods import GradCAMpp
        from torchcam.methods import LayerCAM as Third
        from torchcam.methods import XGradCAM as Fourth

        own = (First, GradCAMpp, Third, Fourth)
        found["torchcam"] = (
            lambda: [_torchcam(one, bench, bench.layers, targets) for one in own],
            "16 maps: it has four of the six methods",
        )
    if not _absent("captum"):
        found["captum"] = (
            lambda: [_captum_grad_cam(bench, layer, targets) for layer in bench.layers],
            "4 maps: it has Grad-CAM alone",
        )
    return found


def ablation_cam(bench: Bench, count: int) -> dict[str, Run]:
    """Ablation-CAM of all units at the last block."""
    if _absent("pytorch-grad-cam"):
        return {}
    from pytorch_grad_cam import AblationCAM

    targets = bench.classes(count)
    return {"pytorch-grad-cam": lambda: _pytorch_grad_cam(AblationCAM, bench, [bench.layers[-1]], targets)}


def integrated_gradients(bench: Bench, count: int, steps: int) -> dict[str, Run]:
    """Integrated gradients by the trapezoid rule."""
    if _absent("captum"):
        return {}
    from captum.attr import IntegratedGradients

    targets, inputs = bench.classes(count), bench.inputs[:count]
    method = IntegratedGradients(bench.peers_module)

    def run() -> object:
        return method.attribute(
            inputs, target=targets, n_steps=steps, method="riemann_trapezoid", internal_batch_size=8
        )

    return {"captum": run}


def occlusion(bench: Bench, count: int, window: int, stride: int) -> dict[str, Run]:
    """Occlusion by a square window."""
    if _absent("captum"):
        return {}
    import torch
    from captum.attr import Occlusion

    targets, inputs = bench.classes(count), bench.inputs[:count]

    def run() -> object:
        with torch.no_grad():
            return Occlusion(bench.peers_module).attribute(
                inputs,
                sliding_window_shapes=(3, window, window),
                strides=(3, stride, stride),
                target=targets,
                perturbations_per_eval=max(1, 8 // count),
            )

    return {"captum": run}


def _absent(library: str) -> bool:
    return find_spec(LIBRARIES[library]) is None


def _pytorch_grad_cam(method: Any, bench: Bench, layers: Sequence[str], targets: Sequence[int]) -> object:
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    parts = [bench.peers_module.get_submodule(layer) for layer in layers]
    with method(model=bench.peers_module, target_layers=parts) as cam:
        wanted = [ClassifierOutputTarget(target) for target in targets]
        return cam(input_tensor=bench.inputs[: len(targets)], targets=wanted)


def _torchcam(method: Any, bench: Bench, layers: Sequence[str], targets: Sequence[int]) -> object:
    with method(bench.peers_module, list(layers)) as cam:
        scores = bench.peers_module(bench.inputs[: len(targets)])
        return cam(list(targets), scores)


def _captum_grad_cam(bench: Bench, layer: str, targets: Sequence[int]) -> np.ndarray:
    from captum.attr import LayerAttribution, LayerGradCam

    inputs = bench.inputs[: len(targets)]
    method = LayerGradCam(bench.peers_module, bench.peers_module.get_submodule(layer))
    found = method.attribute(inputs, target=list(targets))
    return np.asarray(LayerAttribution.interpolate(found, tuple(inputs.shape[-2:]), "bilinear").detach().cpu())
