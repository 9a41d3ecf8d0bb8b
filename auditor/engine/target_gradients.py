"""Gradients of target logits at any inputs, beside `Predictor.input_scores`: on the fast form, in chunks, counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import torch
from torch import Tensor

from auditor.engine import fast_form, scoring
from auditor.engine.capture import Pass, capture
from auditor.engine.chunking import Chunk, in_chunks
from auditor.engine.guided_backward import GuidedBackward
from auditor.engine.predictor import Predictor
from auditor.engine.relevance import passes, relevance
from auditor.errors import NotApplicableError
from auditor.targets import Targets, as_targets
from auditor.visualizers import PASS, Need, RelevanceRule

__all__ = ["TargetGradients"]

INPUT = frozenset({Need.INPUT_GRADIENTS})


class TargetGradients:
    """Gradients of each input's own target logit, through the form of the model that the predictor runs.

    Scores are logits, as in the shared pass. A chunk is half the predictor's, since a gradient keeps the activations.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self._chunk: Chunk | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Chunks that were halved."""
        return () if self._chunk is None else tuple(self._chunk.notes)

    def added_to(self, found: Pass) -> Pass:
        """A pass with the callables that cost further ones; those about its own inputs run once for all layers."""
        plain = found[None]
        guided = cache(partial(self.guided, plain.inputs, plain.targets))
        shared = cache(partial(self.relevance, plain.inputs, plain.targets))
        more = {
            name: replace(at, target_gradients=self.at, guided_gradients=guided, relevance=shared)
            for name, at in found.items()
        }
        return Pass(more, found.notes, found.blank)

    def at(self, inputs: Tensor, targets: Tensor | Targets) -> tuple[Tensor, Tensor]:
        """Logits and gradients.

        Args:
            inputs: Model inputs, shape (n, channels, height, width).
            targets: Of each image, or class indices, int64 (n,).

        Returns:
            float32 (n,), the logits of the targets, and float32, shape of the inputs, on the predictor's device.

        Raises:
            ModelError: The model allows no gradients.
        """

        def run(module: torch.nn.Module, given: Tensor, wanted: Targets) -> tuple[Tensor, Tensor]:
            found = capture(module, given, layers=(), needs=INPUT, targets=wanted)[None]
            assert found.input_gradients is not None
            return scoring.target_logits(found.logits, wanted), found.input_gradients

        return self._run(inputs, targets, run, PASS, what="taking gradients")

    def guided(self, inputs: Tensor, targets: Tensor | Targets) -> Tensor:
        """Guided gradients, shape of the inputs.

        Raises:
            ModelError: No ReLU runs, so there is nothing to guide; or the model hides its operations.
        """

        def run(module: torch.nn.Module, given: Tensor, wanted: Targets) -> tuple[Tensor, Tensor]:
            if isinstance(module, torch.jit.ScriptModule):
                raise NotApplicableError("a TorchScript model hides its ReLUs, so its backward cannot be guided")
            with GuidedBackward() as guide:
                found = capture(module, given, layers=(), needs=INPUT, targets=wanted)[None]
            if guide.relus == 0:
                raise NotApplicableError(
                    "the model runs no ReLU, so guided backpropagation would be the plain gradient; take saliency"
                )
            assert found.input_gradients is not None
            return wanted.classes, found.input_gradients

        return self._run(inputs, targets, run, PASS, what="guided backpropagation")[1]

    def relevance(self, inputs: Tensor, targets: Tensor | Targets, rule: RelevanceRule) -> Tensor:
        """Relevance of each input value, shape of the inputs.

        Raises:
            ModelError: The model runs an operation that has no rule, or hides its operations.
        """

        def run(module: torch.nn.Module, given: Tensor, wanted: Targets) -> tuple[Tensor, Tensor]:
            return wanted.classes, relevance(module, given, wanted, rule)

        return self._run(inputs, targets, run, passes(rule), what="propagating relevance")[1]

    def _run(
        self,
        inputs: Tensor,
        targets: Tensor | Targets,
        run: Callable[[torch.nn.Module, Tensor, Targets], tuple[Tensor, Tensor]],
        cost: int,
        *,
        what: str,
    ) -> tuple[Tensor, Tensor]:
        predictor = self.predictor
        if len(inputs) == 0:
            return torch.zeros(0, device=predictor.device), torch.zeros(inputs.shape, device=predictor.device)
        module, wanted = predictor.prepared(inputs), as_targets(targets)
        if self._chunk is None:
            self._chunk = Chunk(max(1, predictor.chunk // 2))

        def counted(start: int, stop: int) -> tuple[Tensor, Tensor]:
            given = inputs[start:stop].to(predictor.device, torch.float32)
            given = fast_form.layout(given, predictor.channels_last)
            result = run(module, given, wanted[start:stop].to(predictor.device))
            predictor.forwards += cost * (stop - start)
            return result

        parts = in_chunks(len(inputs), self._chunk, counted, what=what)
        scores, values = zip(*parts, strict=True)
        return torch.cat(scores), torch.cat(values)
