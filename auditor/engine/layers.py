"""Which layers a model has, and which of them the maps are made on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from auditor.engine import blocks, grids, scoring
from auditor.engine.capture import Pass, capture
from auditor.engine.integrity import evaluating
from auditor.engine.outputs import tensor_of, unwrapped
from auditor.engine.plain_paths import plain_paths
from auditor.errors import ModelError
from auditor.targets import OwnScore, Targets
from auditor.visualizers import Need

__all__ = ["LayerChoice", "LayerInfo", "available_layers", "target_layers"]

EXAMPLES = 4
"""Images on which it is verified that a gradient arrives."""


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer that runs when the model predicts.

    Attributes:
        name: Dotted module name.
        kind: Class name of the module.
        output_shape: With the batch in front; () where the layer returns no tensor.
        is_grid: Whether maps can be made on it: its output lies over the image in more than one cell.
        calls: How often one forward calls it.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    is_grid: bool
    calls: int


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The target layers, in the order in which they run.

    Attributes:
        names: Dotted module names; empty where the model hides its layers.
        notes: Why these, what was passed over, and which of them can show nothing.
    """

    names: tuple[str, ...]
    notes: tuple[str, ...]


def available_layers(module: nn.Module, example: Tensor) -> list[LayerInfo]:
    """All layers that run on an example, in the order in which they finish.

    Args:
        module: Wrappers (DataParallel, torch.compile) are looked through.
        example: Model inputs, shape (batch, channels, height, width).

    Returns:
        Empty for TorchScript, which hides its layers.
    """
    module = unwrapped(module)
    if isinstance(module, torch.jit.ScriptModule):
        return []
    found: dict[str, tuple[tuple[int, ...], int]] = {}

    def note(name: str, part: nn.Module, args: tuple[Any, ...], output: object) -> None:
        try:
            shape = tuple(tensor_of(output, layer=name).shape)
        except ModelError:
            shape = ()
        _, calls = found.pop(name, (shape, 0))
        found[name] = (shape, calls + 1)

    with ExitStack() as stack:
        stack.enter_context(evaluating(module))
        stack.enter_context(plain_paths())
        stack.enter_context(torch.no_grad())
        for name, part in module.named_modules():
            if part is not module:
                stack.callback(part.register_forward_hook(partial(note, name)).remove)
        scoring.output_of(module, example.clone())
    around = grids.surroundings(module, example)
    return [
        LayerInfo(
            name=name,
            kind=type(module.get_submodule(name)).__name__,
            output_shape=shape,
            is_grid=grids.grid_of(shape, around) is not None,
            calls=calls,
        )
        for name, (shape, calls) in found.items()
    ]


def target_layers(
    module: nn.Module,
    wanted: Literal["auto"] | str | list[str],
    example: Tensor,
    own: OwnScore | None = None,
) -> LayerChoice:
    """Resolve the spec's `layers`.

    auto takes the last layer before pooling and one half-way down, at the level of blocks, both verified to receive
    a gradient: in transformers that read a class token, the last block's patches receive none.

    Args:
        module: Wrappers are looked through.
        wanted: auto, or names and patterns; `*` stands for one part of a dotted name, `**` for several.
        example: Model inputs, shape (batch, channels, height, width); the first four are used.
        own: Whose gradient is tried where the model gives no class scores.

    Raises:
        ModelError: A name or pattern fits no layer, or what it fits is no grid.
    """
    module = unwrapped(module)
    example = example[:EXAMPLES]
    if isinstance(module, torch.jit.ScriptModule):
        if wanted != "auto":
            raise ModelError("layers: a TorchScript model hides its layers; use layers: auto")
        return LayerChoice((), ("a TorchScript model hides its layers: no maps of layers were made",))
    found = available_layers(module, example)
    if wanted == "auto":
        return _automatic(module, example, found, own)
    return _named(module, example, found, own, [wanted] if isinstance(wanted, str) else wanted)


def _automatic(module: nn.Module, example: Tensor, found: Sequence[LayerInfo], own: OwnScore | None) -> LayerChoice:
    grid_names = {layer.name for layer in found if layer.is_grid}
    candidates = blocks.trunk(module, [layer.name for layer in found], grid_names)
    if not candidates:
        return LayerChoice((), ("no layer's output lies over the image as a grid: no maps of layers were made",))
    blank, notes = _blank(module, example, [block.name for block in candidates], own)
    usable = [block for block in candidates if block.name not in blank]
    if not usable:
        notes.append("no gradient arrives at any layer on the examples; layers were taken by position alone")
        usable = list(candidates)
    last = usable[-1]
    passed_over = [block.name for block in candidates[candidates.index(last) + 1 :]]
    if passed_over:
        notes.append(f"{', '.join(passed_over)}: no gradient arrives at the patches there; took {last.name}")
    half = blocks.half_way(usable, last)
    names = (last.name,) if half is None else (half.name, last.name)
    return LayerChoice(names, tuple(notes))


def _named(
    module: nn.Module, example: Tensor, found: Sequence[LayerInfo], own: OwnScore | None, wanted: Sequence[str]
) -> LayerChoice:
    notes: list[str] = []
    matches: list[LayerInfo] = []
    for pattern in wanted:
        fitting = _fitting(pattern, found, module)
        flat = [layer for layer in fitting if not layer.is_grid]
        if flat and len(flat) == len(fitting):
            raise ModelError(
                f"layers: '{pattern}' returns shape {flat[0].output_shape}, which is no grid over the image; take a "
                "layer before pooling"
            )
        if flat:
            notes.append(f"{pattern}: {len(flat)} of {len(fitting)} layers are no grids and were left out")
        matches.extend(layer for layer in fitting if layer.is_grid)
    kept = {layer.name for layer in matches}
    names = tuple(layer.name for layer in found if layer.name in kept)
    blank, more = _blank(module, example, names, own)
    notes.extend(more)
    if blank:
        instead = _automatic(module, example, found, own).names
        notes.extend(
            f"{name}: no gradient arrives at its patches, so its gradient maps are blank; take {instead[-1]} instead"
            for name in blank
        )
    return LayerChoice(names, tuple(notes))


def _fitting(pattern: str, found: Sequence[LayerInfo], module: nn.Module) -> list[LayerInfo]:
    name = pattern.removeprefix("module.").removeprefix("_orig_mod.")
    expression = re.compile("".join(_GLOBS.get(piece, re.escape(piece)) for piece in re.split(r"(\*\*|\*|\?)", name)))
    fitting = [layer for layer in found if expression.fullmatch(layer.name)]
    if fitting:
        return fitting
    if name in dict(module.named_modules()):
        raise ModelError(f"layers: '{pattern}' never runs when the model predicts; take another layer")
    close = get_close_matches(name, [layer.name for layer in found], n=1)
    hint = f"did you mean '{close[0]}'?" if close else "`auditor layers SPEC` lists them"
    raise ModelError(f"layers: no layer is named '{pattern}'; {hint}")


_GLOBS = {"**": r".+", "*": r"[^.]+", "?": r"[^.]"}


def _blank(
    module: nn.Module, example: Tensor, names: Sequence[str], own: OwnScore | None
) -> tuple[set[str], list[str]]:
    """Which layers receive no gradient at their grid, tried in one pass; and why that could not be tried."""
    if not names:
        return set(), []
    targets = None if own is None else Targets(torch.zeros(len(example), dtype=torch.int64), own=own)
    try:
        tried: Pass = capture(module, example, layers=names, needs=frozenset({Need.LAYER_GRADIENTS}), targets=targets)
    except ModelError as error:
        return set(), [f"gradients could not be tried: {error}"]
    return set(tried.blank), list(tried.notes)
