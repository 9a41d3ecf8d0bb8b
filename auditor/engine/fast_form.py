"""An exact but faster copy of a model: batch normalisation folded into convolutions, channels last.

The copy serves where only scores count (thousands of forwards); the original is never changed.
"""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["TOLERANCE", "FastForm", "fast_form", "verified"]

TOLERANCE = 1e-4
"""A fast form may move no probability by more than this, and no arg-max; larger scores of one's own by this share."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True, slots=True)
class FastForm:
    """A copy of a model that gives the same scores sooner.

    Attributes:
        module: In eval mode, no gradients of parameters.
        channels_last: Whether inputs should be laid out channels last.
        folded: How many batch normalisations went into convolutions.
    """

    module: nn.Module
    channels_last: bool
    folded: int


def verified(
    original: nn.Module, inputs: Tensor, device: torch.device, probabilities: Callable[[nn.Module, Tensor], Tensor]
) -> tuple[FastForm | None, tuple[str, ...]]:
    """The fastest form that gives the original's probabilities on real inputs.

    Args:
        original: On `device`, in eval mode.
        inputs: Normalised, real: a handful of the audit's own pictures, on `device`.
        probabilities: How scores are read from a module.

    Returns:
        The form, or None where the original must serve, and what was tried in vain, for the report.
    """
    notes: list[str] = []
    expected = probabilities(original, inputs).detach()
    largest = max(1.0, float(expected.abs().max()))
    for fold in (True, False):
        try:
            form = fast_form(original, fold=fold, channels_last=device.type == "cpu")
            found = probabilities(form.module, layout(inputs, form.channels_last)).detach()
        except Exception as error:
            notes.append(f"fast form of the model not used ({type(error).__name__}: {_first_line(error)})")
            continue
        difference = float((found - expected).abs().max())
        if difference <= TOLERANCE * largest and torch.equal(found.argmax(1), expected.argmax(1)):
            return form, tuple(notes)
        notes.append(
            f"fast form of the model not used: its probabilities differ by up to {difference:.1e} "
            f"({'batch norm folded' if form.folded else 'channels last'})"
        )
        if not form.folded:
            break  # without folding the second try would be the same
    return None, tuple(notes)


def fast_form(original: nn.Module, *, fold: bool = True, channels_last: bool = True) -> FastForm:
    """Copy a model, fold what can be folded, and lay convolutions out channels last.

    Folding needs a graph of the forward (torch.fx); where the forward cannot be traced, only convolutions with
    their normalisation next to them in a Sequential are folded.

    Args:
        original: In eval mode; copied, not changed.
        fold: Whether to fold at all.
        channels_last: Whether to lay out channels last: faster on a CPU, on a GPU only below fp32.

    Raises:
        Exception: Whatever copying the model raises.
    """
    # tensors made under inference_mode could carry no gradient to the inputs
    with torch.inference_mode(False), torch.no_grad():
        module = copy.deepcopy(original)
        for part in module.modules():
            part.training = False
        folded = 0
        traceable = fold and not isinstance(module, torch.jit.ScriptModule)
        if traceable and any(isinstance(part, NORMS) for part in module.modules()):
            module, folded = _folded(module)
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        channels_last = channels_last and any(parameter.ndim == 4 for parameter in module.parameters())
        if channels_last:
            module = module.to(memory_format=torch.channels_last)
        return FastForm(module, channels_last, folded)


def layout(inputs: Tensor, channels_last: bool) -> Tensor:
    """Inputs in the memory layout that a form wants."""
    return inputs.contiguous(memory_format=torch.channels_last) if channels_last else inputs


def _folded(module: nn.Module) -> tuple[nn.Module, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = fx.Tracer().trace(module)
    except Exception:
        # any model code may run under tracing and fail in any way; the plainer folding needs no trace
        return module, _fold_sequences(module)
    return _fold_graph(module, graph)


def _fold_graph(module: nn.Module, graph: fx.Graph) -> tuple[nn.Module, int]:
    parts = dict(module.named_modules())
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    folded = 0
    for node in list(graph.nodes):
        if node.op != "call_module" or len(node.args) != 1 or not isinstance(node.args[0], fx.Node):
            continue
        before = node.args[0]
        if before.op != "call_module" or len(before.users) != 1 or calls[before.target] != 1:
            continue
        pair = _foldable(parts[str(before.target)], parts[str(node.target)])
        if pair is None:
            continue
        owner, _, name = str(before.target).rpartition(".")
        setattr(module.get_submodule(owner), name, fuse_conv_bn_eval(*pair))
        node.replace_all_uses_with(before)
        graph.erase_node(node)
        folded += 1
    return fx.GraphModule(module, graph), folded


def _fold_sequences(module: nn.Module) -> int:
    uses = Counter(id(part) for _, part in module.named_modules(remove_duplicate=False))
    folded = 0
    for sequence in list(module.modules()):
        if not isinstance(sequence, nn.Sequential) or type(sequence).forward is not nn.Sequential.forward:
            continue
        for first, second in list(_neighbours(sequence)):
            pair = _foldable(sequence._modules[first], sequence._modules[second])
            if pair is None or uses[id(pair[0])] != 1:
                continue
            sequence._modules[first] = fuse_conv_bn_eval(*pair)
            sequence._modules[second] = nn.Identity()
            folded += 1
    return folded


def _neighbours(sequence: nn.Sequential) -> Iterator[tuple[str, str]]:
    names = list(sequence._modules)
    yield from pairwise(names)


def _foldable(conv: nn.Module | None, norm: nn.Module | None) -> tuple[_ConvNd, _BatchNorm] | None:
    """The pair, where it is a plain convolution and a plain normalisation with running statistics, without hooks."""
    if type(conv) not in CONVOLUTIONS or type(norm) not in NORMS:
        return None
    assert isinstance(conv, _ConvNd)
    assert isinstance(norm, _BatchNorm)
    if norm.running_mean is None or any(parametrize.is_parametrized(part) for part in (conv, norm)):
        return None
    hooked = any(part._forward_hooks or part._forward_pre_hooks for part in (conv, norm))
    return None if hooked else (conv, norm)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
