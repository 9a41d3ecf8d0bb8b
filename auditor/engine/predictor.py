"""Scores of many images: the workhorse behind every intervention. No gradients, no layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from auditor.engine import fast_form, penultimate, scoring
from auditor.engine.chunking import Chunk, Progress, fastest_chunk, in_chunks, same_chunk
from auditor.engine.device import keep_freed_memory
from auditor.engine.integrity import evaluating
from auditor.engine.outputs import unwrapped
from auditor.subjects import LoadedModel
from auditor.targets import OwnScore, Targets, as_targets

__all__ = ["Predictor"]

PROVISIONAL_CHUNK = 8
EXAMPLES = 8
"""Real images on which the fast form is compared with the original."""

Result = TypeVar("Result")


class Predictor:
    """Feeds images to one model, chunk by chunk, on one device.

    The first call chooses the chunk (measured on a GPU; by the input's size alone on a CPU, so that runs repeat bit for
    bit) and builds the fast form on the images that it is given; from then on both are fixed.
    Identical images give identical scores as long as the chunk is the same.

    Attributes:
        model: What is asked.
        device: Where it runs.
        folded: Batch normalisations folded into convolutions in the form that runs.
        channels_last: Whether inputs are laid out channels last: it was tried, and gives the same scores sooner.
        own: A score of one's own, which is then all that the model is asked for: `scores` gives it as one column.
    """

    def __init__(
        self,
        model: LoadedModel,
        device: torch.device,
        *,
        chunk: int | Literal["auto"] = "auto",
        fast: bool = True,
        own: OwnScore | None = None,
    ) -> None:
        self.model = model
        self.own = own
        self.device = device
        self._tally = [0]
        self.folded = 0
        self.channels_last = False
        self._fast = fast
        self._measure = chunk == "auto"
        self._chunk = Chunk(PROVISIONAL_CHUNK if chunk == "auto" else chunk)
        self._notes: list[str] = []
        self._module: nn.Module | None = None
        self._original: nn.Module | None = None
        self._holds_probabilities = False
        if device.type == "cpu":
            keep_freed_memory()

    @property
    def forwards(self) -> int:
        """Images that went through the model so far, warm-up and timing apart; in all its formats."""
        return self._tally[0]

    @forwards.setter
    def forwards(self, count: int) -> None:
        self._tally[0] = count

    def in_format(self, dtype: torch.dtype) -> Predictor:
        """The same, with what runs now in another number format; counts with this one.

        Raises:
            RuntimeError: Before the first call.
        """
        short = copy.copy(self)
        with torch.inference_mode(False):
            short._module = copy.deepcopy(self.module).to(dtype)
        return short

    @property
    def chunk(self) -> int:
        """Images at once: as given, or as measured by the first call (before it: a provisional 8)."""
        return self._chunk.size

    @property
    def module(self) -> nn.Module:
        """What runs: the fast form, or the original where that must serve.

        Raises:
            RuntimeError: Before the first call.
        """
        if self._module is None:
            raise RuntimeError("the predictor has not been called yet")
        return self._module

    def original(self) -> nn.Module:
        """The audited module itself, or its copy on the predictor's device: gradients go through it."""
        if self._original is None:
            self._original = self._on_device(unwrapped(self.model.module))
        return self._original

    def probabilities(self, logits: Tensor) -> Tensor:
        """Class probabilities of raw scores, as `scores` gives them."""
        return scoring.probabilities(logits, self.model.output, given=self._holds_probabilities)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not as usual: no fast form, halved chunks, an output that is probabilities already."""
        return (*self._notes, *self._chunk.notes)

    def scores(self, images: Tensor, progress: Progress | None = None) -> np.ndarray:
        """Probabilities of whole images.

        Args:
            images: uint8 or float 0..255, shape (n, channels, height, width), in RGB order; model inputs where the
                spec gives its own transform. On any device.
            progress: Called with (done, total).

        Returns:
            float32 (n, classes): softmax, or sigmoid of each label; a single logit gives the columns 1 − p and p.

        Raises:
            ModelError: The output is no row of scores, or one image alone does not fit into memory.
        """
        return self.scores_of(len(images), lambda start, stop: images[start:stop], progress)

    def scores_of(self, count: int, make: Callable[[int, int], Tensor], progress: Progress | None = None) -> np.ndarray:
        """Probabilities of images that are composed when their turn comes, and dropped afterwards.

        Args:
            count: Images in all.
            make: (start, stop) → images start..stop as in `scores`. The same range must give the same images, in
                whatever chunks it is asked for.
            progress: Called with (done, total).

        Returns:
            As `scores`.
        """
        if count == 0:
            return np.zeros((0, max(2, len(self.model.classes)) if self.model.classes else 0), dtype=np.float32)
        self._prepare(count, lambda start, stop: self._inputs(make(start, stop)))
        parts = self._run(count, lambda start, stop: self._probabilities(make(start, stop)), progress)
        # read back once at the end: a GPU works on while the next chunk is composed
        return torch.cat(parts).cpu().numpy()

    def features(self, images: Tensor) -> np.ndarray:
        """Penultimate features: what the classifying layer reads, averaged over positions where it is a grid.

        Args:
            images: As in `scores`.

        Returns:
            float32 (n, features).

        Raises:
            ModelError: No single layer produces the scores, or the model is TorchScript.
        """
        if len(images) == 0:
            return np.zeros((0, 0), dtype=np.float32)
        self._prepare(len(images), lambda start, stop: self._inputs(images[start:stop]))
        with penultimate.recorded(self.module) as record:

            def features(start: int, stop: int) -> Tensor:
                inputs = self._layout(self._inputs(images[start:stop]))
                return record.features(scoring.forward(self.module, inputs))

            parts = self._run(len(images), features, None)
        return torch.cat(parts).cpu().numpy()

    def input_scores(self, inputs: Tensor, targets: Tensor | Targets) -> Tensor:
        """Probability of each image's own target, of inputs that are normalised already; one's own score as it is.

        Args:
            inputs: Model inputs, shape (n, channels, height, width).
            targets: Of each image, or class indices, int64 (n,).

        Returns:
            float32 (n,), on the predictor's device, without gradient. Of a difference: that of the probabilities.
        """
        if len(inputs) == 0:
            return torch.zeros(0, device=self.device)
        self.prepared(inputs)
        wanted = as_targets(targets)

        def chosen(start: int, stop: int) -> Tensor:
            probabilities = self._score(self._layout(inputs[start:stop].to(self.device, torch.float32)))
            return wanted[start:stop].to(self.device).of(probabilities)

        return torch.cat(self._run(len(inputs), chosen, None))

    def prepared(self, inputs: Tensor) -> nn.Module:
        """What runs, chosen on these inputs where nothing was chosen before.

        Args:
            inputs: Model inputs, normalised, shape (n, channels, height, width), n ≥ 1.
        """
        self._prepare(len(inputs), lambda start, stop: inputs[start:stop].to(self.device, torch.float32))
        return self.module

    def _run(self, count: int, run: Callable[[int, int], Result], progress: Progress | None) -> list[Result]:
        def counted(start: int, stop: int) -> Result:
            result = run(start, stop)
            self.forwards += stop - start
            return result

        with _settings(self.module, self.device):
            return in_chunks(count, self._chunk, counted, what="predicting", progress=progress)

    def _probabilities(self, images: Tensor) -> Tensor:
        return self._score(self._layout(self._inputs(images)))

    def _inputs(self, images: Tensor) -> Tensor:
        return self.model.preprocessing.to_input(images.to(self.device, non_blocking=True))

    def _layout(self, inputs: Tensor) -> Tensor:
        return fast_form.layout(inputs, self.channels_last)

    def _score(self, inputs: Tensor) -> Tensor:
        return self._scores_by(self.module, inputs)

    def _scores_by(self, module: nn.Module, inputs: Tensor) -> Tensor:
        logits = scoring.forward(module, inputs, self.own)
        if self.own is not None:
            return logits
        return scoring.probabilities(logits, self.model.output, given=self._holds_probabilities)

    def _prepare(self, count: int, make: Callable[[int, int], Tensor]) -> None:
        """On the first call: choose the form that runs, and measure the chunk, on the first real inputs that fit."""
        if self._module is None:
            in_chunks(
                min(count, EXAMPLES),
                self._chunk,
                lambda start, stop: self._prepare_on(make(start, stop)) if self._module is None else None,
                what="preparing the model",
            )

    def _prepare_on(self, inputs: Tensor) -> None:
        original = self.original()
        with _settings(original, self.device):
            inputs = inputs.clone()
            logits = scoring.forward(original, inputs, self.own)
            if self.own is None:
                self._holds_probabilities = scoring.holds_probabilities(original, logits, self.model.output)
            form = self._fast_form(original, inputs) if self._fast else None
        if self._holds_probabilities:
            self._notes.append("the model's output holds probabilities already; none were computed from it")
        if form is not None:
            self.channels_last, self.folded = form.channels_last, form.folded
        self._module = original if form is None else form.module
        if self._measure and self.device.type == "cpu":
            self._chunk.size = same_chunk(inputs[0].numel())
        elif self._measure:
            with _settings(self._module, self.device):
                self._chunk.size = fastest_chunk(lambda batch: self._score(self._layout(batch)).cpu(), inputs)

    def _fast_form(self, original: nn.Module, inputs: Tensor) -> fast_form.FastForm | None:
        form, notes = fast_form.verified(original, inputs, self.device, self._scores_by)
        self._notes.extend(notes)
        return form

    def _on_device(self, module: nn.Module) -> nn.Module:
        """The module itself where it is on the device, else a copy there: the audited model is never moved."""
        devices = {tensor.device for tensor in (*module.parameters(), *module.buffers())}
        wanted = torch.empty(0, device=self.device).device
        return module if devices <= {wanted} else copy.deepcopy(module).to(self.device)


@contextmanager
def _settings(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Eval mode, full precision and no gradients, whatever the caller's settings are."""
    with evaluating(module), torch.inference_mode(), torch.autocast(device.type, enabled=False):
        yield
