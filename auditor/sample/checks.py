"""Checks of the made-up audit: every verdict occurs."""

from __future__ import annotations

from auditor.records import Box, Check, Grade, Measurement, PlannedCheck, Severity, Status, Verdict
from auditor.sample.radiographs import SIZE
from auditor.sample.run_folder import SampleRun, share

POWER = "; an effect of 15 % would have been seen with 80 % power."


def follow(value: float, low: float, high: float, count: int = 64) -> tuple[Measurement, ...]:
    """A follow rate as probes measure it: minus its control, by itself, and the control."""
    return (
        share("follow_rate", value, low, high, count, "half B, 5 donors an image; minus control: inner patches"),
        share("follow_rate_raw", min(1.0, value + 0.02), low, min(1.0, high + 0.03), count, "half B"),
        share("follow_rate_control", 0.02, 0.0, 0.05, count, "inner patches"),
    )


def sample_checks(run: SampleRun) -> list[Check]:
    """Three findings, one legitimate cue, open questions, passes, and 36 cells that are drawn and not judged."""
    cells = [_cell(row, column) for row in range(6) for column in range(6)]
    return [*_findings(run), *_open(run.classes), *_quiet(run.classes), *cells]


def _findings(run: SampleRun) -> list[Check]:
    classes = run.classes
    corner = Box(name="top-left", box=(0, 0, 32, 32))
    ring = Box(name="ring-8", box=(0, 0, SIZE, SIZE), hole=(8, 8, SIZE - 8, SIZE - 8))
    tag = Box(name="tag-1", box=(62, 70, 90, 84))
    pairs = tuple(
        run.pair(f"corner.top-left-pair-{n}", 4 * (n - 1), 4 * n - 3, corner.box or (), None) for n in (1, 2, 3)
    )
    stamp = run.pair("overlay.tag-1-pair-1", 3, 9, tag.box or (), None)
    frame = run.pair("border.ring-8-pair-1", 2, 5, ring.box or (), ring.hole)
    return [
        Check(
            id=f"corner.top-left.class-{classes[1]}", kind="corner", region=corner, class_name=classes[1],
            also=("region.r0c0",), verdict=Verdict.CONFIRMED, grade=Grade.SEVERE, severity=Severity.CRITICAL,
            harmful=True, q=0.001, p=0.0004, minimum_detectable_effect=0.15, figures=pairs, spec_line=24,
            measurements=(*follow(0.91, 0.84, 0.95), share("accuracy_gain_when_removed", 0.08, 0.03, 0.13, 64)),
            sentence=f"For class {classes[1]}, the model relies on the top-left corner: swapping it in turns 91 % more "
            f"predictions to class {classes[1]} than a matched control (95 % interval 84 % to 95 %, 64 images).",
            recommendation="Look at the corner in the training data for tags, stamps or marks that go with a class or "
            "source; mask or inpaint them, or paste them at random on all classes. Then audit again with the corner "
            "probe.",
            clauses=("AI Act Art. 15(4)", "NIST MEASURE 2.11"),
        ),
        Check(
            id="border.ring-8", kind="border", region=ring, verdict=Verdict.CONFIRMED, grade=Grade.MATERIAL,
            severity=Severity.MEDIUM, q=0.012, p=0.006, minimum_detectable_effect=0.15, figures=(frame,), spec_line=25,
            measurements=follow(0.28, 0.18, 0.39),
            sentence="The model relies on a border ring 8 px wide: swapping it in turns 28 % more predictions to "
            "another picture's class than a matched control (95 % interval 18 % to 39 %, 64 images).",
            recommendation="Crop or mask borders before training and inference, or vary them (random border crops, "
            "random padding, random erasing along the rim). Then audit again with the border probe.",
        ),
        Check(
            id="overlay.tag-1", kind="overlay", region=tag, verdict=Verdict.CONFIRMED, grade=Grade.MINOR,
            severity=Severity.LOW, status=Status.WAIVED, q=0.03, p=0.02, minimum_detectable_effect=0.15,
            measurements=follow(0.14, 0.06, 0.22), figures=(stamp,),
            sentence="The model relies on an overlay burned into the picture at x 62–90, y 70–84: swapping it in turns "
            "14 % more predictions (95 % interval 6 % to 22 %, 64 images).",
            recommendation="Remove the overlay from the training data, or add it at random to pictures of all classes.",
        ),
    ]  # fmt: skip


def _open(classes: tuple[str, ...]) -> list[Check]:
    return [
        Check(
            id="colour", kind="colour", verdict=Verdict.DECLARED_LEGITIMATE, grade=Grade.MINOR, q=0.02, p=0.01,
            measurements=follow(0.12, 0.04, 0.2), minimum_detectable_effect=0.15,
            sentence="The model relies on exposure. The owner declares this legitimate: it is part of the finding.",
        ),
        Check(
            id="sharpness", kind="sharpness", verdict=Verdict.SUSPECTED, p=0.04, q=0.11,
            minimum_detectable_effect=0.15, measurements=follow(0.09, 0.01, 0.17),
            sentence="The model is suspected to rely on sharpness: significant alone, not after correction for the "
            "number of checks.",
        ),
        Check(
            id="texture", kind="texture", verdict=Verdict.INCONCLUSIVE, measurements=follow(0.05, -0.06, 0.16),
            minimum_detectable_effect=0.15,
            sentence="The model may rely on texture: removal moves predictions, but the kinds of fill disagree.",
        ),
        Check(
            id="corner.bottom-left", kind="corner", region=Box(name="bottom-left", box=(0, 64, 32, 96)),
            verdict=Verdict.NOT_REPRODUCED, p=0.5, q=0.7, measurements=follow(0.0, -0.06, 0.05),
            minimum_detectable_effect=0.15,
            sentence="The model seemed to rely on the bottom-left corner: it stood out on the discovery half and "
            "vanished on the confirmation half.",
        ),
    ]  # fmt: skip


def _quiet(classes: tuple[str, ...]) -> list[Check]:
    corners = (("top-right", (64, 0, 96, 32)), ("bottom-right", (64, 64, 96, 96)))
    clean = [
        Check(
            id=f"corner.{name}", kind="corner", region=Box(name=name, box=box), verdict=Verdict.NO_EVIDENCE, p=0.4,
            q=0.6, measurements=follow(0.01, -0.04, 0.05), minimum_detectable_effect=0.15,
            sentence=f"No evidence that the model relies on the {name} corner{POWER}",
        )
        for name, box in corners
    ]  # fmt: skip
    return [
        *clean,
        Check(
            id="background", kind="background", verdict=Verdict.PRESENT_NOT_USED, p=0.4, q=0.6,
            minimum_detectable_effect=0.15,
            measurements=(share("background_gap", 0.01, -0.05, 0.07, 64), share("prevalence", 0.41, 0.33, 0.5, 128)),
            sentence=f"A table edge is present in the data, and the model does not use it{POWER}",
        ),
        Check(
            id=f"corner.bottom-right.class-{classes[3]}", kind="corner", class_name=classes[3],
            region=Box(name="bottom-right", box=(64, 64, 96, 96)), verdict=Verdict.INSUFFICIENT,
            measurements=follow(0.04, -0.2, 0.31, 6), minimum_detectable_effect=0.62,
            sentence=f"Not enough to tell whether for class {classes[3]}, the model relies on the bottom-right corner: "
            "6 images can follow another class here, 8 are needed.",
        ),
        Check(
            id="background.object", kind="background", verdict=Verdict.NOT_TESTED,
            sentence="Not tested for the background around the object: the data set has neither masks nor boxes.",
        ),
    ]  # fmt: skip


def _cell(row: int, column: int) -> Check:
    box = (column * 16, row * 16, column * 16 + 16, row * 16 + 16)
    return Check(
        id=f"region.r{row}c{column}", kind="region", region=Box(name=f"r{row}c{column}", box=box),
        verdict=Verdict.NOT_TESTED, measurements=follow(0.02, -0.03, 0.07), minimum_detectable_effect=0.15,
        sentence=f"Not tested for the region r{row}c{column}: a region inside the picture moves the object with it, so "
        "following proves nothing; see the causal map.",
    )  # fmt: skip


def planned() -> tuple[PlannedCheck, ...]:
    """What was fixed before the run."""
    rows = (
        ("border", "8 border rings swapped with pictures of other classes", "inner ring of the same width",
         "Frames and collimator edges differ by source and give the label away."),
        ("corner", "4 corners swapped with pictures of other classes", "patches of the same size inward",
         "Tags, stamps and side markers sit in corners."),
        ("overlay", "static overlays found by gradient consistency", "the same strokes displaced",
         "Watermarks and burned-in text are learned when they go with a class."),
        ("background", "objects on backgrounds of other classes", "a background of its own class",
         "Scenes go with classes in most data sets."),
    )  # fmt: skip
    return tuple(
        PlannedCheck(
            kind=kind, what=what, control=control, rationale=why, limit="follow rate from .10, .25, .60",
            minimum_count=8, severity="by grade",
        )
        for kind, what, control, why in rows
    )  # fmt: skip
