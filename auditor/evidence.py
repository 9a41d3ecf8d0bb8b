"""What the probes measured, before anybody judges: raw paired outcomes per image, so that they can be judged again.

Everything here is saved in the run folder under `evidence/`; judging reads nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from auditor.records import Box, Measurement, Record


class PairedEffects(Record):
    """How often something happened to each recipient under the intervention, and under its matched control.

    Attributes:
        name: What happened: a key of `auditor.findings.grades.STEPS`, removal_<fill>, or accuracy_gain.
        half: "A" (discovery) or "B" (confirmation).
        recipients: Index in the sample.
        clusters: Patient, video, site as a number: what halves, tests and intervals treat as one unit.
        effect, control: Mean over the recipient's donors, in [0, 1].
        donors: Donors a recipient, at most.
        controls: Names of the control regions.
    """

    name: str
    half: str
    recipients: tuple[int, ...]
    clusters: tuple[int, ...]
    effect: tuple[float, ...]
    control: tuple[float, ...]
    donors: int = 1
    controls: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_value_a_recipient(self) -> Self:
        lengths = {len(self.recipients), len(self.clusters), len(self.effect), len(self.control)}
        if len(lengths) != 1:
            raise ValueError(f"{self.name}: recipients, clusters, effect, control differ in length: {sorted(lengths)}")
        return self

    @property
    def differences(self) -> tuple[float, ...]:
        """Effect minus control, one a recipient."""
        return tuple(a - b for a, b in zip(self.effect, self.control, strict=True))

    def __len__(self) -> int:
        return len(self.recipients)


class FillSanity(Record):
    """Whether filled pictures still look like pictures to the model.

    Attributes:
        beyond: Share of pictures filled at control regions that lie beyond the 95th percentile of the originals'
            nearest-neighbour distance in penultimate features.
        control_flips_low: Lower bound of the share of predictions that flip when a control region is filled.
        passed: beyond ≤ .20 and control_flips_low ≤ .10.
    """

    fill: str
    beyond: float
    control_flips_low: float
    passed: bool


class Presence(Record):
    """An artefact found in the data, whatever the model does with it."""

    prevalence: Measurement
    p: float
    draws: int
    association_p: float | None = None
    per_class: Mapping[str, Measurement] = Field(default_factory=dict)


class TestedEffect(Record):
    """An effect whose own permutation test is not paired (a gap between groups, decodability).

    Attributes:
        name: As `PairedEffects.name`.
        measurement: Estimate, interval, count.
        p: One-sided, already adjusted as a maximum where it is one of several (the worst of several groups).
        detectable: Smallest effect that this very test would have seen with 80 % power; None: as for paired outcomes
            of `measurement.count` units.
    """

    name: str
    measurement: Measurement
    p: float
    detectable: float | None = None


class DoseResponse(Record):
    """What happens as the strength of an intervention grows, beside its control.

    Attributes:
        what: What is varied, for the chart's title: "opacity of the date stamp".
        strength, outcome: Axis labels with units: "opacity", "share of predictions that change".
        strengths: Rising.
        rates, lows, highs: Outcome at each strength with its 95 % interval.
        controls: Outcome of the matched control; () where there is none.
        count: Pictures at each strength.
    """

    what: str
    strength: str
    outcome: str
    strengths: tuple[float, ...]
    rates: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    controls: tuple[float, ...] = ()
    count: int = 0


class Example(Record):
    """One counterfactual worth showing.

    Attributes:
        recipient: Index in the sample.
        donor: Index of the picture that the change comes from; -1 where it comes from none (an inserted mark).
        change: What was done, in words that follow "when": "its colours come from b.png"; "" for a swapped region.
        picture: Path in the run folder of the very picture that the model saw; "" where it can be composed again.
    """

    recipient: int
    donor: int
    change: str = ""
    picture: str = ""
    before: str
    before_score: float
    after: str
    after_score: float


class CheckEvidence(Record):
    """All that was measured for one kind × region × class."""

    kind: str
    region: Box | None = None
    class_name: str | None = Field(default=None, alias="class")
    not_tested: str | None = None
    too_few: str | None = None
    """Why nothing could be compared: the sample has too little of what the test takes."""
    absent: str | None = None
    """Why there is nothing to test: what was looked for is not in the data."""
    described: str | None = None
    """What was measured, as one whole sentence, where nothing is to be decided (corruption)."""
    screen: tuple[PairedEffects, ...] = ()
    stood_out: bool = False
    out_of_budget: bool = False
    uncontrolled: str | None = None
    """Why what stands out stays suspected: nothing matched could be compared with it."""
    confirm: tuple[PairedEffects, ...] = ()
    fills: tuple[FillSanity, ...] = ()
    tested: tuple[TestedEffect, ...] = ()
    """Effects of the confirmation half with their own p."""
    encoded: TestedEffect | None = None
    """Whether the cue can be read from the features, whether or not it is used."""
    further: tuple[Measurement, ...] = ()
    """Numbers that are reported, can be limited, and never decide."""
    doses: tuple[DoseResponse, ...] = ()
    accuracy_gain: PairedEffects | None = None
    """Correct after the region is removed minus correct before: positive where the cue costs accuracy."""
    off_object: bool = False
    """The region provably does not touch the object (mask or box) in the pictures used."""
    at_most_suspected: str | None = None
    """Why this evidence cannot confirm, whatever it shows: no matched control, an estimated object."""
    judged: bool = True
    """False for regions inside the picture: drawn in the causal map, proving nothing by themselves."""
    presence: Presence | None = None
    examples: tuple[Example, ...] = ()
    facts: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def id(self) -> str:
        """kind.region.class, stable between audits."""
        parts = [self.kind]
        if self.region is not None:
            parts.append(self.region.name)
        if self.class_name is not None:
            parts.append(f"class-{self.class_name}")
        return ".".join(parts)


class CausalMap(Record):
    """Follow rate of each grid cell: an annotation-free map of what decides the class.

    Attributes:
        rows, columns: The grid.
        rates: Row-major share of predictions that follow the swapped cell.
        lows, highs: 95 % Wilson intervals (recipients as units).
        count: Recipients.
    """

    rows: int
    columns: int
    rates: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    count: int
    forwards: int = 0


class RingProfile(Record):
    """Follow rate of border rings by width, beside the inner ring of the same width."""

    widths: tuple[int, ...]
    rates: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    controls: tuple[float, ...]
    count: int


class ProbeEvidence(Record):
    """Everything one probe brought home."""

    probe: str
    checks: tuple[CheckEvidence, ...] = ()
    ring_profile: RingProfile | None = None
    forwards: int = 0
    spent: float = 0.0
    """Taken from the budget of forwards; a run that is resumed takes it again."""
    notes: tuple[str, ...] = ()
    options: Mapping[str, Any] = Field(default_factory=dict)
