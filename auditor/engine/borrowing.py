"""How a pass borrows the model: alone with it, under settings of its own, given back as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import nn

from auditor.engine.integrity import evaluating
from auditor.engine.plain_paths import plain_paths

__all__ = ["alone", "pass_settings"]

_locks: WeakKeyDictionary[nn.Module, threading.Lock] = WeakKeyDictionary()
_locks_lock = threading.Lock()


@contextmanager
def alone(module: nn.Module) -> Iterator[None]:
    """Passes over one model wait for each other; over different models they run side by side."""
    with _locks_lock:
        lock = _locks.setdefault(module, threading.Lock())
    with lock:
        yield


@contextmanager
def pass_settings(module: nn.Module, device: torch.device, *, gradients: bool) -> Iterator[None]:
    """The pass's own settings, whatever the caller's are: no_grad, inference_mode, autocast, train mode."""
    with (
        torch.inference_mode(False),
        torch.set_grad_enabled(gradients),
        torch.autocast(device.type, enabled=False),
        evaluating(module, freeze=True),
        plain_paths(),
    ):
        yield
