"""Shorter number formats for methods of many passes. Each method has to earn them on the model at hand.

On two images of the sample a method is run in fp32 and in the shorter format. Where both give the same maps and the
shorter format is faster, it serves from then on. Probes, metrics and the shared pass stay in fp32.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from auditor.engine.predictor import Predictor
from auditor.engine.target_gradients import TargetGradients
from auditor.visualizers import Captured, MapVisualizer, Need

__all__ = ["Format", "Gate", "formats", "gate_of"]

CORRELATION = 0.99
"""Worst correlation of an image's two maps with which a shorter format is earned."""
FASTER = 1.2
"""How many times as fast it has to be."""
TRIED = 2
"""Images on which a method is tried."""
HOPELESS = 2.0
"""A format in which one pass takes so many times as long is not tried: on processors some layers have no quick form."""
WORTH_SECONDS = 0.5
"""What takes less in fp32 on those images is not tried: there is nothing to gain."""
SERVED = frozenset({Need.SCORES, Need.GRADIENTS})
"""Needs that a shorter format can serve."""
ALONE = SERVED | {Need.ACTIVATIONS, Need.LAYER_GRADIENTS, Need.INPUT_GRADIENTS}
"""Methods that need more than these are tied to all images of their chunk, and stay in fp32."""


@dataclass(frozen=True, slots=True)
class Format:
    """A number format shorter than fp32.

    Attributes:
        name: For people.
        dtype: Of weights and activations; None where fp32 products alone are rounded (TF32).
    """

    name: str
    dtype: torch.dtype | None


TF32, FP16, BF16 = Format("TF32", None), Format("fp16", torch.float16), Format("bf16", torch.bfloat16)


def formats(device: torch.device) -> tuple[Format, ...]:
    """What to try, in this order.

    Gradients of fp16 are those of a scaled score, so that small ones survive.
    """
    if device.type == "cuda":
        return TF32, FP16, BF16
    quick = torch._C._has_mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return (BF16,) if quick else ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of a trial.

    Attributes:
        format: None: fp32 stays.
        note: For the report; "" where nothing was tried.
    """

    format: Format | None
    note: str


class Gate:
    """Decides once for each method with its options, on the first images that it is given.

    Attributes:
        decisions: Method with its options → decision.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.decisions: dict[str, Decision] = {}
        self._short: dict[Format, Predictor] = {}

    def maps(self, visualizer: MapVisualizer, captured: Captured) -> Tensor:
        """The visualizer's maps, in the format that it has earned."""
        if not visualizer.needs & SERVED or visualizer.needs - ALONE:
            return visualizer.maps(captured)
        key = f"{visualizer.part_name()} {visualizer.model_dump_json()}"
        if key not in self.decisions:
            self.decisions[key] = self._tried(visualizer, captured)
        decided = self.decisions[key].format
        return visualizer.maps(captured if decided is None else self._in(decided, captured))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided, with its figures."""
        return tuple(decision.note for decision in self.decisions.values() if decision.note)

    def _tried(self, visualizer: MapVisualizer, captured: Captured) -> Decision:
        some = _first(captured)
        exact, seconds = self._timed(visualizer, some)
        if seconds < WORTH_SECONDS:
            return Decision(None, "")
        tried = []
        for format_ in formats(self.predictor.device):
            slower = self._slower(format_, some)
            if slower > HOPELESS:
                tried.append(f"{format_.name}: one pass takes {slower:.0f} times as long")
                continue
            rounded, quicker = self._timed(visualizer, self._in(format_, some))
            worst, faster = _worst_correlation(exact, rounded), seconds / max(quicker, 1e-9)
            figures = f"{format_.name}: worst correlation with fp32 {worst:.4f}, {faster:.1f} times as fast"
            if worst >= CORRELATION and faster >= FASTER:
                return Decision(format_, f"{visualizer.part_name()} ran in {figures} (on {len(exact)} images)")
            tried.append(figures)
        if not tried:
            return Decision(None, "")
        return Decision(None, f"{visualizer.part_name()} ran in fp32 (tried {'; '.join(tried)})")

    def _slower(self, format_: Format, captured: Captured) -> float:
        """How many times as long an image's pass takes in the format; first passes make the model and do not count."""
        in_format = self._in(format_, captured).target_scores
        assert in_format is not None
        seconds = []
        for scores in (self.predictor.input_scores, in_format):
            scores(captured.inputs[:1], captured.targets[:1])
            before = self._clock()
            scores(captured.inputs[:1], captured.targets[:1])
            seconds.append(self._clock() - before)
        return seconds[1] / max(seconds[0], 1e-9)

    def _clock(self) -> float:
        """CPU time, or a GPU's time on the clock, once it has done what it was given."""
        if self.predictor.device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize(self.predictor.device)
        return time.perf_counter()

    def _in(self, format_: Format, captured: Captured) -> Captured:
        """The same, its scores and gradients from the model in a shorter format."""
        if format_ not in self._short:
            own = self.predictor
            self._short[format_] = own if format_.dtype is None else own.in_format(format_.dtype)
        short = self._short[format_]
        settings = _tf32 if format_.dtype is None else nullcontext
        return replace(
            captured,
            target_scores=partial(_under, settings, short.input_scores),
            target_gradients=partial(_under, settings, TargetGradients(short).at),
        )

    def _timed(self, visualizer: MapVisualizer, captured: Captured) -> tuple[Tensor, float]:
        """Maps, and what they took."""
        before = self._clock()
        maps = visualizer.maps(captured).float().cpu()
        return maps, self._clock() - before


_gates: WeakKeyDictionary[Predictor, Gate] = WeakKeyDictionary()


def gate_of(predictor: Predictor) -> Gate:
    """The predictor's own gate: what a method has earned on a model holds for all its passes."""
    return _gates.setdefault(predictor, Gate(predictor))


def _under(settings: Callable[[], Any], run: Callable[[Tensor, Tensor], Any], inputs: Tensor, targets: Tensor) -> Any:
    with settings():
        return run(inputs, targets)


@contextmanager
def _tf32() -> Iterator[None]:
    """Products of a GPU rounded to TF32 inside."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = True
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


def _first(captured: Captured) -> Captured:
    """The first images of a chunk, as if they were all of it."""

    def some(value: Tensor | None) -> Tensor | None:
        return None if value is None else value[:TRIED]

    return replace(
        captured,
        inputs=captured.inputs[:TRIED],
        logits=captured.logits[:TRIED],
        targets=captured.targets[:TRIED],
        activations=some(captured.activations),
        gradients=some(captured.gradients),
        input_gradients=some(captured.input_gradients),
        seeds=some(captured.seeds),
        tell=None,
    )


def _worst_correlation(exact: Tensor, rounded: Tensor) -> float:
    """Over images; where one of two maps is constant they agree only if they are the same."""
    found = []
    for one, other in zip(exact.double().flatten(1), rounded.double().flatten(1), strict=True):
        correlation = float(torch.corrcoef(torch.stack((one, other)))[0, 1]) if one.std() > 0 < other.std() else None
        found.append(float(torch.equal(one, other)) if correlation is None else correlation)
    return min(found) if all(value == value for value in found) else 0.0
