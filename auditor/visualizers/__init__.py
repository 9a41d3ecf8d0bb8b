"""Visualizers: one file each. They declare what they need; the engine captures the union in one pass."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.captured import PASS, Captured, Need, RelevanceRule, Tail
from auditor.map_sets import ChannelSet, LayerNumbers, MapSet, Observation, Profile, Sheet
from auditor.registry import Part
from auditor.spec.target import PREDICTED, Target
from auditor.subjects.user_code import reference_problem

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Generator, Tensor, nn

    from auditor.studies import Audited, Study

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


COPIES = {4: 64, 5: 8}
"""Changed copies held at one time: of pictures (four axes), and of clips and volumes (five), which are larger."""


def copies_at_once(inputs: Tensor) -> int:
    """How many changed copies of a whole chunk may be held at one time, at least one."""
    return max(1, COPIES[inputs.ndim] // len(inputs))


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
        copies = COPIES[captured.inputs.ndim]
        for start in range(0, len(visible), copies):
            group = visible[start : start + copies]
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
            Maps, float, shape (batch, shown, rows, columns), of clips and volumes with a depth, and unit indices,
            int64, shape (batch, shown), strongest first.
        """


class NetworkVisualizer(Visualizer):
    """Shows the network itself; needs no pictures."""

    @abstractmethod
    def sheets(self, model: nn.Module, layers: Sequence[str]) -> list[Sheet]:
        """Pictures of the weights, for the target layers and the first convolution."""


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
