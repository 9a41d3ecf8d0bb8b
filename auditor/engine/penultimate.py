"""Finds the layer that produces the class scores, and records what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from auditor.errors import ModelError

__all__ = ["Record", "recorded"]


class Record:
    """Inputs of the layers that ran, by the number of their outputs; a later layer replaces an earlier one."""

    def __init__(self) -> None:
        self._inputs: dict[int, Tensor] = {}

    def features(self, logits: Tensor) -> Tensor:
        """What the last layer with as many outputs as there are scores has read: float32 (batch, features).

        Raises:
            ModelError: No linear layer or 1×1 convolution has that many outputs.
        """
        found = self._inputs.pop(logits.shape[1], None)
        self._inputs.clear()
        if found is None or len(found) != len(logits):
            raise ModelError(
                "no linear layer or 1×1 convolution produces the class scores, so there are no penultimate features"
            )
        return found.float()

    def hook(self, module: nn.Module, args: tuple[Any, ...], output: object) -> None:
        """Forward hook of a linear layer or 1×1 convolution."""
        read = args[0].detach()
        if isinstance(module, nn.Linear):
            pooled = read.flatten(1, -2).mean(dim=1) if read.ndim > 2 else read
            self._inputs[module.out_features] = pooled
        elif isinstance(module, nn.Conv2d | nn.Conv3d):
            self._inputs[module.out_channels] = read.flatten(2).mean(dim=2)


@contextmanager
def recorded(module: nn.Module) -> Iterator[Record]:
    """Watch a model's linear layers and 1×1 convolutions; the hooks come off at the end.

    Raises:
        ModelError: TorchScript, whose parts cannot be watched.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError("penultimate features need a model whose layers can be watched; TorchScript hides them")
    record = Record()
    handles = [
        part.register_forward_hook(record.hook)
        for part in module.modules()
        if isinstance(part, nn.Linear)
        or (isinstance(part, nn.Conv2d | nn.Conv3d) and all(side == 1 for side in part.kernel_size))
    ]
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()
