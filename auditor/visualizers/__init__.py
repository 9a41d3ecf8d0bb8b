"""Visualizers: one file each. They declare what they need; the engine captures the union in one pass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from auditor.registry import Part
from auditor.spec.target import PREDICTED, Target
from auditor.subjects.user_code import reference_problem

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from torch import Generator, Tensor, nn

    from auditor.attention import Attention
    from auditor.studies import Audited, Study
    from auditor.targets import Targets

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
    "ObservingVisualizer",
    "PatchVisualizer",
    "Profile",
    "ProfileVisualizer",
    "RelevanceRule",
    "SampleVisualizer",
    "Sheet",
    "StudyVisualizer",
    "Tail",
    "Visualizer",
    "copies_at_once",
]

PASS = 2
"""Forwards that a forward and a backward without weights' gradients cost: as many operations as two forwards."""


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


@dataclass(frozen=True, slots=True)
class MapSet:
    """All maps of one method on one layer, at the input's size.

    Attributes:
        method: Visualizer name.
        layer: Dotted module name, or None.
        maps: float32 (n, height, width), non-negative, magnitude kept. Of clips and volumes (n, depth, rows, columns)
            at the method's own resolution: at the input's size they would fill the memory.
        usable: bool (n,): False where the map is zero, constant, not finite or was not made; such maps are never
            scored.
        targets: What is explained of each of the n pictures; None: the class that is predicted.
        made: bool (n,): for which of them a map was made; None: for all.
    """

    method: str
    layer: str | None
    maps: np.ndarray
    usable: np.ndarray
    targets: Targets | None = None
    made: np.ndarray | None = None

    @property
    def name(self) -> str:
        """method or method@layer; with " for …" where something else than the predicted class is explained."""
        place = self.method if self.layer is None else f"{self.method}@{self.layer}"
        return place if self.targets is None or self.targets.is_predicted else f"{place} for {self.targets.words}"

    @property
    def count(self) -> int:
        """For how many pictures a map was made."""
        return len(self.usable) if self.made is None else int(self.made.sum())


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
    makes_maps: ClassVar[bool] = False
    """Whether metrics of maps look at what it makes."""
    reading: ClassVar[str] = ""
    """How to read the picture, one or two sentences for a layman."""

    def forwards(self, height: int, width: int) -> int:
        """Upper bound of forwards an image beyond the shared pass; on one layer, where it is made for each.

        A gradient counts as `PASS`.
        """
        return 0

    def forwards_in_all(self, layers: int, height: int, width: int) -> int:
        """Upper bound of forwards for the whole audit, however many images it has, beyond those of `forwards`."""
        return 0


class MapVisualizer(Visualizer):
    """Explains a prediction as a map over the image."""

    makes_maps: ClassVar[bool] = True
    target: Target = Field(
        PREDICTED,
        description="What is explained: predicted, label, a class, {difference: [class, class]}, or file.py:callable",
    )

    most_images: int | None = Field(
        None, ge=1, description="For how many pictures it is made at most, those that the report shows; null: for all"
    )

    hurried: ClassVar[Mapping[str, Any]] = {}
    """Options of `auditor explain`, where somebody waits for one picture: rougher, and the page says so."""
    of_class: ClassVar[bool] = True
    """Whether the map depends on what is explained at all."""

    def mistakes(self, folder: Path) -> list[tuple[str, str]]:
        found = super().mistakes(folder)
        if self.target.kind == "own" and (problem := reference_problem(self.target.reference, folder)) is not None:
            found.append(("target", problem))
        if self.target != PREDICTED and not self.of_class:
            found.append(("target", f"{self.part_name()} is the same whatever is explained; remove the key"))
        return found

    @abstractmethod
    def maps(self, captured: Captured) -> Tensor:
        """Explain each image's score for its target class.

        Args:
            captured: One chunk's activations, gradients and scores; read-only.

        Returns:
            Float, shape (batch, rows, columns), of clips and volumes (batch, depth, rows, columns), at the method's
            own resolution, non-negative, magnitude kept (no min-max). Same device.
        """


class PatchVisualizer(MapVisualizer):
    """Gives each patch of the image a value, from what the score is while random sets of patches are hidden."""

    samples: int = Field(200, ge=20, le=20000, description="Perturbed copies of each image, the whole one among them")
    patches: int = Field(40, ge=2, le=400, description="Patches of the image, about")

    needs = frozenset({Need.SCORES})

    @abstractmethod
    def sets(self, patches: int, generator: Generator) -> Tensor:
        """Which patches are visible in each copy, bool (at most `samples`, patches); the first is the image itself."""

    @abstractmethod
    def values(self, visible: Tensor, scores: Tensor) -> Tensor:
        """A value for each patch, from float64 (copies, patches) of 0 and 1 and float64 (copies,); on the CPU."""

    def forwards(self, height: int, width: int) -> int:
        return self.samples

    def maps(self, captured: Captured) -> Tensor:
        import torch

        generators = captured.generators()
        return torch.stack([self._map(captured, index, generators[index]) for index in range(len(captured.inputs))])

    def _map(self, captured: Captured, index: int, generator: Generator) -> Tensor:
        import torch

        from auditor.superpixels import superpixels

        assert captured.target_scores is not None
        assert captured.fill is not None
        image, target = captured.inputs[index], captured.targets[index]
        labels = torch.from_numpy(superpixels(image.cpu().numpy(), self.patches)).to(image.device)
        visible = self.sets(int(labels.max()) + 1, generator)
        scores = []
        for start in range(0, len(visible), COPIES[4]):
            group = visible[start : start + COPIES[4]]
            shown = torch.where(group.to(image.device)[:, labels][:, None], image, captured.fill)
            scores.append(captured.target_scores(shown, target.expand(len(group))))
        values = self.values(visible.double(), torch.cat(scores).cpu().double())
        return values.float().to(image.device)[labels].clamp(min=0)


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


class ObservingVisualizer(Visualizer):
    """Is fed the whole sample chunk by chunk, and keeps nothing itself."""

    @abstractmethod
    def observe(self, captured: Captured) -> Observation:
        """What one chunk adds, from `captured.layers`."""


class SampleVisualizer(ObservingVisualizer):
    """Sums all target layers up over the whole sample."""

    @abstractmethod
    def profile(self, observed: Sequence[Observation]) -> Profile:
        """One row a layer, from what all chunks added, in the sample's order; the same however it was cut.

        Raises:
            NotApplicableError: There is no layer to speak of.
        """


class StudyVisualizer(ObservingVisualizer):
    """Studies the model on the whole sample, once, after the shared pass; without needs it observes nothing."""

    def observe(self, captured: Captured) -> Observation:
        return {}

    @abstractmethod
    def study(self, audited: Audited, observed: Sequence[Observation]) -> Sequence[Study]:
        """What is to be shown.

        Args:
            audited: The model and the sample; costs are counted.
            observed: What all chunks added, in the sample's order; the same however it was cut.

        Raises:
            NotApplicableError: There is nothing to show on this model or sample.
        """
