"""What the shared pass captures, and what a visualizer may ask it for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from auditor.attention import Attention
    from auditor.targets import Targets

__all__ = ["PASS", "Captured", "Need", "RelevanceRule", "Tail"]

PASS = 2
"""Forwards that a forward and a backward without weights' gradients cost: as many operations as two forwards."""


class Need(StrEnum):
    """What the shared pass can capture."""

    ACTIVATIONS = "activations"
    LAYER_GRADIENTS = "layer_gradients"
    INPUT_GRADIENTS = "input_gradients"
    SCORES = "scores"
    """More forwards through `Captured.target_scores`."""
    GRADIENTS = "gradients"
    """More gradients through `Captured.target_gradients`."""
    GUIDED_GRADIENTS = "guided_gradients"
    """One more backward, whose ReLUs let only positive gradients back."""
    RELEVANCE = "relevance"
    """One more forward and backward by the rules of layer-wise relevance propagation."""
    ATTENTION = "attention"
    """The weights of every attention, fused or not."""
    ATTENTION_GRADIENTS = "attention_gradients"
    """The weights of every attention, and the gradient that reaches them."""
    ATTENTION_SCORES = "attention_scores"
    """The weights of every attention, and what their softmax was taken of."""
    PASSES = "passes"
    """More passes on other inputs, through `Captured.again`."""
    TAIL = "tail"
    """Runs of what follows the layer, on other activations, through `Captured.tail`."""
    HEAD = "head"
    """`Captured.head`: the weights of a linear layer that reads the mean of the layer's output."""


@dataclass(frozen=True, slots=True)
class RelevanceRule:
    """How layer-wise relevance propagation shares a unit's relevance out among the units that it reads.

    Attributes:
        convolutions: Rule of convolutions; linear layers always take epsilon.
        gamma: How much more positive contributions count under the gamma rule.
        epsilon: Added to each denominator, away from zero.
    """

    convolutions: Literal["epsilon", "gamma", "zplus"] = "gamma"
    gamma: float = 0.25
    epsilon: float = 1e-6


@dataclass(frozen=True, slots=True)
class Tail:
    """What follows a layer, ready to run on other activations.

    Attributes:
        share: What one run of one image costs, in forwards; 1 where the tail could not be cut out.
        scores: The image's place in the chunk, and what the layer is to put out instead, shape (n, units, rows,
            columns) → (n,) raw score of the image's target. Tokens that lie nowhere in the image stay as they were.
            Give a tensor of your own: the model's code may write to it.
        without_units: The image's place in the chunk, and units, shape (n,) → (n,) raw score of the image's target
            while one of the units puts out zeros. None where that has to be asked of `scores`; costs next to nothing.
    """

    share: float
    scores: Callable[[int, Tensor], Tensor]
    without_units: Callable[[int, Tensor], Tensor] | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """What one pass over one chunk holds for one layer; read-only, on the model's device, float32.

    Clips and volumes have a depth in front of height and width, and in front of rows and columns, everywhere.

    Attributes:
        inputs: The model's input, shape (batch, channels, height, width).
        logits: Raw output, shape (batch, classes).
        targets: What is explained of each image: see `Targets`, which can be indexed, repeated and expanded as a
            tensor can.
        layer: Dotted module name; None for visualizers that need no layer.
        activations: The layer's output as a grid, shape (batch, units, rows, columns); ViT tokens are laid out
            as their patch grid without class and register tokens.
        gradients: d target logit / d activations, same shape. Summed over calls where the layer is called several
            times.
        input_gradients: d target logit / d inputs, shape of inputs.
        target_scores: (n, channels, height, width) inputs and n targets → (n,) probability of the target. Chunked,
            no gradient; costs forwards.
        fill: Neutral value of an input pixel for perturbations, shape (channels, 1, 1): the sample's mean pixel.
        seeds: Where each image's own random draws start, int64 (batch,): its place in the sample, so that it gets the
            same draws in whatever chunk it comes. None: its place in the batch.
        target_gradients: (n, channels, height, width) inputs and n targets → (n,) logit of the target, and its
            gradient, shape of the inputs. Chunked; each input counts as `PASS` forwards.
        guided_gradients: () → d target logit / d inputs where every ReLU lets only positive gradients back. Made once
            for all visualizers and layers; counts as `PASS` forwards. Refuses models without a ReLU.
        relevance: Rule → relevance of each input value for the target logit, shape of inputs. Made once for each rule.
            Refuses models with an operation that has no rule.
        tell: (what, one number an image) → printed in the report as median and largest over the sample.
        attention: Of all layers, whatever `layer` is; says itself where the model has none.
        again: Inputs, one for each image and of any size → the same pass on them, for the same targets and layer.
            Costs `PASS` forwards.
        tail: What follows the layer; None where it is called several times in one forward.
        head: Weights of the linear layer that makes the scores from the mean of `activations`, shape (scores, units);
            None where the scores are made in any other way. `Targets.weights` gives those of the targets.
        layers: Of what belongs to no layer: what was captured at each layer, in the order of the target layers.
    """

    inputs: Tensor
    logits: Tensor
    targets: Targets
    layer: str | None = None
    activations: Tensor | None = None
    gradients: Tensor | None = None
    input_gradients: Tensor | None = None
    target_scores: Callable[[Tensor, Targets], Tensor] | None = None
    fill: Tensor | None = None
    seeds: Tensor | None = None
    target_gradients: Callable[[Tensor, Targets], tuple[Tensor, Tensor]] | None = None
    guided_gradients: Callable[[], Tensor] | None = None
    relevance: Callable[[RelevanceRule], Tensor] | None = None
    tell: Callable[[str, Tensor], None] | None = None
    attention: Attention | None = None
    again: Callable[[Tensor], Captured] | None = None
    tail: Tail | None = None
    head: Tensor | None = None
    layers: Mapping[str, Captured] = field(default_factory=dict)

    def generators(self) -> list[Generator]:
        """One generator an image, on the CPU so that all devices draw the same numbers."""
        import torch

        seeds = range(len(self.inputs)) if self.seeds is None else self.seeds.tolist()
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    def target_logits(self) -> Tensor:
        """Each image's logit for its target, shape (batch,)."""
        return self.targets.of(self.logits)
