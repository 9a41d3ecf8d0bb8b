"""Groups: is the model worse on pictures of one site, sex or device, and does it know which group it looks at?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, ProbeEvidence, TestedEffect
from auditor.probes import Probe
from auditor.records import Box, Measurement, PlannedCheck
from auditor.statistics.decodability import decode
from auditor.statistics.disparity import LEAST_CLUSTERS, LEAST_PICTURES, Contrast, Gap, Members, contrasts_of, gaps
from auditor.statistics.dominance import LARGE, stratified_cliffs_delta
from auditor.statistics.intervals import mean_interval, wilson
from auditor.statistics.testing import ALPHA
from auditor.subjects.metadata import MetadataColumn, metadata_columns

if TYPE_CHECKING:
    from auditor.experiments.experiment import Experiment
    from auditor.experiments.readings import Readings

STANDS_OUT = 0.05
"""A gap of fewer points is not looked into, whatever its p."""


class Group(Probe):
    """Accuracy gaps between the groups that the metadata name (`dataset.columns.groups`), among equal true classes.

    The worst group's accuracy is set against that of the rest, class by class, so that a group with more of a hard
    class is not accused. Group labels are shuffled within true classes, whole clusters at a time, and each draw has a
    worst group of its own: that is the null. Nothing is screened first, so the whole sample is used: a split would
    halve the few pictures that a group has, and keep no error smaller than the shuffled maximum does. A second check
    asks for the worst group within one class: opposite gaps of two classes cancel out over both.

    Whether the group can be read from the penultimate features is reported as encoded: knowing is not using. Where the
    model looks, by group, is reported and never decides.

    Source: Sagawa et al., "Distributionally Robust Neural Networks for Group Shifts", ICLR 2020 (worst-group accuracy)
    """

    cue: ClassVar[str] = "what sets the groups in the metadata apart"
    recommendation: ClassVar[str] = (
        "Look at the group's wrong pictures for what the other groups do not have; collect more of them, weigh groups "
        "equally in training (group-balanced batches, group DRO), harmonise how their pictures are made. Then audit "
        "again with the group probe on at least as many pictures of that group."
    )
    order: ClassVar[int] = 8
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {"attention": False}, "standard": {}, "full": {}}

    attention: bool = Field(True, description="Also compare where the model looks, by group (never decides).")
    shortlist: int = Field(3, ge=1, le=64, description="Classes whose worst group is reported, per column.")

    @classmethod
    def where(cls, region: Box | None) -> str:
        if region is None:
            return cls.cue
        column, _, group = region.name.partition(":")
        return f"what sets {column} '{group}' apart" if group else f"what sets the groups of {column} apart"

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="group",
            what="accuracy of the worst group of each metadata column; decodability of the group; attention by group",
            control="the rest of the sample with the same true classes; group labels shuffled within classes",
            limit="gap ≥ .10 minor, ≥ .20 material, ≥ .30 severe; q ≤ .05, permuted as a maximum over groups",
            minimum_count=LEAST_PICTURES,
            severity="low, medium, high by grade",
            rationale="A shortcut that one site or device does not show costs accuracy exactly there.",
        )

    def forwards(self) -> float:
        from auditor.engine.attribution import PASS

        return 1.0 + (PASS if self.attention else 0)

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.experiment import empty_check
        from auditor.experiments.readings import Readings

        before = experiment.predictor.forwards
        columns, notes = metadata_columns(experiment.sample)
        if not columns:
            why = "the data set names no groups (dataset.columns.groups), such as site, device or sex"
            return ProbeEvidence(probe="group", checks=(empty_check("group", None, why),), notes=tuple(notes))
        checks: list[CheckEvidence] = []
        readings = Readings(experiment, attention=self.attention, notes=notes)
        for column in columns:
            checks += _Column(experiment, column, readings, notes).checks(self.shortlist)
        return ProbeEvidence(
            probe="group",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(dict.fromkeys(notes)),
            options=self.model_dump(mode="json"),
        )


class _Column:
    """One metadata column: its pictures, and the checks that come of it."""

    def __init__(self, experiment: Experiment, column: MetadataColumn, readings: Readings, notes: list[str]) -> None:
        sample = experiment.sample
        self.experiment, self.column, self.readings, self.notes = experiment, column, readings, notes
        self.labelled = bool((sample.labels >= 0).any())
        classes = sample.labels if self.labelled else experiment.predicted
        self.rows = np.flatnonzero((column.code >= 0) & (classes >= 0))
        self.members = Members(
            correct=(experiment.predicted == sample.labels)[self.rows],
            groups=column.code[self.rows],
            classes=classes[self.rows],
            clusters=experiment.clusters[self.rows],
        )

    def checks(self, shortlist: int) -> list[CheckEvidence]:
        """The worst group over all classes, then within single classes."""
        from auditor.experiments.experiment import empty_check

        encoded = self._encoded()
        overall, compared = self._gaps(by_class=False, most=1)
        if not overall:
            why = f"{self.column.name}: accuracy by group needs labels"
            if self.labelled:
                why = (
                    f"{self.column.name}: no group of {LEAST_PICTURES} pictures ({LEAST_CLUSTERS} clusters) can be "
                    "compared with enough others of the same true classes"
                )
            if encoded is None or encoded.p > ALPHA:
                return [empty_check("group", None, why).model_copy(update={"region": Box(name=self.column.name)})]
            self.notes.append(why)
            return [CheckEvidence(kind="group", region=Box(name=self.column.name), encoded=encoded)]
        self._say_left_out({contrast.group for contrast in compared})
        further = (*self._accuracies(), *self._attention(overall[0].contrast.group))
        checks = [self._check(overall[0], len(compared), encoded, further)]
        within, cells = self._gaps(by_class=True, most=shortlist)
        classes = len({contrast.within for contrast in cells})
        if classes > len(within):
            self.notes.append(
                f"{self.column.name}: groups were compared within {classes} classes, the {len(within)} clearest are "
                "reported"
            )
        return checks + [self._check(gap, len(cells), None, ()) for gap in within]

    def _gaps(self, *, by_class: bool, most: int) -> tuple[list[Gap], list[Contrast]]:
        """The worst contrasts, and all that were compared."""
        if not self.labelled or len(self.rows) == 0:
            return [], []
        family = contrasts_of(self.members, by_class=by_class)
        return gaps(self.members, family, seed=self._seed("by class" if by_class else "overall"), most=most), family

    def _seed(self, purpose: str) -> int:
        return int(self.experiment.rng("group", self.column.name, purpose).integers(2**31))

    def _check(
        self, gap: Gap, family: int, encoded: TestedEffect | None, further: tuple[Measurement, ...]
    ) -> CheckEvidence:
        group = self.column.groups[gap.contrast.group]
        within = gap.contrast.within
        weighted = ", weighted alike over true classes" if within is None else ""
        chosen = f"worst of {family} comparisons, permuted as a maximum" if family > 1 else "the only comparison"
        note = (
            f"{gap.contrast.members} pictures against {gap.contrast.others}: accuracy {gap.accuracy:.2f} against "
            f"{gap.accuracy_rest:.2f}{weighted}; {chosen}"
        )
        measured = Measurement(
            name="group_gap", value=gap.value, low=gap.low, high=gap.high, count=gap.clusters, note=note
        )
        return CheckEvidence(
            kind="group",
            region=Box(name=f"{self.column.name}:{group}"),
            class_name=None if within is None else self.experiment.classes[within],
            stood_out=gap.p <= ALPHA and gap.value >= STANDS_OUT,
            tested=(TestedEffect(name="group_gap", measurement=measured, p=gap.p, detectable=gap.detectable),),
            encoded=encoded,
            further=further,
            facts={"column": self.column.name, "group": group, "comparisons": family},
        )

    def _accuracies(self) -> tuple[Measurement, ...]:
        """Accuracy of every group as it is, over the whole sample, without regard to its classes."""
        found = []
        for code, group in enumerate(self.column.groups):
            inside = self.members.groups == code
            count = int(inside.sum())
            if count < LEAST_PICTURES:
                continue
            right, clusters = self.members.correct[inside], self.members.clusters[inside]
            alone = len(np.unique(clusters)) == count
            low, high = (
                wilson(int(right.sum()), count) if alone else mean_interval(right, clusters, seed=self._seed(group))
            )
            value = float(right.mean())
            note = "whole sample, Wilson" if alone else "whole sample, bootstrap over clusters"
            found.append(Measurement(name=f"accuracy_{group}", value=value, low=low, high=high, count=count, note=note))
        return tuple(found)

    def _say_left_out(self, compared: set[int]) -> None:
        sizes = np.bincount(self.members.groups, minlength=len(self.column.groups))
        left = [f"'{group}' ({sizes[code]})" for code, group in enumerate(self.column.groups) if code not in compared]
        if left:
            self.notes.append(
                f"{self.column.name}: compared only as part of the rest, for too few pictures of the same true classes "
                f"as others': {', '.join(left)}"
            )

    def _encoded(self) -> TestedEffect | None:
        """Whether the column can be read from the features; groups of fewer than 20 pictures count as one."""
        sizes = np.bincount(self.members.groups, minlength=len(self.column.groups))
        merged = np.where(sizes[self.members.groups] >= LEAST_PICTURES, self.members.groups, len(sizes))
        counts = np.bincount(merged, minlength=len(sizes) + 1)
        kept = counts[merged] >= LEAST_PICTURES
        clusters = [len(np.unique(self.members.clusters[merged == code])) for code in np.unique(merged[kept])]
        if len(clusters) < 2 or min(clusters) < LEAST_CLUSTERS or self.readings.features is None:
            return None
        features = self.readings.features[self.rows][kept]
        seed = self._seed("features")
        found = decode(features, merged[kept], self.members.classes[kept], self.members.clusters[kept], seed=seed)
        note = (
            f"balanced accuracy of a linear classifier over {len(clusters)} groups, cross-validated by cluster; "
            f"shuffled within classes {found.chance:.2f} ({found.draws} refits)"
        )
        measured = Measurement(
            name="decodability", value=found.value, low=found.low, high=found.high, count=found.clusters, note=note
        )
        return TestedEffect(name="decodability", measurement=measured, p=found.p)

    def _attention(self, group: int) -> tuple[Measurement, ...]:
        """Whether the model looks elsewhere on the worst group's pictures; never decides."""
        looked = self.readings.off_object
        if looked is None:
            return ()
        kept = looked.usable[self.rows]
        inside = (self.members.groups == group)[kept]
        if min(inside.sum(), (~inside).sum()) < LEAST_CLUSTERS:
            return ()
        value, low, high = stratified_cliffs_delta(
            looked.share[self.rows][kept],
            inside,
            self.members.classes[kept],
            self.members.clusters[kept],
            seed=self._seed("attention"),
        )
        if np.isnan(value):
            return ()
        place = "off the object" if looked.where == "off_object" else "on the picture's rim"
        words = "a large difference" if abs(value) >= LARGE and (low > 0 or high < 0) else "no large difference"
        note = (
            f"Cliff's delta of attention mass {place}, this group against the rest within true classes; {words} "
            f"(from {LARGE}); never decides"
        )
        return (
            Measurement(
                name=f"attention_{looked.where}", value=value, low=low, high=high, count=int(kept.sum()), note=note
            ),
        )
