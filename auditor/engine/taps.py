"""What is recorded at one layer while the shared pass runs: its output, and where its gradient will arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from auditor.engine import grids
from auditor.engine.outputs import replaced, tensor_of
from auditor.errors import ModelError
from auditor.visualizers import Captured

__all__ = ["Tap", "takes_tokens_first"]


class Tap:
    """Records what one layer returns, and where in the graph its gradient will arrive."""

    def __init__(self, name: str, part: nn.Module, *, gradients: bool) -> None:
        self.name = name
        self.part = part
        self.note = ""
        self.values: list[Tensor] = []
        self.sources: list[Tensor | GradientEdge] = []
        self.gradients: list[Tensor] = []
        self._wants_gradients = gradients
        self._open = True

    def close(self) -> None:
        """Record no more: what still calls the layer is a checkpoint that recomputes it during the backward.

        Raises:
            ModelError: The layer did not run.
        """
        self._open = False
        if not self.values:
            raise ModelError(f"layer '{self.name}' never runs when the model predicts; take another layer")
        if len(self.values) > 1:
            if len({value.shape for value in self.values}) > 1:
                raise ModelError(
                    f"layer '{self.name}' is called {len(self.values)} times with outputs of different shapes, which "
                    "cannot be summed; take the block around one of its calls"
                )
            self.note = f"{self.name} is called {len(self.values)} times in one forward: its maps sum over the calls"

    def hook(self, part: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        """Forward hook: copies the output, so that in-place code after the layer cannot alter what was captured."""
        tensor = tensor_of(output, layer=self.name)
        if self._open:
            self.values.append(tensor.detach().clone())
        if not self._wants_gradients:
            return output
        if tensor.requires_grad:
            if self._open:
                # taken before in-place code can move the tensor further down the graph
                self.sources.append(get_gradient_edge(tensor))
            return output
        if tensor.is_inference() or not tensor.is_floating_point():
            raise ModelError(f"layer '{self.name}' returns a tensor that cannot carry a gradient; take another layer")
        # the first target layer on its path: everything before it ran without a graph, the tail starts here
        leaf = tensor.detach().requires_grad_()
        if self._open:
            self.sources.append(leaf)
        with torch.enable_grad():
            return replaced(output, tensor, leaf.clone())

    def captured(self, plain: Captured, grid: grids.Grid) -> Captured:
        """Lay the sums over all calls out as grids."""
        return replace(
            plain,
            layer=self.name,
            activations=grid.lay_out(_total(self.values)),
            gradients=grid.lay_out(_total(self.gradients)) if self._wants_gradients else None,
        )

    def grid(self, around: grids.Surroundings) -> grids.Grid:
        """How the output lies over the image.

        Raises:
            ModelError: It is no grid.
        """
        shape = self.values[0].shape
        found = grids.grid_of(shape, around, tokens_first=takes_tokens_first(self.part))
        if found is None:
            raise ModelError(
                f"layer '{self.name}' returns shape {tuple(shape)}, which is no grid over the image; take a layer "
                "before pooling"
            )
        return found


def takes_tokens_first(part: nn.Module) -> bool:
    """Whether a layer is known to take (tokens, batch, units)."""
    return any(isinstance(inner, nn.MultiheadAttention) and not inner.batch_first for inner in part.modules())


def _total(calls: Sequence[Tensor]) -> Tensor:
    total = calls[0].float()
    for call in calls[1:]:
        total = total + call.float()
    return total
