"""One case of the benchmark: which network is trained on what, and what its audit sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from benchmarks.detection.cues import Cue
from benchmarks.detection.scenes import CLASSES, HUES, Half, Placement

Role: TypeAlias = Literal["strong", "partial", "negative", "between", "untrained", "true_feature"]
Intended: TypeAlias = Literal["positive", "negative", "true_feature"]
Presence: TypeAlias = Literal["with class", "independent", "everywhere", "sample only"]
Training: TypeAlias = Literal["plain", "crops", "none"]
ARCHITECTURES = ("pooled_net", "flat_net", "strided_net")


@dataclass(frozen=True, slots=True)
class CaseSpec:
    """One network and its sample.

    Attributes:
        id: Unique, and says what the case is about.
        half: The tuning half may be looked at while the audit is tuned, the reporting half never.
        smoke: Part of the short suite whose weights are committed.
        pixels: Side of the pictures.
        family: A cue's family, or what makes the negative: "clean", "independent", ...
        intended: What the case was made to be; what it counts as is measured.
        cues: None, one or two.
        presence: How cues go with classes; "sample only": training never saw them.
        placement: What decides the class, and where objects lie.
        training: "crops" trains on random windows, "none" leaves random weights.
        variety: Casts, unsharpness and rims of several cameras, whatever the class.
        mislabelled: Share of training pictures that carry a cue and the cue's label, whatever they show.
        architecture: A callable of `networks`.
        options: Its arguments.
        images: Size of the audited sample.
        boxes: The sample's table gives each object's box.
        legitimate: A kind of check that the spec declares legitimate, or None.
        seed: Of everything.
    """

    id: str
    half: Half
    smoke: bool
    pixels: int
    family: str
    intended: Intended
    cues: tuple[Cue, ...]
    seed: int
    architecture: str
    presence: Presence = "with class"
    placement: Placement = "anywhere"
    training: Training = "plain"
    variety: bool = False
    mislabelled: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)
    images: int = 128
    boxes: bool = False
    legitimate: str | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs."""
        return HUES if self.placement in ("coloured", "tinted") else CLASSES[self.half]


def network_options(pixels: int) -> dict[str, Any]:
    """What every architecture takes: larger steps at 64 pixels, so that it sees whole objects and trains fast."""
    return {"classes": 4} if pixels == 32 else {"classes": 4, "stride": 4}
