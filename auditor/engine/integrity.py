"""Holds the audited model still: a digest of all its state, and contexts that give it back as it was."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from auditor.errors import ModelError

__all__ = ["digest", "evaluating", "parts_of", "tensors_of", "untouched"]

HOOK_TABLES = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

_lent: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()
"""How many contexts of `untouched` hold a model now."""
_lent_lock = threading.Lock()


def parts_of(module: nn.Module) -> list[nn.Module]:
    """As `modules()`, which takes several times as long."""
    found: dict[int, nn.Module] = {}
    waiting: list[nn.Module | None] = [module]
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in found:
            continue
        found[id(part)] = part
        waiting.extend(reversed(list(part._modules.values())))
    return list(found.values())


def tensors_of(module: nn.Module) -> Iterator[Tensor]:
    """All parameters and buffers; those that are shared come several times."""
    for part in parts_of(module):
        for table in (part._parameters, part._buffers):
            yield from (one for one in table.values() if one is not None)


def digest(module: nn.Module) -> str:
    """SHA-256, as 64 hex digits, over everything of a model that an audit could change.

    Covers names, dtypes, shapes and bytes of all parameters and buffers (those outside the state dict too), extra
    state, training flags, requires_grad flags, presence of `.grad`, and the number of hooks of each submodule.

    Raises:
        ModelError: The model is on the meta device and has no bytes.
    """
    total = hashlib.sha256()
    for name, value in sorted(_state(module).items()):
        if isinstance(value, Tensor):
            if value.is_meta:
                raise ModelError(f"{name} has a shape but no values (meta device); load the weights first")
            total.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            total.update(_bytes(value))
        else:
            total.update(f"{name} {value!r}\n".encode())
    for name, parameter in module.named_parameters(remove_duplicate=False):
        total.update(f"{name} {parameter.requires_grad} {parameter.grad is not None}\n".encode())
    for name, part in module.named_modules(remove_duplicate=False):
        hooks = [len(getattr(part, table, None) or ()) for table in HOOK_TABLES]
        total.update(f"{name} {part.training} {hooks}\n".encode())
    return total.hexdigest()


@contextmanager
def evaluating(module: nn.Module, *, freeze: bool = False) -> Iterator[None]:
    """Eval mode inside; afterwards each submodule's own training flag again. Cheap: nothing is copied.

    Flags are set directly, because a model's own `train()` or `eval()` may do more than set them.

    Args:
        module: The model.
        freeze: Also record no gradients of parameters inside.
    """
    training = [(part, part.training) for part in parts_of(module)]
    # weights made under inference_mode can be in no graph, and torch refuses to switch their flag back on
    weights = (one for one in tensors_of(module) if isinstance(one, nn.Parameter)) if freeze else ()
    trained = [one for one in weights if one.requires_grad and not one.is_inference()]
    try:
        for part, flag in training:
            if flag:
                part.training = False
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
        for part, flag in training:
            if part.training != flag:
                part.training = flag


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Lend the model out in eval mode and take it back byte-identical, also after an exception.

    Restores training flags, requires_grad, `.grad` and the values of buffers. The user's hooks stay. Within another
    such context of the same model it restores all the same, and leaves the comparison to that one.

    Raises:
        ModelError: Something else changed on the way: a parameter's values, or a hook that was left behind.
    """
    with _lent_lock:
        depth = _lent[module] = _lent.get(module, 0) + 1
    try:
        before = digest(module) if depth == 1 else None
        try:
            with _restored(module), evaluating(module):
                yield
        finally:
            if before is not None and digest(module) != before:
                raise ModelError(
                    "the model was changed while it was examined (parameters, hooks or extra state differ from "
                    "before); its forward, or a visualizer of another package, writes to it"
                )
    finally:
        with _lent_lock:
            _lent[module] -= 1


@contextmanager
def _restored(module: nn.Module) -> Iterator[None]:
    """Lend the model out, and put flags, `.grad` and the values of buffers back."""
    parameters = [(parameter, parameter.requires_grad, parameter.grad) for parameter in module.parameters()]
    buffers = [
        (part, name, buffer, buffer.detach().clone())
        for part in module.modules()
        if not isinstance(part, torch.jit.ScriptModule)
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    for parameter, _, gradient in parameters:
        if gradient is not None:
            parameter.grad = None
    try:
        yield
    finally:
        for part, name, buffer, values in buffers:
            _restore(part, name, buffer, values)
        for parameter, flag, gradient in parameters:
            # torch refuses to set either on weights made under inference_mode, even to what it is
            if parameter.requires_grad != flag:
                parameter.requires_grad_(flag)
            if parameter.grad is not gradient:
                parameter.grad = gradient


def _state(module: nn.Module) -> dict[str, object]:
    state: dict[str, object] = dict(module.state_dict(keep_vars=False))
    state.update({f"buffer {name}": buffer for name, buffer in module.named_buffers(remove_duplicate=False)})
    return state


def _bytes(value: Tensor) -> bytes | memoryview:
    dense = value.detach().to_dense() if value.layout is not torch.strided else value.detach()
    if dense.is_quantized:
        dense = dense.int_repr()
    flat = dense.cpu().contiguous().reshape(-1).view(torch.uint8)
    return flat.numpy().data


def _restore(part: nn.Module, name: str, buffer: Tensor, values: Tensor) -> None:
    with torch.inference_mode(buffer.is_inference()), torch.no_grad():
        if buffer.shape != values.shape or buffer.dtype != values.dtype:
            buffer.data = values
        elif not torch.equal(torch.nan_to_num(buffer), torch.nan_to_num(values)):
            buffer.copy_(values)
    if part._buffers.get(name) is not buffer:
        part._buffers[name] = buffer
