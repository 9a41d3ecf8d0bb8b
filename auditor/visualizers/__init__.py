"""Visualizers: one file each. They declare what they need; the engine captures the union in one pass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Literal

from auditor.registry import Part

if TYPE_CHECKING:
    import numpy as np
    from torch import Generator, Tensor, nn

    from auditor.attention import Attention

__all__ = [
    "PASS",
    "Captured",
    "ChannelSet",
    "ChannelVisualizer",
    "LayerNumbers",
    "MapSet",
    "MapVisualizer",
    "Need",
    "NetworkVisualizer",
    "Observation",
    "Profile",
    "ProfileVisualizer",
    "RelevanceRule",
    "SampleVisualizer",
    "Sheet",
    "Tail",
    "Visualizer",
    "copies_at_once",
]

PASS = 2
"""Forwards that one more pass through `Captured.again` costs: a forward, and a backward without weights' gradients."""


COPIES = {4: 64, 5: 8}
"""Changed copies held at one time: of pictures (four axes), and of clips and volumes (five), which are larger."""

Observation = Mapping[str, Mapping[str, "Tensor"]]
"""What a chunk adds to statistics over the sample: layer → name → a small tensor on the CPU."""


def copies_at_once(inputs: Tensor) -> int:
    """How many changed copies of a whole chunk may be held at one time, at least one."""
    return max(1, COPIES[inputs.ndim] // len(inputs))


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
    """

    share: float
    scores: Callable[[int, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Captured:
    """What one pass over one chunk holds for one layer; read-only, on the model's device, float32.

    Clips and volumes have a depth in front of height and width, and in front of rows and columns, everywhere.

    Attributes:
        inputs: The model's input, shape (batch, channels, height, width).
        logits: Raw output, shape (batch, classes).
        targets: Class explained for each image, int64, shape (batch,).
        layer: Dotted module name; None for visualizers that need no layer.
        activations: The layer's output as a grid, shape (batch, units, rows, columns); ViT tokens are laid out
            as their patch grid without class and register tokens.
        gradients: d logit[target] / d activations, same shape. Summed over calls where the layer is called several
            times.
        input_gradients: d logit[target] / d inputs, shape of inputs.
        target_scores: (n, channels, height, width) inputs and (n,) targets → (n,) probability of the target. Chunked,
            no gradient; costs forwards.
        fill: Neutral value of an input pixel for perturbations, shape (channels, 1, 1): the sample's mean pixel.
        seeds: Where each image's own random draws start, int64 (batch,): its place in the sample, so that it gets the
            same draws in whatever chunk it comes. None: its place in the batch.
        target_gradients: (n, channels, height, width) inputs and (n,) targets → (n,) logit of the target, and its
            gradient, shape of the inputs. Chunked; each input counts as 3 forwards.
        guided_gradients: () → d logit[target] / d inputs where every ReLU lets only positive gradients back. Made once
            for all visualizers and layers; counts as 3 forwards. Refuses models without a ReLU.
        relevance: Rule → relevance of each input value for logit[target], shape of inputs. Made once for each rule.
            Refuses models with an operation that has no rule.
        tell: (what, one number an image) → printed in the report as median and largest over the sample.
        attention: Of all layers, whatever `layer` is; says itself where the model has none.
        again: Inputs, one for each image and of any size → the same pass on them, for the same targets and layer.
            Costs `PASS` forwards.
        tail: What follows the layer; None where it is called several times in one forward.
        head: Weights of the linear layer that makes the scores from the mean of `activations`, shape (scores, units);
            None where the scores are made in any other way.
        layers: Of what belongs to no layer: what was captured at each layer, in the order of the target layers.
    """

    inputs: Tensor
    logits: Tensor
    targets: Tensor
    layer: str | None = None
    activations: Tensor | None = None
    gradients: Tensor | None = None
    input_gradients: Tensor | None = None
    target_scores: Callable[[Tensor, Tensor], Tensor] | None = None
    fill: Tensor | None = None
    seeds: Tensor | None = None
    target_gradients: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
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
        """Each image's logit for its target, shape (batch,); a single logit speaks for class 1, against class 0."""
        if self.logits.shape[1] == 1:
            return self.logits[:, 0] * (2 * self.targets - 1)
        return self.logits.gather(1, self.targets[:, None])[:, 0]


@dataclass(frozen=True, slots=True)
class MapSet:
    """All maps of one method on one layer, at the input's size.

    Attributes:
        method: Visualizer name.
        layer: Dotted module name, or None.
        maps: float32 (n, height, width), non-negative, magnitude kept. Of clips and volumes (n, depth, rows, columns)
            at the method's own resolution: at the input's size they would fill the memory.
        usable: bool (n,): False where the map is zero, constant or not finite; such maps are never scored.
    """

    method: str
    layer: str | None
    maps: np.ndarray
    usable: np.ndarray

    @property
    def name(self) -> str:
        """method, or method@layer."""
        return self.method if self.layer is None else f"{self.method}@{self.layer}"


@dataclass(frozen=True, slots=True)
class ChannelSet:
    """The units of one layer that a channel visualizer found worth showing, for every image.

    Attributes:
        method: Visualizer name.
        layer: Dotted module name.
        maps: float32 (n, shown, rows, columns) at the layer's own resolution.
        units: int64 (n, shown), the index of each map's unit, strongest first.
        unit: What a map belongs to, one word for people.
    """

    method: str
    layer: str
    maps: np.ndarray
    units: np.ndarray
    unit: str = "unit"


class Visualizer(Part):
    """Base of all visualizers.

    Class attributes say what it needs and how it is read; the docstring is its documentation.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()
    """What the shared pass must capture; asking for more costs every image."""
    per_layer: ClassVar[bool] = False
    """Whether it is made once for each target layer. What is not, and needs activations, gets all of `layers`."""
    reading: ClassVar[str] = ""
    """How to read the picture, one or two sentences for a layman."""

    def forwards(self, height: int, width: int) -> int:
        """Upper bound of forwards an image beyond the shared pass; on one layer, where it is made for each.

        A gradient counts as 3.
        """
        return 0


class MapVisualizer(Visualizer):
    """Explains a prediction as a map over the image."""

    @abstractmethod
    def maps(self, captured: Captured) -> Tensor:
        """Explain each image's score for its target class.

        Args:
            captured: One chunk's activations, gradients and scores; read-only.

        Returns:
            Float, shape (batch, rows, columns), of clips and volumes (batch, depth, rows, columns), at the method's
            own resolution, non-negative, magnitude kept (no min-max). Same device.
        """


class ChannelVisualizer(Visualizer):
    """Shows what single units of a layer answer to."""

    per_layer: ClassVar[bool] = True
    unit: ClassVar[str] = "unit"
    """What a map belongs to, one word for people."""

    @abstractmethod
    def channels(self, captured: Captured) -> tuple[Tensor, Tensor]:
        """The units worth showing for each image.

        Returns:
            Maps, float, shape (batch, shown, rows, columns), and unit indices, int64, shape (batch, shown), strongest
            first.
        """


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture of the network itself, as numbers: tiles laid out by the drawer.

    Attributes:
        layer: Dotted module name.
        tiles: float32 array (count, rows, columns) or (count, rows, columns, 3), own range per tile.
        labels: One short text a tile.
        caption: What is shown, in one sentence, with counts.
        notes: Facts found on the way (dead filters, duplicates), for the report.
    """

    layer: str
    tiles: np.ndarray
    labels: Sequence[str]
    caption: str
    notes: Sequence[str] = ()


class NetworkVisualizer(Visualizer):
    """Shows the network itself; needs no pictures."""

    @abstractmethod
    def sheets(self, model: nn.Module, layers: Sequence[str]) -> list[Sheet]:
        """Pictures of the weights, for the target layers and the first convolution."""


@dataclass(frozen=True, slots=True)
class LayerNumbers:
    """One layer in a few numbers.

    Attributes:
        layer: Dotted module name.
        histogram: int64 (bins,), how many values lie in each of equally wide bins from `low` to `high`; not finite ones
            are left out.
        low, high: Ends of the histogram.
        numbers: Heading → number; nan where there is none. The headings are the same in all rows of a profile.
        odd: What is out of the ordinary, each in a few words.
    """

    layer: str
    histogram: np.ndarray
    low: float
    high: float
    numbers: Mapping[str, float]
    odd: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """The layers of a network side by side.

    Attributes:
        rows: In the network's order.
        caption: What is shown, in one sentence, with counts.
    """

    rows: Sequence[LayerNumbers]
    caption: str


class ProfileVisualizer(Visualizer):
    """Shows all layers of a network side by side, by numbers of their weights; needs no pictures."""

    @abstractmethod
    def profile(self, model: nn.Module) -> Profile:
        """One row a layer.

        Raises:
            NotApplicableError: There is no layer to speak of.
        """


class SampleVisualizer(Visualizer):
    """Sums all target layers up over the whole sample, which it is fed chunk by chunk."""

    @abstractmethod
    def observe(self, captured: Captured) -> Observation:
        """What one chunk adds, from `captured.layers`; it keeps nothing itself."""

    @abstractmethod
    def profile(self, observed: Sequence[Observation]) -> Profile:
        """One row a layer, from what all chunks added, in the sample's order; the same however it was cut.

        Raises:
            NotApplicableError: There is no layer to speak of.
        """
