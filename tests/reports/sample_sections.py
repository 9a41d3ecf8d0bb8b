"""What fills sections 9 to 16 of the made-up audit: groups, corruptions, inserted marks, attacks, clauses, brand."""

from __future__ import annotations

from auditor import figures
from auditor.clauses import read_map, supported
from auditor.records import Audit, Box, Check, Measurement, Picture, PlannedCheck, SignOff, Verdict
from tests.reports.conftest import Run
from tests.reports.sample_run import share

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><path d="M0 0h40v20z" fill="#123456"/></svg>'
PROFILES = ("eu-ai-act", "gmlp")


def group_check() -> Check:
    return Check(
        id="group.site:North", kind="group", region=Box(name="site:North"), verdict=Verdict.NO_EVIDENCE, p=0.2, q=0.4,
        minimum_detectable_effect=0.15,
        measurements=(
            share("group_gap", 0.06, -0.02, 0.14, 40, "40 pictures against 60: accuracy .84 against .90"),
            share("decodability", 0.71, 0.62, 0.8, 100, "balanced accuracy; shuffled within classes 0.50"),
            share("accuracy_North", 0.84, 0.7, 0.92, 40), share("accuracy_South", 0.9, 0.8, 0.95, 60),
            share("attention_off_object", 0.4, 0.2, 0.6, 100, "Cliff's delta; large; never decides"),
        ),
        sentence="No evidence that the model relies on what sets site 'North' apart.",
    )  # fmt: skip


def corruption_check() -> Check:
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
    return Check(
        id="overlay.bank:latin", kind="overlay", region=Box(name="bank:latin"), verdict=Verdict.NO_EVIDENCE, p=0.3,
        q=0.5, minimum_detectable_effect=0.15, measurements=(share("watermark_gap", 0.02, -0.03, 0.07, 64),),
        sentence="No evidence that the model relies on an inserted watermark (latin).",
    )  # fmt: skip


def attacks() -> tuple[Measurement, ...]:
    return (
        share("robust_accuracy_fgsm_2", 0.41, 0.24, 0.59, 32, "13 of 32 pictures"),
        share("robust_accuracy_pgd_2", 0.09, 0.02, 0.25, 32, "3 of 32 pictures"),
    )


def full(run: Run) -> Audit:
    """The run's audit with everything; its charts are drawn into the run folder."""
    doses = figures.dose_response(
        [figures.DosePanel("haze", "severity", [0, 1, 3, 5], [0.88, 0.7, 0.57, 0.3], [0.8, 0.6, 0.5, 0.2],
                           [0.93, 0.8, 0.65, 0.4])], y_label="accuracy",
    )  # fmt: skip
    charts = {"figures/corruption-doses-1.svg": "Accuracy, by strength; 95 % intervals, 128 pictures.",
              "figures/groups-site.svg": "Accuracy by group of site, worst first (2 of 2), with 95 % intervals.",
              "figures/findings-forest.svg": "Effects of all findings, gravest first.",
              "figures/robustness-curves.svg": "Share of 32 pictures still right."}  # fmt: skip
    pictures = {}
    for path, caption in charts.items():
        (run.folder / path).write_bytes(doses)
        width, height = figures.svg_size(doses)
        pictures[path] = Picture(
            path=path, caption=caption, alt=f"{caption} alt", reading="Read so.", width=width, height=height
        )
    (run.folder / "figures/logo.svg").write_text(LOGO)
    audit = run.audit
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
    return supported(audit, [read_map(name, run.folder) for name in PROFILES])
