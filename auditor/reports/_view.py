"""Everything a template prints, finished: words, numbers with intervals and n, tables, figures in order.

Templates hold loops and conditions only; what is said, and in which order, is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.records import Audit
from auditor.reports import _annex, _evidence, _methods, _subject
from auditor.reports._annex import ImageGroup
from auditor.reports._brand import Brand, Signature, brand_of, signatures_of
from auditor.reports._coverage import CoverageView, coverage_views
from auditor.reports._evidence import KindView
from auditor.reports._findings import FindingView, finding_views, register_table, severity_counts
from auditor.reports._gallery import GalleryView, gallery_view, replaced
from auditor.reports._groups import GroupsView, groups_view
from auditor.reports._inside import InsideView, inside_view
from auditor.reports._methods import MethodView
from auditor.reports._oversight import OversightView, oversight_view
from auditor.reports._pictures import Embed, Figure, Pictures, read_inside
from auditor.reports._robustness import RobustnessView, robustness_view
from auditor.reports._standing import ChangeView, StandingView, change_view, changed, standing_view
from auditor.reports._summary import Summary, Tally, summarise, tallies
from auditor.reports._tables import Fact, Table
from auditor.reports._trust import TrustView, trust_view
from auditor.reports._words import MEANINGS, VERDICT_MARKS, VERDICTS, date, plain


@dataclass(frozen=True, slots=True)
class Performance:
    """Section 6."""

    metrics: Table
    limits: Table
    per_class: Table
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class System:
    """Section 3."""

    model: tuple[Fact, ...]
    preprocessing: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    run: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class SampleView:
    """Section 4."""

    facts: tuple[Fact, ...]
    classes: Table
    groups: Table
    changed: Table


@dataclass(frozen=True, slots=True)
class Annex:
    """Section A."""

    groups: tuple[ImageGroup, ...]
    others: tuple[Figure, ...]
    checks: Table
    options: Table
    classes: Table
    spec_file: str
    spec: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """What `report.html.j2` gets as `report`."""

    title: str
    organisation: str
    brand: Brand
    purpose: str
    report_id: str
    date: str
    finished: str
    pictures_shown: bool
    control: tuple[Fact, ...]
    signatures: tuple[Signature, ...]
    summary: Summary
    worst: FindingView | None
    severities: tuple[tuple[str, str, int], ...]
    findings: tuple[FindingView, ...]
    register: Table
    notes: tuple[str, ...]
    not_tested: Table
    system: System
    sample: SampleView
    plan: Table
    performance: Performance
    methods: Table
    trust: TrustView
    method_views: tuple[MethodView, ...]
    trust_figures: tuple[Figure, ...]
    side_by_side: tuple[Figure, ...]
    causal: tuple[Figure, ...]
    kinds: tuple[KindView, ...]
    open_questions: Table
    verdict_key: tuple[Tally, ...]
    groups: GroupsView
    robustness: RobustnessView
    inside: InsideView
    findings_chart: tuple[Figure, ...]
    standing: StandingView
    changes: ChangeView
    oversight: OversightView
    coverage: tuple[CoverageView, ...]
    annex: Annex
    gallery: GalleryView


def view_of(
    audit: Audit,
    run: Path,
    embed: Embed,
    *,
    images: bool,
    most_bytes: int,
    chunk: int | None = None,
    gallery_bytes: int = 0,
) -> ReportView:
    """Prepare an audit for the templates.

    Args:
        run: The run folder, which holds the spec and the figures.
        embed: Gives each picture its address on the page.
        images: False leaves all pictures of the sample out.
        most_bytes: What all figures together may weigh, the gallery of an ordinary sample among them.
        chunk: How many images of the sample stand in one group of the annex; None: all.
        gallery_bytes: What that gallery may weigh; 0 for none.

    Raises:
        RenderError: A figure or the spec is missing or broken.
    """
    gallery = GalleryView()
    if gallery_bytes:
        gallery = gallery_view(audit, run, embed, images=images, most_bytes=gallery_bytes)
    left = most_bytes - min(gallery.room, gallery_bytes)
    pictures = Pictures(audit, run, embed, images=images, most_bytes=left, without=replaced(gallery, audit))
    findings = finding_views(audit, pictures)
    return ReportView(
        title=plain(audit.title or audit.name),
        organisation=plain(audit.organisation),
        brand=brand_of(audit, run, embed),
        purpose=plain(audit.purpose),
        report_id=plain(audit.report_id),
        date=date(audit.finished),
        finished=plain(audit.finished),
        pictures_shown=pictures.shown,
        control=_subject.control_facts(audit),
        signatures=signatures_of(audit),
        summary=summarise(audit, changed(audit)),
        worst=next((finding for finding in findings if finding.main is not None), None),
        severities=severity_counts(findings),
        findings=findings,
        register=register_table(findings),
        notes=(*(plain(note) for note in audit.notes), *_reduction(pictures)),
        not_tested=_evidence.not_tested_table(audit),
        system=System(
            _subject.model_facts(audit),
            _subject.settings_facts(audit.model.preprocessing),
            _subject.settings_facts({**audit.environment, **audit.runtime}),
            _subject.run_facts(audit),
        ),
        sample=SampleView(
            _subject.sample_facts(audit),
            _subject.class_table(audit),
            _subject.group_table(audit),
            _subject.changed_table(audit),
        ),
        plan=_subject.plan_table(audit),
        performance=Performance(
            _subject.metric_table(audit),
            _subject.limit_table(audit),
            _subject.per_class_table(audit, _subject.LISTED),
            pictures.placed("6"),
        ),
        methods=_methods.method_table(audit),
        trust=trust_view(audit),
        method_views=_methods.method_views(audit, pictures),
        trust_figures=pictures.placed("7"),
        side_by_side=pictures.placed("7 side by side"),
        causal=pictures.placed("8"),
        kinds=_evidence.kind_views(audit, pictures),
        open_questions=_evidence.open_questions_table(audit),
        verdict_key=_key(audit),
        groups=groups_view(audit, pictures),
        robustness=robustness_view(audit, pictures),
        inside=inside_view(audit, pictures),
        findings_chart=pictures.placed("12"),
        standing=standing_view(audit, findings),
        changes=change_view(audit, findings, pictures),
        oversight=oversight_view(audit, findings),
        coverage=coverage_views(audit),
        annex=Annex(
            _annex.image_groups(audit, pictures, chunk),
            pictures.rest(),
            _annex.full_check_table(audit),
            _annex.option_table(audit),
            _subject.per_class_table(audit, None),
            plain(audit.spec_file),
            _annex.spec_text(read_inside(run, audit.spec_file).decode("utf-8", errors="replace")),
        ),
        gallery=gallery,
    )


def _reduction(pictures: Pictures) -> tuple[str, ...]:
    if pictures.scale >= 1:
        return ()
    words = f"Large pictures are shown here at {pictures.scale:.0%} of their size, so that this file can be mailed; "
    return (f"{words}the run folder holds them in full.",)


def _key(audit: Audit) -> tuple[Tally, ...]:
    """Every verdict with its meaning and how often it occurs here, also those that do not."""
    amounts = {tally.word: tally.amount for tally in tallies(audit.checks)}
    return tuple(
        Tally(VERDICT_MARKS[verdict], "open", word, amounts.get(word, 0), MEANINGS[verdict])
        for verdict, word in VERDICTS.items()
    )
