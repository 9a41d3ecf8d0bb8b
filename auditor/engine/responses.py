"""The model's answers with a graph back to its input, for whatever is optimised over pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from auditor.engine import grids, scoring
from auditor.engine.borrowing import alone, pass_settings
from auditor.engine.capture import recording, submodule
from auditor.engine.outputs import replaced, tensor_of, unwrapped
from auditor.engine.redirected_relus import RedirectedRelus
from auditor.engine.taps import takes_tokens_first
from auditor.errors import ModelError
from auditor.studies import Respond, Responses

__all__ = ["responding"]


@contextmanager
def responding(model: nn.Module, layers: Sequence[str], device: torch.device, *, gradients: bool) -> Iterator[Respond]:
    """Lend the model out in eval mode with its parameters frozen; hooks come off at the end, also after an exception.

    Args:
        model: Wrappers are looked through.
        layers: Dotted names of modules whose output is a grid.
        device: Where the model is.
        gradients: Whether answers keep their graph; parameters get no gradient.

    Yields:
        What answers; calls of a layer are summed.

    Raises:
        ModelError: A layer does not exist, never runs or is no grid; the model fails or allows no gradients.
    """
    module = unwrapped(model)
    if layers and isinstance(module, torch.jit.ScriptModule):
        raise ModelError("a TorchScript model hides its layers")
    parts = {name: submodule(module, name) for name in dict.fromkeys(layers)}
    calls: dict[str, list[Tensor]] = {name: [] for name in parts}

    def keep(name: str, part: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        tensor = tensor_of(output, layer=name)
        calls[name].append(tensor)
        # what follows gets a copy, so that in-place code cannot alter what was kept
        return replaced(output, tensor, tensor.clone())

    def respond(inputs: Tensor, *, waking: bool = False) -> Responses:
        for kept in calls.values():
            kept.clear()
        with RedirectedRelus() if waking else nullcontext():
            logits = scoring.forward(module, inputs.clone())
        around = grids.surroundings(module, inputs)
        found = {name: _laid_out(name, parts[name], kept, around) for name, kept in calls.items()}
        for kept in calls.values():
            kept.clear()
        return Responses(logits, found)

    with ExitStack() as stack:
        if gradients:
            stack.enter_context(recording(module, device))
        else:
            stack.enter_context(alone(module))
            stack.enter_context(pass_settings(module, device, gradients=False))
        for name, part in parts.items():
            # first, so that what the user's own hooks make of the output belongs to what follows
            stack.callback(part.register_forward_hook(partial(keep, name), prepend=True).remove)
        yield respond


def _laid_out(name: str, part: nn.Module, calls: Sequence[Tensor], around: grids.Surroundings) -> Tensor:
    if not calls:
        raise ModelError(f"layer '{name}' never runs when the model predicts; take another layer")
    grid = grids.grid_of(calls[0].shape, around, tokens_first=takes_tokens_first(part))
    if grid is None:
        raise ModelError(f"layer '{name}' returns shape {tuple(calls[0].shape)}, which is no grid over the image")
    total = calls[0].float()
    for call in calls[1:]:
        total = total + call.float()
    return grid.lay_out(total)
