"""The shared pass: one forward and one backward of the tail give what every visualizer needs, for all layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from auditor.attention import Attention
from auditor.engine import grids, heads, scoring, tails
from auditor.engine.attention import Recorder, attention_of
from auditor.engine.borrowing import alone, pass_settings
from auditor.engine.integrity import parts_of, tensors_of
from auditor.engine.outputs import unwrapped
from auditor.engine.taps import Tap
from auditor.errors import ModelError
from auditor.targets import Targets, as_targets
from auditor.visualizers import Captured, Need

__all__ = ["OF_LAYERS", "Pass", "capture", "recording", "submodule"]

HALF_SCALE = 1024.0
"""fp16 scores are multiplied by this before the backward, gradients divided after it, so that small ones survive."""
OF_LAYERS = frozenset({Need.ACTIVATIONS, Need.LAYER_GRADIENTS})
"""Needs of which a layer must be watched."""


class Pass(dict[str | None, Captured]):
    """What one pass captured: layer name → Captured; None → what belongs to no layer.

    Attributes:
        notes: What a reader of the maps must know, such as a layer that is called several times.
        blank: Layers at whose grid no gradient arrives, so that every gradient map of theirs is zero.
    """

    def __init__(self, captured: dict[str | None, Captured], notes: Iterable[str], blank: Iterable[str]) -> None:
        super().__init__(captured)
        self.notes = tuple(notes)
        self.blank = tuple(blank)


def capture(
    model: nn.Module,
    inputs: Tensor,
    *,
    layers: Sequence[str],
    needs: frozenset[Need],
    targets: Tensor | Targets | None = None,
    target_scores: Callable[[Tensor, Targets], Tensor] | None = None,
    fill: Tensor | None = None,
    seeds: Tensor | None = None,
) -> Pass:
    """Run the model once on a chunk, and backwards once through what follows the first target layer.

    The model is in eval mode and its parameters are frozen meanwhile; both are restored, and hooks come off, also
    after an exception. Passes over one model wait for each other; over different models they run side by side.

    Args:
        model: DataParallel, DistributedDataParallel and torch.compile wrappers are looked through.
        inputs: Normalised, shape (batch, channels, height, width), on the model's device.
        layers: Dotted names of modules whose output is a grid.
        needs: What is wanted; what costs further passes costs nothing here, but for TAIL: one forward a layer.
        targets: Of each image, or class indices, int64 (batch,); None explains the class that this very forward
            predicts.
        target_scores, fill, seeds: Handed on to `Captured`.

    Returns:
        One Captured for each layer and one under None.

    Raises:
        ModelError: A layer does not exist, never runs, or is no grid; no gradient reaches the scores; the output is
            no row of scores.
    """
    module = unwrapped(model)
    of_layers = bool(needs & OF_LAYERS)
    backward = bool(needs & {Need.LAYER_GRADIENTS, Need.INPUT_GRADIENTS, Need.ATTENTION_GRADIENTS})
    taps = [
        Tap(name, submodule(module, name), gradients=Need.LAYER_GRADIENTS in needs)
        for name in (dict.fromkeys(layers) if of_layers else ())
    ]
    recorder = None
    if needs & {Need.ATTENTION, Need.ATTENTION_GRADIENTS, Need.ATTENTION_SCORES}:
        recorder = Recorder(gradients=Need.ATTENTION_GRADIENTS in needs, scores=Need.ATTENTION_SCORES in needs)
    _refuse_hidden_parts(module, taps, backward=backward)
    with (
        alone(module),
        pass_settings(module, inputs.device, gradients=backward),
        _hooked(module, taps, backward=backward),
        nullcontext() if recorder is None else recorder.watching(module),
    ):
        # only what gets a gradient, or could not be saved for one, has to be a tensor of its own
        copied = Need.INPUT_GRADIENTS in needs or inputs.is_inference()
        seen = inputs.detach().to(torch.float32, copy=copied).requires_grad_(Need.INPUT_GRADIENTS in needs)
        own = targets.own if isinstance(targets, Targets) else None
        logits = scoring.forward(module, seen.clone(), own)  # a model may write to its input
        chosen = as_targets(scoring.predicted(logits.detach()) if targets is None else targets.to(logits.device))
        for tap in taps:
            tap.close()
        if recorder is not None:
            recorder.close()
        input_gradients = _backward(module, logits, chosen, seen, taps, recorder) if backward else None
    plain = Captured(
        inputs=seen.detach(),
        logits=logits.detach(),
        targets=chosen,
        input_gradients=input_gradients,
        target_scores=target_scores,
        fill=fill,
        seeds=seeds,
        attention=None if recorder is None else _attention(module, recorder, seen.detach()),
    )
    notes = [tap.note for tap in taps if tap.note]
    around = grids.surroundings(module, seen) if taps else None
    at_layers: dict[str, Captured] = {}
    for tap in taps:
        assert around is not None
        grid = tap.grid(around)
        at, more = _extended(module, tap, grid, tap.captured(plain, grid), needs)
        at_layers[tap.name] = at
        notes.extend(more)
    if Need.PASSES in needs:
        plain = replace(plain, again=partial(_again, module, None, chosen, frozenset({Need.INPUT_GRADIENTS})))
    blank = [name for name, at in at_layers.items() if at.gradients is not None and not at.gradients.any()]
    captured: dict[str | None, Captured] = {None: replace(plain, layers=at_layers)}
    captured.update(at_layers.items())
    if recorder is not None:
        for name in layers:
            captured.setdefault(name, replace(plain, layer=name))
    return Pass(captured, notes, blank)


def submodule(module: nn.Module, name: str) -> nn.Module:
    """A part of an unwrapped model by name; a wrapper's own prefix is accepted.

    Raises:
        ModelError: There is none.
    """
    for prefix in ("", "module.", "_orig_mod."):
        if name.startswith(prefix):
            try:
                return module.get_submodule(name.removeprefix(prefix))
            except AttributeError:
                continue
    raise ModelError(f"the model has no layer '{name}'")


def _extended(
    module: nn.Module, tap: Tap, grid: grids.Grid, at: Captured, needs: frozenset[Need]
) -> tuple[Captured, Sequence[str]]:
    """What was captured at a layer, with that which lies beyond one pass, and notes on it."""
    notes: Sequence[str] = ()
    if Need.PASSES in needs:
        at = replace(at, again=partial(_again, module, tap.name, at.targets, OF_LAYERS & needs))
    if Need.HEAD in needs and at.activations is not None and at.targets.own is None:
        at = replace(at, head=heads.linear_head(module, at.activations, at.logits))
    if Need.TAIL in needs and len(tap.values) == 1:
        tail, notes = tails.tail_of(module, tap.name, tap.part, grid, at)
        at = replace(at, tail=tail)
    return at, notes


def _again(module: nn.Module, layer: str | None, targets: Targets, needs: frozenset[Need], inputs: Tensor) -> Captured:
    """The same pass on other inputs, for `Captured.again`."""
    return capture(module, inputs, layers=[layer] if layer else [], needs=needs, targets=targets)[layer]


def _attention(module: nn.Module, recorder: Recorder, seen: Tensor) -> Attention:
    with alone(module), pass_settings(module, seen.device, gradients=False):
        return attention_of(recorder, module, seen)


def _backward(
    module: nn.Module,
    logits: Tensor,
    targets: Targets,
    seen: Tensor,
    taps: Sequence[Tap],
    recorder: Recorder | None,
) -> Tensor | None:
    """Fill the taps' and the recorder's gradients, and return those of the inputs, in one backward."""
    score = scoring.target_logits(logits, targets).sum()
    sources: list[Any] = [source for tap in taps for source in tap.sources]
    weights = [] if recorder is None else recorder.sources
    sources += weights
    if seen.requires_grad:
        sources.append(seen)
    if not sources:
        return None  # nothing was asked for but gradients of attention, and there is no attention
    if not score.requires_grad:
        raise ModelError(
            "no gradient reaches the scores: the forward detaches them, or runs under inference_mode; only methods "
            "without gradients (occlusion and all probes) can be used on this model"
        )
    scale = HALF_SCALE if scoring.weights_dtype(module) is torch.float16 else 1.0
    found = list(torch.autograd.grad(score * scale, sources, allow_unused=True))
    found = [gradient if gradient is None or scale == 1 else gradient.float() / scale for gradient in found]
    for tap in taps:
        for value, _ in zip(tap.values, tap.sources, strict=False):
            gradient = found.pop(0)
            tap.gradients.append(torch.zeros_like(value) if gradient is None else gradient)
    if recorder is not None and weights:
        recorder.take(found[: len(weights)])
    if not seen.requires_grad:
        return None
    gradients = found[-1]
    if gradients is None:
        raise ModelError(
            "no gradient reaches the input: part of the forward runs without a graph before the first layer; methods "
            "that use input gradients cannot be used on this model"
        )
    return gradients


def _refuse_hidden_parts(module: nn.Module, taps: Sequence[Tap], *, backward: bool) -> None:
    if taps and isinstance(module, torch.jit.ScriptModule):
        raise ModelError("a TorchScript model hides its layers; only methods that need no layer can be used on it")
    if backward and any(tensor.is_inference() for tensor in tensors_of(module)):
        raise ModelError(
            "the weights were made under torch.inference_mode and allow no gradients; load them outside it"
        )


@contextmanager
def recording(module: nn.Module, device: torch.device) -> Iterator[None]:
    """The settings of a pass with gradients, for passes of another kind: alone, in eval mode, parameters frozen.

    Raises:
        ModelError: The weights allow no gradients.
    """
    _refuse_hidden_parts(module, (), backward=True)
    with alone(module), pass_settings(module, device, gradients=True), _hooked(module, (), backward=True):
        yield


@contextmanager
def _hooked(module: nn.Module, taps: Sequence[Tap], *, backward: bool) -> Iterator[None]:
    with ExitStack() as stack:
        if backward and not isinstance(module, torch.jit.ScriptModule):
            for part in parts_of(module):
                stack.callback(part.register_forward_pre_hook(_record_again).remove)
        for tap in taps:
            # first, so that what the user's own hooks make of the output belongs to the tail
            stack.callback(tap.part.register_forward_hook(tap.hook, prepend=True).remove)
        yield


def _record_again(part: nn.Module, args: tuple[Any, ...]) -> None:
    """A forward under @torch.no_grad switched the graph off; its decorator switches back at the end."""
    torch.set_grad_enabled(True)
