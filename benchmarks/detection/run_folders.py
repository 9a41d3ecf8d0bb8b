"""What an audit left behind: its checks from audit.json, and the paired outcomes of its probes from evidence/."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.detection.places import Place

CONFIRMED = "confirmed"
ABSTAINING = ("insufficient", "inconclusive")
_GRADES = (None, "minor", "material", "severe")
EFFECTS = (
    "follow_rate",
    "spurious_score",
    "flip_rate",
    "background_gap",
    "background_follow",
    "watermark_gap",
    "attractor",
    "group_gap",
)
"""Measurements that confirm, each minus its control; removals by any fill as well. Source: METHODS, section 8."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That a model leans on something: by the audit, or by a rule of an ablation.

    Attributes:
        place: None where the kind has no region.
        class_name: None for the whole sample.
        effect: What claims are ranked by, the strongest first.
    """

    kind: str
    place: Place | None
    class_name: str | None
    effect: float


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of `checks` in audit.json. Source: the schema that `auditor schema audit` prints."""

    id: str
    claim: Claim
    region: str | None
    verdict: str
    grade: str | None
    p: float | None
    q: float | None
    also: tuple[str, ...]
    measurements: tuple[Mapping[str, Any], ...]
    sentence: str

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """From audit.json."""
        region = record.get("region")
        measurements = tuple(record.get("measurements", ()))
        return cls(
            id=record["id"],
            claim=Claim(record["kind"], Place.read(region), record.get("class"), _effect(measurements)),
            region=None if region is None else region["name"],
            verdict=record["verdict"],
            grade=record.get("grade"),
            p=record.get("p"),
            q=record.get("q"),
            also=tuple(record.get("also", ())),
            measurements=measurements,
            sentence=record.get("sentence", ""),
        )

    @property
    def strength(self) -> tuple[int, float]:
        """Grade, then effect."""
        return _GRADES.index(self.grade), self.claim.effect

    @property
    def measured(self) -> bool:
        """Whether an effect was measured at all."""
        return bool(_effects(self.measurements))

    @property
    def of_whole_sample(self) -> bool:
        """Whether it is about no class in particular."""
        return self.claim.class_name is None

    @property
    def words(self) -> str:
        """What the audit said, in a line."""
        numbers = ", ".join(_measured(item) for item in _effects(self.measurements))
        doubt = ", ".join(f"{name}={value:.3g}" for name, value in (("p", self.p), ("q", self.q)) if value is not None)
        grade = f" ({self.grade})" if self.grade else ""
        return "; ".join(part for part in (f"{self.id}: {self.verdict}{grade}", numbers, doubt, self.sentence) if part)


def is_effect(name: str) -> bool:
    """Whether a measurement or test of that name can confirm."""
    return name in EFFECTS or name.startswith("removal")


def _effect(measurements: tuple[Mapping[str, Any], ...]) -> float:
    return max((float(item["value"]) for item in _effects(measurements)), default=0.0)


def _effects(measurements: tuple[Mapping[str, Any], ...]) -> list[Mapping[str, Any]]:
    return [item for item in measurements if is_effect(item["name"]) and item.get("value") is not None]


def _measured(item: Mapping[str, Any]) -> str:
    bounds = "" if item.get("low") is None else f" [{item['low']:.2f}, {item['high']:.2f}]"
    return f"{item['name']} {item['value']:.2f}{bounds} n={item['count']}"


@dataclass(frozen=True, slots=True)
class Audited:
    """A finished audit.

    Attributes:
        seconds: Of each part of the audit, as the audit itself measured them.
        failures: Parts that broke inside an audit that finished all the same.
        folder: The run folder.
    """

    checks: tuple[Check, ...]
    seconds: Mapping[str, float]
    failures: tuple[str, ...]
    folder: Path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """From a finished run folder."""
        audit = json.loads((folder / "audit.json").read_text())
        return cls(
            checks=tuple(Check.read(record) for record in audit["checks"]),
            seconds={name: float(value) for name, value in audit.get("seconds", {}).items()},
            failures=tuple(f"{item['part']}: {item['reason']}" for item in audit.get("failures", ())),
            folder=folder,
        )

    @property
    def confirmed(self) -> tuple[Check, ...]:
        """Findings, the strongest first; what the owner declared legitimate is none."""
        found = [check for check in self.checks if check.verdict == CONFIRMED]
        return tuple(sorted(found, key=lambda check: check.strength, reverse=True))


@dataclass(frozen=True, slots=True)
class Paired:
    """How often something happened to each recipient under the intervention, and under its control.

    Attributes:
        name: follow_rate, spurious_score, removal_blur, ...
        half: "A" (discovery) or "B" (confirmation).
        clusters: int (n,): recipients with the same number are one unit.
        effect, control: float (n,), in [0, 1].
    """

    name: str
    half: str
    clusters: np.ndarray
    effect: np.ndarray
    control: np.ndarray

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """From evidence/probes/*.json."""
        return cls(
            record["name"],
            record["half"],
            np.asarray(record["clusters"], dtype=np.int64),
            np.asarray(record["effect"], dtype=np.float64),
            np.asarray(record["control"], dtype=np.float64),
        )

    @property
    def differences(self) -> np.ndarray:
        """float (n,): effect minus control."""
        return np.asarray(self.effect - self.control)

    def __len__(self) -> int:
        return len(self.effect)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All outcomes of one check that was tested and may be judged.

    Attributes:
        stood_out: Whether half A singled it out.
        screen, confirm: Tests on half A, and on half B where it went there.
    """

    kind: str
    place: Place | None
    class_name: str | None
    stood_out: bool
    screen: tuple[Paired, ...]
    confirm: tuple[Paired, ...]

    def claim(self, effect: float) -> Claim:
        """That the model leans on it."""
        return Claim(self.kind, self.place, self.class_name, effect)


def read_evidence(folder: Path) -> list[Outcomes]:
    """What the probes measured, one record a check.

    Checks that were not tested, prove nothing, or describe without deciding are left out.

    A check of what was looked for and not found has no tests; it stays, so that its kind counts as tested.
    """
    found = []
    for path in sorted((folder / "evidence" / "probes").glob("*.json")):
        for check in json.loads(path.read_text())["checks"]:
            described = check.get("described") is not None
            if check.get("not_tested") is None and check.get("judged", True) and not described:
                found.append(
                    Outcomes(
                        kind=check["kind"],
                        place=Place.read(check.get("region")),
                        class_name=check.get("class"),
                        stood_out=bool(check.get("stood_out")),
                        screen=tuple(Paired.read(test) for test in check.get("screen", ())),
                        confirm=tuple(Paired.read(test) for test in check.get("confirm", ())),
                    )
                )
    return found
