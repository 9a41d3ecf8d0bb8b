"""Makes torch take the plain way for one pass: fused and checkpointed code hides layers from hooks and gradients."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.utils.checkpoint

__all__ = ["plain_paths"]

_lock = threading.Lock()
_passes = 0
_fused_attention = True
_inside = threading.local()
_original = torch.utils.checkpoint.CheckpointFunction


class _Direct:
    """Stands in for re-entrant checkpointing, which runs its layers without a graph and refuses `autograd.grad`."""

    @staticmethod
    def apply(function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        if getattr(_inside, "depth", 0):
            return function(*args)
        return _original.apply(function, preserve, *args)


@contextmanager
def plain_paths() -> Iterator[None]:
    """No fused attention, no re-entrant checkpoints, no compiled code inside; as before when the last pass ends.

    The switches belong to the process, so passes in other threads share them; counted under a lock.
    """
    global _passes, _fused_attention
    with ExitStack() as stack:
        with _lock:
            if _passes == 0:
                _fused_attention = torch.backends.mha.get_fastpath_enabled()
                torch.backends.mha.set_fastpath_enabled(False)
                torch.utils.checkpoint.CheckpointFunction = _Direct  # type: ignore[assignment,misc]
            _passes += 1
        _inside.depth = getattr(_inside, "depth", 0) + 1
        if "torch._dynamo" in sys.modules:
            # only then can anything have been compiled; importing it otherwise costs seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            yield
        finally:
            _inside.depth -= 1
            with _lock:
                _passes -= 1
                if _passes == 0:
                    torch.backends.mha.set_fastpath_enabled(_fused_attention)
                    torch.utils.checkpoint.CheckpointFunction = _original  # type: ignore[misc]
