"""A prepared case: the network, its sample, and what is known of the cue that was planted in it.

Reads `case.json`; the auditor never sees it. Scores are true spurious scores, S_c = P(f(x with the cue of c) = c |
f(x) ≠ c), measured on fresh pictures with the true cue. Source: METHODS, section 9.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Self

from benchmarks.detection.places import Place

STRONG = 0.85
PARTIAL = 0.25
NOT_LEARNED = 0.10
"""Bounds of the true score: strong from .85, partial from .25, between (excluded) from .10, below it not relied on."""

POSITIVE = ("strong", "partial")
LOCAL = ("corner_tag", "centred_text", "frame", "moving_tag")
GLOBAL = ("colour_cast", "sharpness")
BACKGROUND = ("background_texture", "background_colour")
CLEAN = ("clean", "variety")
"""Negatives without a cue; all others are hard."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A planted cue and how far the network relies on it.

    Attributes:
        classes: Names of the classes that carry it.
        place: Where it lies; None where it is global or moves.
        kinds: Kinds of check that name it rightly.
        score, low, high: True spurious score with its 95 % interval.
        count: Pictures that it was measured on.
        class_scores: The score of each class alone, where it goes with several.
    """

    family: str
    design: str
    classes: tuple[str, ...]
    place: Place | None
    kinds: tuple[str, ...]
    score: float
    low: float
    high: float
    count: int
    class_scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """From an entry of `cues`."""
        score = record["spurious_score"]
        alone = [float(score["value"]) for score in record.get("class_scores", ())]
        return cls(
            family=record["family"],
            design=str(record["design"]),
            classes=tuple(str(name) for name in record["classes"]),
            place=Place.read(record),
            kinds=tuple(record["kinds"]),
            score=float(score["value"]),
            low=float(score["low"]),
            high=float(score["high"]),
            count=int(score["count"]),
            class_scores=dict(zip(map(str, record["classes"]), alone, strict=True)) if alone else {},
        )

    def relied_on(self, class_name: str | None) -> bool:
        """Whether it has a true score of .10 and more: over all its classes, or for the class that is named."""
        alone = 0.0 if class_name is None else self.class_scores.get(class_name, 0.0)
        return max(self.score, alone) >= NOT_LEARNED

    @property
    def role(self) -> str:
        """strong, partial, between or negative: by the measured score, never by the intention."""
        if self.score >= STRONG:
            return "strong"
        if self.score >= PARTIAL:
            return "partial"
        return "between" if self.score >= NOT_LEARNED else "negative"

    @property
    def words(self) -> str:
        """Family, design, classes and true score, for lists."""
        score = f"S={self.score:.2f} [{self.low:.2f}, {self.high:.2f}] n={self.count}"
        return f"{self.family}/{self.design} with {', '.join(self.classes)}: {score}"


@dataclass(frozen=True, slots=True)
class Case:
    """One network with one sample.

    Attributes:
        pixels: Side of the model's input.
        role: strong, partial, negative, between, untrained or true_feature.
        images: Size of the sample.
        boxes: Whether the sample says where the object is.
        expects: confirmed, clean, insufficient or declared.
        folder: Where it lies.
    """

    id: str
    half: str
    smoke: bool
    pixels: int
    family: str
    role: str
    design: str
    place: str
    images: int
    boxes: bool
    cues: tuple[Cue, ...]
    expects: str
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """From `case.json` of a case's folder.

        Raises:
            ValueError: It is not a case of this version.
        """
        path = folder / "case.json"
        try:
            record = json.loads(path.read_text())
            return cls(
                id=record["id"],
                half=record["half"],
                smoke=bool(record["smoke"]),
                pixels=int(record["pixels"]),
                family=record["family"],
                role=record["role"],
                design=str(record["design"]),
                place=str(record["place"]),
                images=int(record["images"]),
                boxes=bool(record["boxes"]),
                cues=tuple(Cue.read(cue) for cue in record["cues"]),
                expects=record["expects"],
                folder=folder,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: is not a case: {type(error).__name__}: {error}") from None

    @property
    def is_positive(self) -> bool:
        """Whether the network was measured to rely on a planted cue."""
        return self.role in POSITIVE

    @property
    def is_negative(self) -> bool:
        """Whether nothing may be confirmed."""
        return self.role == "negative"

    @property
    def is_pair(self) -> bool:
        """Whether two cues were planted."""
        return len(self.cues) > 1


def read_cases(
    cache: Path, *, halves: Sequence[str] = ("tuning", "reporting"), smoke: bool = False, only: str = "*"
) -> list[Case]:
    """Prepared cases by id.

    Args:
        cache: The folder that holds `cases/`.
        halves: Of the benchmark.
        smoke: Only the small suite.
        only: Pattern of ids, as of a shell.

    Raises:
        ValueError: A case.json that is not a case.
    """
    found = [Case.read(path.parent) for path in sorted((cache / "cases").glob("*/case.json"))]
    return [case for case in found if case.half in halves and (case.smoke or not smoke) and fnmatch(case.id, only)]
