"""Copies of a network that have forgotten what it learnt, wholly or from the output down."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from auditor.subjects import LoadedModel

STATISTICS_IMAGES, STATISTICS_CHUNK = 32, 16
"""Pictures from which the copy's batch-norm statistics are estimated again, and how many at once."""


def reinitialised(module: nn.Module, seed: int, parts: Collection[str] | None = None) -> nn.Module:
    """A copy with parameters drawn again, in eval mode; the module itself is not touched.

    Args:
        module: Any network; what offers no `reset_parameters` has its values shuffled, tensor by tensor.
        seed: The same seed gives the same weights, part by part, whatever other parts are drawn.
        parts: Names of the modules whose own parameters are drawn; None: all.
    """
    import torch

    fresh = copy.deepcopy(module)
    devices = {parameter.device.index or 0 for parameter in fresh.parameters() if parameter.is_cuda}
    with torch.random.fork_rng(devices=sorted(devices)), torch.no_grad():
        for number, (name, part) in enumerate(fresh.named_modules()):
            if parts is None or name in parts:
                torch.manual_seed(seed + number)
                _draw_again(part)
    for part in fresh.modules():
        part.training = False
    return fresh


def stages(module: nn.Module, count: int) -> list[tuple[str, ...]]:
    """The modules with parameters of their own in about `count` groups, those next to the output first.

    Modules count in the order in which they were registered, which is that of the forward pass in nearly all
    networks.
    """
    names = [name for name, part in module.named_modules() if any(True for _ in part.parameters(recurse=False))]
    names.reverse()
    count = min(count, len(names))
    ends = [round(index * len(names) / count) for index in range(count + 1)] if count else []
    return [tuple(names[start:stop]) for start, stop in pairwise(ends)]


def estimate_statistics(
    module: nn.Module, model: LoadedModel, images: Tensor, parts: Collection[str] | None = None
) -> None:
    """Estimate batch-norm statistics again, as plain averages over up to 32 pictures.

    Args:
        module: The copy; left in eval mode.
        model: How its inputs are made.
        images: As in `Sample.images`.
        parts: Names of the modules whose statistics are estimated; None: all.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    from auditor.engine.scoring import output_of

    norms = [
        part
        for name, part in module.named_modules()
        if isinstance(part, _BatchNorm) and part.running_mean is not None and (parts is None or name in parts)
    ]
    count = min(len(images), STATISTICS_IMAGES)
    # one picture alone has no variance after global pooling
    starts: Sequence[int] = [start for start in range(0, count, STATISTICS_CHUNK) if count - start > 1]
    if not norms or not starts:
        return
    device = next(module.parameters()).device
    momenta = [part.momentum for part in norms]
    for part in norms:
        part.reset_running_stats()
        part.training, part.momentum = True, None
    try:
        with torch.no_grad():
            for start in starts:
                chunk = images[start : min(count, start + STATISTICS_CHUNK)].to(device)
                output_of(module, model.preprocessing.to_input(chunk))
    finally:
        for part, momentum in zip(norms, momenta, strict=True):
            part.training, part.momentum = False, momentum


def _draw_again(part: nn.Module) -> None:
    """Draw a module's own parameters by its own rule; those that the rule leaves as they were are shuffled."""
    own = dict(part.named_parameters(recurse=False))
    reset = getattr(part, "reset_parameters", None)
    before = {name: parameter.detach().clone() for name, parameter in own.items()}
    if own and callable(reset):
        # some rules want arguments that only their author knows
        with suppress(TypeError):
            reset()
    for name, parameter in own.items():
        if before[name].equal(parameter):
            _shuffle(parameter)


def _shuffle(parameter: torch.Tensor) -> None:
    import torch

    order = torch.randperm(parameter.numel()).to(parameter.device)
    parameter.copy_(parameter.detach().reshape(-1)[order].view_as(parameter))
