"""Everything a template prints, finished: words, numbers with intervals and n, tables, figures in order.

Templates hold loops and conditions only; what is said, and in which order, is decided here.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from auditor.languages import say
from auditor.media import Medium
from auditor.records import Audit
from auditor.reports import _annex, _evidence, _methods, _subject
from auditor.reports._annex import ImageGroup
from auditor.reports._brand import Brand, Signature, brand_of, signatures_of
from auditor.reports._brief import brief_check_table, brief_class_table
from auditor.reports._coverage import CoverageView, coverage_views
from auditor.reports._evidence import KindView
from auditor.reports._findings import FindingView, finding_views, register_table, severity_counts
from auditor.reports._fitting import WHOLE, Reduction
from auditor.reports._gallery import GalleryView, gallery_view, replaced
from auditor.reports._groups import GroupsView, groups_view
from auditor.reports._inside import InsideView, inside_view
from auditor.reports._limits import limit_table
from auditor.reports._methods import MethodView
from auditor.reports._oversight import OversightView, oversight_view
from auditor.reports._pictures import Embed, Figure, Pictures, read_inside
from auditor.reports._robustness import RobustnessView, robustness_view
from auditor.reports._standing import ChangeView, StandingView, change_view, changed, standing_view
from auditor.reports._summary import Summary, Tally, summarise
from auditor.reports._tables import Fact, Table
from auditor.reports._trust import TrustView, trust_view
from auditor.reports._words import (
    MEANINGS,
    VERDICT_MARKS,
    VERDICTS,
    capital,
    date,
    plain,
)


@dataclass(frozen=True, slots=True)
class Performance:
    """Section 6.

    Attributes:
        metrics: Every metric with its interval.
        limits: The policy's, and what was measured against them.
        per_class: Accuracy by class, worst first.
        figures: Charts.
        confusion: Which classes are taken for which; behind the table, which fills what the charts leave of a page.
    """

    metrics: Table
    limits: Table
    per_class: Table
    figures: tuple[Figure, ...]
    confusion: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class System:
    """Section 3.

    Attributes:
        model: Network, weights and digests.
        preprocessing: What happens to a picture before the network.
        environment: Software, hardware, seed.
        run: When, how long, by which spec.
    """

    model: tuple[Fact, ...]
    preprocessing: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    run: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class SampleView:
    """Section 4.

    Attributes:
        facts: Rule, size, digest.
        classes: Pictures of each class.
        groups: Pictures of each group.
        changed: Pictures that were left out or converted.
    """

    facts: tuple[Fact, ...]
    classes: Table
    groups: Table
    changed: Table


@dataclass(frozen=True, slots=True)
class Annex:
    """Section A.

    Attributes:
        groups: Pictures in groups; on paper all but the first are printed behind the report.
        others: Figures that stand in no section.
        checks: Every check of every class.
        brief_checks: The same for paper: classes with the same verdict and nothing found share a row.
        options: Of every part that ran.
        classes: Accuracy of every class.
        brief_classes: The same for paper: classes of which the same was measured share a row.
        spec_file: Its name in the run folder.
        spec: Its text.
    """

    groups: tuple[ImageGroup, ...]
    others: tuple[Figure, ...]
    checks: Table
    brief_checks: Table
    options: Table
    classes: Table
    brief_classes: Table
    spec_file: str
    spec: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """What `report.html.j2` gets as `report`.

    Attributes:
        title: The audit's.
        organisation: Whose report it is; "" where the spec names none.
        brand: Logo, colour, label of classification and footer.
        purpose: What the model is for, as its owner states it; "" where nobody did.
        report_id: Stands in the running header.
        date, finished: When the audit ended, in words and as ISO time.
        pictures_shown: False where pictures of the sample were left out on request.
        control: Section 0, document control.
        signatures: Who signs, at least the usual three.
        summary: Section 1, page one.
        worst: The gravest finding that has a picture.
        severities: (shape, severity, how many findings), most severe first.
        findings: Section 12, most severe first; `register` holds them one a line, `findings_chart` on one axis.
        register: Every finding in one line.
        notes: What this run has to say beside its numbers.
        not_tested: Section 2: what was not tested, and why.
        system: Section 3.
        sample: Section 4.
        plan: Section 5: every check as it was fixed before the run.
        performance: Section 6.
        methods: Section 7: every map method with its trust check.
        trust: Section 7: the trust checks one by one.
        method_views: Section 7: each map method with its pictures.
        trust_figures: Section 7: charts over all methods.
        side_by_side: Section 7: one picture by many methods.
        maps_reading: Section 7: how to read what the maps of all methods show alike.
        in_depth: Whether the sample is clips or volumes.
        causal: Section 8: the causal map and what belongs to it.
        kinds: Section 8: one for each kind of check.
        open_questions: Section 12: what was neither confirmed nor cleared.
        verdict_key: Every verdict with its meaning, also those that do not occur.
        groups: Section 9.
        robustness: Section 10.
        inside: Section 11.
        findings_chart: Section 12: all findings on one axis.
        standing: Section 13.
        changes: Section 14.
        oversight: Section 15.
        coverage: Section 16: one for each clause map.
        annex: Section A.
        gallery: Section A: every picture with every map, on screen only.
    """

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
    maps_reading: str
    in_depth: bool
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
    thumbnails: bool = False,
    reduction: Reduction = WHOLE,
    chunk: int | None = None,
    gallery_bytes: int = 0,
) -> ReportView:
    """Prepare an audit for the templates.

    Args:
        run: The run folder, which holds the spec and the figures.
        embed: Gives each picture its address on the page.
        images: False leaves all pictures of the sample out.
        thumbnails: Shows them all the same in the gallery, tiny.
        reduction: How far pictures are reduced.
        chunk: How many images of the sample stand in one group of the annex; None: all.
        gallery_bytes: What the gallery of an ordinary sample may weigh; 0 for none.

    Raises:
        RenderError: A figure or the spec is missing or broken.
    """
    gallery = GalleryView()
    if gallery_bytes:
        gallery = gallery_view(
            audit, run, embed, images=images, thumbnails=thumbnails, most_bytes=gallery_bytes, reduction=reduction
        )  # fmt: skip
    without = replaced(gallery, audit) | _annex.thinned(audit, reduction.every)
    pictures = Pictures(audit, run, embed, images=images, reduction=reduction, without=without)
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
        notes=(*(_note(plain(note)) for note in audit.notes), *filter(None, [reduction.words()])),
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
            limit_table(audit),
            _subject.per_class_table(audit, _subject.LISTED),
            pictures.placed("6"),
            pictures.placed("6 confusion"),
        ),
        methods=_methods.method_table(audit),
        trust=trust_view(audit),
        method_views=_methods.method_views(audit, pictures),
        trust_figures=pictures.placed("7"),
        side_by_side=pictures.placed("7 side by side"),
        maps_reading=_methods.maps_reading(audit),
        in_depth=audit.sample.medium != Medium.PICTURE,
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
            brief_check_table(audit),
            _annex.option_table(audit),
            _subject.per_class_table(audit, None),
            brief_class_table(audit),
            plain(audit.spec_file),
            _annex.spec_text(read_inside(run, audit.spec_file).decode("utf-8", errors="replace")),
        ),
        gallery=gallery,
    )


def _note(words: str) -> str:
    """With a capital, where it begins with a word and not with the name of a file, layer or setting."""
    return capital(words) if re.match(r"[a-z]+[ :,]", words) else words


def _key(audit: Audit) -> tuple[Tally, ...]:
    """Every verdict with its meaning and how often it occurs here, also those that do not."""
    amounts = Counter(check.verdict for check in audit.checks)
    return tuple(
        Tally(VERDICT_MARKS[verdict], "open", say(word), amounts[verdict], say(MEANINGS[verdict]))
        for verdict, word in VERDICTS.items()
    )
