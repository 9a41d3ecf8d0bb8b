"""Runs only what follows a layer, on activations that stand in for the layer's own.

The forward is run once and the outputs of all modules that end before the layer starts are kept. To run the tail, the
model's own forward is called again, but those modules return what was kept instead of computing, and the layer returns
what stands in. So code between modules, skip connections and control flow are the model's own. That this gives the
model's own scores is tried on every chunk; where it does not, the whole forward runs with the layer replaced.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from auditor.engine import scoring
from auditor.engine.borrowing import alone, pass_settings
from auditor.engine.chunking import is_out_of_memory
from auditor.engine.grids import Grid
from auditor.engine.heads import MeanHead, mean_head
from auditor.engine.outputs import replaced, tensor_of
from auditor.targets import Targets
from auditor.visualizers import Captured, Tail

__all__ = ["tail_of"]

TOLERANCE = 1e-3
"""The tail's scores on the layer's own output may differ from the model's by this share of the largest score."""
SMALLEST_SHARE = 1e-4
"""No tail is called cheaper than this: pooling and copying cost something and are not counted."""

Kept = Mapping[nn.Module, Sequence[Any]]
"""Module → what its calls returned, in their order, of those calls that ended before the layer started."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """One chunk, cut at one layer.

    Attributes:
        kept: What stands before the layer; empty where the whole forward must run.
        output: What the layer returned.
        copies: Whether kept outputs are handed out as copies, for code that writes to them in place.
    """

    module: nn.Module
    name: str
    part: nn.Module
    grid: Grid
    at: Captured
    kept: Kept
    output: Any
    copies: bool = False

    def scores(self, image: int, activations: Tensor) -> Tensor:
        """As `Tail.scores`."""
        count = len(activations)
        inputs = self.at.inputs.to(scoring.weights_dtype(self.module))
        with alone(self.module), pass_settings(self.module, inputs.device, gradients=False):
            output = self._rows(self.output, image, count)
            own = tensor_of(output, layer=self.name)
            stand_in = replaced(output, own, self.grid.put_back(activations, own))
            kept = {part: [self._rows(one, image, count) for one in outputs] for part, outputs in self.kept.items()}
            with _returning({**kept, self.part: [stand_in]}):
                logits = scoring.forward(self.module, self._rows(inputs, image, count), self.at.targets.own)
            return scoring.target_logits(logits, self.at.targets[image].expand(count))

    def _rows(self, kept: Any, image: int, count: int) -> Any:
        """One image's share of an output, as often as it is wanted.

        Not copied at first: torch refuses to write in place to one value shown several times, so the trial tells.
        """
        batch = len(self.at.inputs)

        def rows(tensor: Tensor) -> Tensor:
            axis = next((axis for axis in range(min(2, tensor.ndim)) if tensor.shape[axis] == batch), None)
            if axis is None:
                return tensor.clone()
            shape = list(tensor.shape)
            shape[axis] = count
            found = tensor.narrow(axis, image, 1).expand(shape)
            return found.clone() if self.copies else found

        return tree_map_only(Tensor, rows, kept)


def tail_of(module: nn.Module, name: str, part: nn.Module, grid: Grid, at: Captured) -> tuple[Tail, Sequence[str]]:
    """Cut what follows a layer out of the model, for one chunk. Costs a forward, but where only a head follows.

    Args:
        module: Unwrapped.
        name, part: The layer; called once in a forward.
        grid: How its output lies over the image.
        at: What was captured there.

    Returns:
        The tail, and a note where it could not be cut out, so that every run of it costs a whole forward.
    """
    if at.targets.own is None and at.activations is not None:
        head = mean_head(module, at.activations, at.logits)
        if head is not None:
            return _head_alone(head, at.activations, at.targets), ()
    recorder = _Recorder(part)
    settings = pass_settings(module, at.inputs.device, gradients=False)
    with alone(module), settings, recorder.watching(module), _Work() as whole:
        scoring.output_of(module, at.inputs.clone())
    for copies in (False, True):
        cut = _Cut(module, name, part, grid, at, recorder.kept, recorder.output, copies)
        share = _tried(cut, whole.total / len(at.inputs))
        if share is not None:
            return Tail(share, cut.scores), ()
    cut = _Cut(module, name, part, grid, at, {}, recorder.output, copies=True)
    note = f"{name}: what follows it could not be run by itself; whole forwards were used"
    return Tail(1.0, cut.scores), (note,)


def _head_alone(head: MeanHead, activations: Tensor, targets: Targets) -> Tail:
    """Where nothing but a head on the means follows the layer."""
    means = activations.flatten(2).mean(dim=2)

    def scores(image: int, stand_in: Tensor) -> Tensor:
        logits = head.logits(stand_in.flatten(2).mean(dim=2))
        return scoring.target_logits(logits, targets[image].expand(len(stand_in)))

    def without_units(image: int, units: Tensor) -> Tensor:
        return head.without_units(means[image], targets[image], units)

    return Tail(SMALLEST_SHARE, scores, without_units)


def _tried(cut: _Cut, whole: float) -> float | None:
    """The tail's cost in forwards, where it gives the model's own scores on the chunk's first and last image."""
    at = cut.at
    assert at.activations is not None
    expected = scoring.target_logits(at.logits, at.targets)
    count = 2 if len(at.inputs) != 2 else 3
    work = _Work()
    images = sorted({0, len(at.inputs) - 1})
    try:
        with work:
            found = [cut.scores(image, _repeated(at.activations[image], count)) for image in images]
    except Exception as error:
        # any model code may fail in any way when its parts return early; whole forwards need no such thing
        if is_out_of_memory(error):
            raise
        return None
    allowed = TOLERANCE * at.logits.abs().max()
    if any(bool((scores - expected[image]).abs().max() > allowed) for image, scores in zip(images, found, strict=True)):
        return None
    return min(1.0, max(SMALLEST_SHARE, work.total / (count * len(images)) / max(whole, 1.0)))


def _repeated(one: Tensor, count: int) -> Tensor:
    return one.repeat(count, *[1] * one.ndim)


class _Recorder:
    """Keeps the outputs of modules that end before the layer starts, the outermost of them alone."""

    def __init__(self, part: nn.Module) -> None:
        self.part = part
        self.output: Any = None
        self._open: list[list[tuple[nn.Module, Any]]] = [[]]
        self._before: list[tuple[nn.Module, Any]] | None = None

    @property
    def kept(self) -> Kept:
        """What stands before the layer."""
        kept: dict[nn.Module, list[Any]] = defaultdict(list)
        for part, output in self._before or ():
            kept[part].append(output)
        return kept

    @contextmanager
    def watching(self, module: nn.Module) -> Iterator[None]:
        """Record all calls inside."""
        with _forwards({part: self._recorded(part) for part in module.modules() if part is not module}):
            yield

    def _recorded(self, part: nn.Module) -> Callable[..., Any]:
        original = part.forward

        def forward(*args: Any, **kwargs: Any) -> Any:
            if self._before is not None:
                return original(*args, **kwargs)
            if part is self.part:
                self._before = [call for calls in self._open for call in calls]
                self._open.clear()
                output = original(*args, **kwargs)
                self.output = _copied(output)
                return output
            self._open.append([])
            output = original(*args, **kwargs)
            if self._before is None:
                # what ran inside is dropped: this module's output stands for it
                self._open.pop()
                self._open[-1].append((part, _copied(output)))
            return output

        return forward


class _Work(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch gives its base no types
    """Counts the floating-point operations of products and convolutions."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # here, since it brings a compiler along that nothing else needs
        from torch.utils.flop_counter import flop_registry

        self.total, self._formulas = 0.0, flop_registry

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        formula = self._formulas.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=output)
        return output


@contextmanager
def _returning(outputs: Mapping[nn.Module, Sequence[Any]]) -> Iterator[None]:
    """Let modules return what is given, call by call; then compute again."""

    def given(part: nn.Module, waiting: deque[Any]) -> Callable[..., Any]:
        original = part.forward

        def forward(*args: Any, **kwargs: Any) -> Any:
            return waiting.popleft() if waiting else original(*args, **kwargs)

        return forward

    with _forwards({part: given(part, deque(waiting)) for part, waiting in outputs.items()}):
        yield


@contextmanager
def _forwards(forwards: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """Replace the forward of single instances; afterwards each has its own again, also after an exception."""
    before = [(part, part.__dict__.get("forward")) for part in forwards]
    try:
        for part, forward in forwards.items():
            part.__dict__["forward"] = forward
        yield
    finally:
        for part, own in before:
            part.__dict__.pop("forward", None)
            if own is not None:
                part.__dict__["forward"] = own


def _copied(output: Any) -> Any:
    """A copy that in-place code after the module cannot alter."""
    return tree_map_only(Tensor, lambda tensor: tensor.detach().clone(), output)
