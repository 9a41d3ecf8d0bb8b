"""Draws what the audit found: before/after pairs, the causal map, the forest of effects, performance charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import figures
from auditor.evidence import CausalMap, CheckEvidence, DoseResponse, Example, ProbeEvidence, RingProfile
from auditor.findings.grades import STEPS, steps_of
from auditor.findings.words import place
from auditor.interventions import Swapper
from auditor.records import Box, Check, Verdict
from auditor.regions import Region

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.subjects import Sample

PAIRS = 3
FOREST_ROWS = 16
"""As many as leave room for the causal map on the same page."""
_WORDS = {Verdict.INSUFFICIENT: "not enough data", Verdict.PRESENT_NOT_USED: "present, not used"}
"""Verdicts whose own name is not what the report calls them."""
_PAIR_READING = (
    "Left: the picture as it is. Middle: the picture that the change comes from. Right: the left picture with only "
    "that change. If the prediction becomes the middle picture's class, what was changed decides."
)
_INSERTION_READING = (
    "Left: the picture as it is. Right: the same picture with only that change. If the prediction moves, what was "
    "changed decides, although the object is the same."
)
_LIT_READING = "Left: a picture as it is. Right: bright where the model looks, dark elsewhere."


def illustrate_checks(
    checks: Sequence[Check], evidence: Sequence[ProbeEvidence], sample: Sample, gallery: Gallery
) -> list[Check]:
    """Before/after pairs for what was confirmed or suspected, drawn again from the sample."""
    measured = {item.id: item for probe in evidence for item in probe.checks}
    drawn = []
    for check in checks:
        item = measured.get(check.id)
        paths: list[str] = []
        if item is not None and (check.verdict in _SHOWN or any(_is_lit(example) for example in item.examples)):
            paths += [
                _pair(check, item, example, number, sample, gallery)
                for number, example in enumerate(item.examples[:PAIRS], start=1)
            ]
        if item is not None and item.doses and (check.verdict in _SHOWN or item.described is not None):
            paths += _doses(check, item.doses, gallery)
        drawn.append(check.model_copy(update={"figures": tuple(paths)}) if paths else check)
    return drawn


_SHOWN = (Verdict.CONFIRMED, Verdict.SUSPECTED, Verdict.DECLARED_LEGITIMATE)


def _doses(check: Check, doses: Sequence[DoseResponse], gallery: Gallery) -> list[str]:
    """One chart for each outcome; panels for what is varied."""
    paths = []
    for number, outcome in enumerate(dict.fromkeys(dose.outcome for dose in doses), start=1):
        panels = [dose for dose in doses if dose.outcome == outcome]
        chart = figures.dose_response(
            [figures.DosePanel(d.what, d.strength, d.strengths, d.rates, d.lows, d.highs, d.controls) for d in panels],
            y_label="predictions turned" if outcome.startswith("predictions that turn") else outcome,
        )
        counts = sorted({dose.count for dose in panels})
        pictures = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        paths.append(
            gallery.chart(
                f"{check.id}-doses-{number}",
                chart,
                caption=f"{outcome[0].upper() + outcome[1:]}, by strength; {pictures} pictures.",
                alt="; ".join(f"{d.what}: {d.rates[0]:.2f} to {d.rates[-1]:.2f}" for d in panels),
                reading="A line that rises with strength while the dashed control stays low is a cause, not chance.",
            )
        )
    return paths


def _pair(check: Check, item: CheckEvidence, example: Example, number: int, sample: Sample, gallery: Gallery) -> str:
    original = sample.display(example.recipient)
    donor = sample.display(example.donor) if example.donor >= 0 else None
    if example.picture:
        changed = gallery.saved(example.picture)
    else:
        changed = sample.shown(_counterfactual(item, example, sample))
    box, hole = (item.region.box, item.region.hole) if item.region is not None else (None, None)
    name = sample.pictures[example.recipient].name
    if _is_lit(example):
        return gallery.photo(
            f"{check.id}-pair-{number}",
            figures.before_after(original, changed, box, hole),
            caption=f"{name}, predicted {example.before} ({example.before_score:.2f}): {example.change}.",
            alt=f"Two pictures: {name}, and {example.change}.",
            reading=_LIT_READING,
            outlines=figures.outlines(original.shape, box, 2) if box is not None else (),
        )
    source = sample.pictures[example.donor].name if example.donor >= 0 else ""
    done = example.change or f"{place(check.kind, check.region)} comes from {source}"
    change = f"{example.before} ({example.before_score:.2f}) becomes {example.after} ({example.after_score:.2f})"
    pictures = (
        f"Two pictures: {name}, and {name} when {done}."
        if donor is None
        else f"Three pictures: {name}, {source}, and {name} when {done}."
    )
    return gallery.photo(
        f"{check.id}-pair-{number}",
        figures.before_after(original, changed, box, hole, donor=donor),
        caption=f"{name}: {change} when {done}.",
        alt=f"{pictures} The prediction {change}.",
        reading=_PAIR_READING if donor is not None else _INSERTION_READING,
        outlines=figures.outlines(original.shape, box, 2 if donor is None else 3) if box is not None else (),
    )


def _is_lit(example: Example) -> bool:
    """Shows where the model looks, with nothing changed and nothing predicted again."""
    same = (example.before, example.before_score) == (example.after, example.after_score)
    return same and example.donor < 0 and bool(example.picture)


def _counterfactual(item: CheckEvidence, example: Example, sample: Sample) -> np.ndarray:
    """The very picture that the model saw: (channels, height, width) float."""
    i, j = example.recipient, example.donor
    assert item.region is not None
    assert item.region.box is not None
    region = Region(item.region.name, item.region.box, item.region.hole)
    swapped = Swapper(sample.images, [region]).compose(np.array([0]), np.array([i]), np.array([j]))
    return np.asarray(swapped[0].numpy())


def draw_causal_map(
    causal: CausalMap, evidence: Sequence[ProbeEvidence], checks: Sequence[Check], sample: Sample, gallery: Gallery
) -> str:
    """The grid of follow rates over the sample's mean picture, beside the ring profile."""
    profile = next((probe.ring_profile for probe in evidence if probe.ring_profile is not None), None)
    rates = np.asarray(causal.rates).reshape(causal.rows, causal.columns)
    mean = np.mean([sample.display(i) for i in range(len(sample))], axis=0).round().astype(np.uint8)
    confirmed = [check.region for check in checks if check.is_finding and check.region is not None]
    best = int(np.argmax(rates))
    chart = figures.causal_map(
        figures.CausalGrid(rates, _inside(rates.shape, confirmed, mean.shape), causal.count),
        photo=mean,
        rings=None if profile is None else _rings(profile, min(mean.shape[:2])),
        unit="predictions that follow the swapped cell, %",
    )
    return gallery.chart(
        "causal-map",
        chart,
        caption=(
            f"Causal map: how often the prediction follows a cell that is swapped with another {sample.medium.value}'s "
            f"({causal.rows} × {causal.columns} cells, {causal.count} {sample.medium.several})."
        ),
        alt=(
            f"Grid of {causal.rows} by {causal.columns} follow rates; highest {rates.max():.2f} in row "
            f"{best // causal.columns + 1}, column {best % causal.columns + 1}; median {np.median(rates):.2f}."
        ),
        reading=(
            "Dark cells decide the class: when they come from elsewhere, the prediction follows. An honest model "
            "follows the cells where the object lies; a model that leans on a tag or frame follows the rim."
        ),
    )


def _inside(shape: tuple[int, int], regions: Sequence[Box], picture: tuple[int, ...]) -> np.ndarray:
    """Cells whose centre a confirmed region covers."""
    rows, columns = shape
    ys = (np.arange(rows) + 0.5) * picture[0] / rows
    xs = (np.arange(columns) + 0.5) * picture[1] / columns
    covered = np.zeros(shape, dtype=bool)
    for region in regions:
        if region.box is None or region.hole is not None:
            continue
        x1, y1, x2, y2 = region.box
        covered |= ((ys >= y1) & (ys < y2))[:, None] & ((xs >= x1) & (xs < x2))[None, :]
    return covered


def _rings(profile: RingProfile, side: int) -> figures.RingProfile:
    return figures.RingProfile(
        widths=[width / side for width in profile.widths],
        effects=profile.rates,
        lows=profile.lows,
        highs=profile.highs,
        controls=profile.controls,
        count=profile.count,
    )


def draw_forest(checks: Sequence[Check], gallery: Gallery) -> str | None:
    """All judged checks with an effect on one axis: by verdict, findings first, then by effect."""
    rows = [(check, row) for check in checks if (row := _forest_row(check)) is not None]
    if not rows:
        return None
    rank = {verdict: place for place, verdict in enumerate(reversed(Verdict))}
    rows.sort(key=lambda pair: (rank[pair[0].verdict], -pair[1].value, pair[0].id))
    shown = [row for _, row in rows[:FOREST_ROWS]]
    hidden = len(rows) - len(shown)
    more = f" {hidden} more are in the tables." if hidden else ""
    return gallery.chart(
        "forest",
        figures.forest_plot(shown),
        caption=f"Effects of all judged checks, each minus its matched control.{more}",
        alt="; ".join(f"{row.label}: {row.value:.2f}, {row.verdict}, n = {row.count}" for row in shown[:8]),
        reading="Right of zero, the model follows the cue more than its control. The pale uprights are where an effect "
        "would be minor, material and severe.",
    )


def _forest_row(check: Check) -> figures.ForestRow | None:
    main = next((m for m in check.measurements if m.name in STEPS), None)
    if main is None or main.value is None:
        return None
    where = place(check.kind, check.region)
    label = where if check.class_name is None else f"{where} · {check.class_name}"
    control = check.measurement(f"{main.name}_control")
    steps = tuple(step for step in steps_of(main.name, check.kind) if np.isfinite(step))
    return figures.ForestRow(
        label=label,
        value=main.value,
        low=main.low,
        high=main.high,
        count=main.count,
        severity=check.severity.value if check.severity is not None and check.is_finding else None,
        verdict=_WORDS.get(check.verdict, check.verdict.value.replace("_", " ")),
        steps=steps,
        control=None if control is None else control.value,
    )


def draw_performance(tables: Mapping[str, Any], overall: float | None, gallery: Gallery) -> list[str]:
    """Charts of performance and calibration, as far as there are labels."""
    paths = []
    bins = tables.get("reliability")
    if bins:
        paths.append(
            gallery.chart(
                "reliability",
                figures.reliability_diagram(
                    figures.ReliabilityBins(
                        confidence=[row["confidence"] for row in bins],
                        accuracy=[row["accuracy"] for row in bins],
                        lows=[row["low"] for row in bins],
                        highs=[row["high"] for row in bins],
                        counts=[row["count"] for row in bins],
                    )
                ),
                caption="Calibration of the model's own confidence.",
                alt="; ".join(f"confidence {r['confidence']:.2f}: accuracy {r['accuracy']:.2f}" for r in bins),
                reading="On the diagonal the model is right as often as it says. Below it, it is over-confident.",
            )
        )
    per_class = sorted(tables.get("per_class", []), key=lambda row: (row["value"] is None, row["value"] or 0.0))
    rows = [row for row in per_class if row["value"] is not None][:30]
    if len(rows) > 1 and max(row["n"] for row in rows) > 1:
        worst = rows[0]
        paths.append(
            gallery.chart(
                "per-class-accuracy",
                figures.per_class_accuracy(
                    [row["class"] for row in rows],
                    [row["value"] for row in rows],
                    [row["low"] for row in rows],
                    [row["high"] for row in rows],
                    [row["n"] for row in rows],
                    overall=overall,
                ),
                caption=f"Accuracy by class, worst first ({len(rows)} of {len(per_class)} classes); Wilson intervals.",
                alt=f"Accuracy by class; worst {worst['class']} {worst['value']:.2f} of {worst['n']} pictures.",
                reading="A bar whose interval lies below the line is worse than the model as a whole.",
            )
        )
    matrix = tables.get("confusion") or {}
    if "matrix" in matrix and 1 < len(matrix["classes"]) <= 20:
        paths.append(
            gallery.chart(
                "confusion",
                figures.confusion(np.asarray(matrix["matrix"]), matrix["classes"]),
                caption="Confusion: counts of pictures, true class in rows.",
                alt="Confusion matrix; the numbers are in the annex.",
                reading="Off the diagonal are mistakes; a dark cell there is a pair of classes that is mixed up.",
            )
        )
    return paths
