"""What fills sections 9 to 16 of the made-up audit: groups, corruptions, inserted marks, attacks, clauses, brand."""

from __future__ import annotations

from pathlib import Path

from auditor import figures
from auditor.clauses import read_map, supported
from auditor.records import Audit, Box, Check, Measurement, Picture, PlannedCheck, SignOff, Verdict
from auditor.sample.run_folder import share

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><path d="M0 0h40v20z" fill="#123456"/></svg>'
PROFILES = ("eu-ai-act", "gmlp")


def group_check() -> Check:
    """A column of the metadata that does not decide."""
    return Check(
        id="group.site:North", kind="group", region=Box(name="site:North"), verdict=Verdict.NO_EVIDENCE, p=0.2, q=0.4,
        minimum_detectable_effect=0.15,
        measurements=(
            share("group_gap", 0.06, -0.02, 0.14, 40, "40 pictures against 60: accuracy .84 against .90"),
            share("decodability", 0.71, 0.62, 0.8, 100, "balanced accuracy; shuffled within classes 0.50"),
            share("accuracy_North", 0.84, 0.7, 0.92, 40), share("accuracy_South", 0.9, 0.8, 0.95, 60),
            share("attention_off_object", 0.4, 0.2, 0.6, 100, "Cliff's delta; a large difference; never decides"),
        ),
        sentence="No evidence that the model relies on what sets site 'North' apart.",
    )  # fmt: skip


def corruption_check() -> Check:
    """Accuracy under two corruptions."""
    return Check(
        id="corruption", kind="corruption", verdict=Verdict.NO_EVIDENCE,
        measurements=(
            share("accuracy_fog", 0.57, 0.48, 0.65, 128, "haze, severities 1, 3 and 5 of 5"),
            share("accuracy_jpeg", 0.86, 0.79, 0.91, 128, "JPEG compression, severities 1, 3 and 5 of 5"),
            share("mean_corruption_accuracy", 0.72, 0.68, 0.76, 128, "mean over 2 corruptions"),
        ),
        figures=("figures/corruption-doses-1.svg",),
        sentence="Under 2 common corruptions, 72 % of the answers are right on average.",
    )  # fmt: skip


def bank_check() -> Check:
    """An inserted watermark that does not decide."""
    return Check(
        id="overlay.bank:latin", kind="overlay", region=Box(name="bank:latin"), verdict=Verdict.NO_EVIDENCE, p=0.3,
        q=0.5, minimum_detectable_effect=0.15, measurements=(share("watermark_gap", 0.02, -0.03, 0.07, 64),),
        sentence="No evidence that the model relies on an inserted watermark (latin).",
    )  # fmt: skip


def attacks() -> tuple[Measurement, ...]:
    """Accuracy that is left under two attacks."""
    return (
        share("robust_accuracy_fgsm_2", 0.41, 0.24, 0.59, 32, "13 of 32 pictures"),
        share("robust_accuracy_pgd_2", 0.09, 0.02, 0.25, 32, "3 of 32 pictures"),
    )


def _charts(audit: Audit) -> dict[str, tuple[figures.Chart, str, str]]:
    """Path → chart, caption, how to read it."""
    doses = figures.dose_response(
        [figures.DosePanel("haze", "severity", [0, 1, 3, 5], [0.88, 0.7, 0.57, 0.3], [0.8, 0.6, 0.5, 0.2],
                           [0.93, 0.8, 0.65, 0.4])], y_label="accuracy",
    )  # fmt: skip
    groups = figures.per_class_accuracy(
        ["North", "South"], [0.84, 0.9], [0.7, 0.8], [0.92, 0.95], [40, 60], overall=0.88
    )
    attacked = figures.curves(
        [0.0, 1.0, 2.0, 4.0],
        {"FGSM": figures.Curve([0.88, 0.62, 0.41, 0.28]), "PGD": figures.Curve([0.88, 0.35, 0.09, 0.0])},
        x_label="largest change of a pixel, in levels of 255",
        y_label="share still right",
    )
    rows = [
        figures.ForestRow(
            label=check.region.name if check.region is not None else check.kind, value=main.value, low=main.low,
            high=main.high, count=main.count, severity=check.severity.value, verdict="confirmed",
            steps=(0.1, 0.25, 0.6), control=0.02,
        )
        for check in audit.findings
        if check.severity is not None and (main := check.measurement("follow_rate")) and main.value is not None
    ]  # fmt: skip
    return {
        "figures/corruption-doses-1.svg": (
            doses, "Accuracy, by strength; 128 pictures.",
            "A line that falls early names a condition that the model cannot bear."),
        "figures/groups-site.svg": (
            groups, "Accuracy by group of site, worst first (2 of 2).",
            "Groups whose intervals overlap widely cannot be told apart on this sample."),
        "figures/findings-forest.svg": (
            figures.forest_plot(rows), "Effects of all findings, gravest first.",
            "Right of zero, the model follows the cue more than its control. Ticks: minor, material, severe."),
        "figures/robustness-curves.svg": (
            attacked, "Share of 32 pictures still right.",
            "The sooner a curve falls, the smaller the change that turns an answer."),
    }  # fmt: skip


def full(audit: Audit, folder: Path, profiles: tuple[str, ...] = PROFILES) -> Audit:
    """The audit with everything; its charts are drawn into the run folder.

    Args:
        profiles: Names of clause maps.
    """
    pictures = {}
    for path, (drawn, caption, reading) in _charts(audit).items():
        (folder / path).write_bytes(drawn.svg)
        width, height = figures.svg_size(drawn.svg)
        pictures[path] = Picture(
            path=path, caption=caption, alt=caption, reading=reading, width=width, height=height, words=drawn.words,
            legend=drawn.legend,
        )  # fmt: skip
    (folder / "figures/logo.svg").write_text(LOGO)
    group = PlannedCheck(kind="group", what="accuracy of groups", control="the rest", limit="gap", minimum_count=20,
                         severity="by grade", rationale="sites differ")  # fmt: skip
    audit = audit.model_copy(
        update={
            "checks": (*audit.checks, group_check(), corruption_check(), bank_check()),
            "metrics": (*audit.metrics, *attacks()),
            "figures": {**audit.figures, **pictures},
            "test_plan": (*audit.test_plan, group),
            "not_tested": (),
            "sample": audit.sample.model_copy(update={"per_group": {"site": {"North": 40, "South": 60, "East": 7}}}),
            "sign_off": (
                SignOff(role="Clinical safety officer", name="A. Example", decision="reject", date="2026-03-12",
                        comment="Mend the tag first."),
                SignOff(role="Independent reviewer"),
            ),
            "next_audit": "2026-09-11",
            "report_options": {"accent": "#7a1f5c", "logo": "figures/logo.svg", "classification": "Confidential",
                               "footer": "Form Q-17"},
        }
    )  # fmt: skip
    return supported(audit, [read_map(name, folder) for name in profiles])
