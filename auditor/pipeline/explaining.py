"""Makes every map in one shared pass, measures how far each can be trusted, and draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from auditor.engine.maps import Failure, MapRun
from auditor.errors import NotApplicableError
from auditor.metrics import MapMaker, MetricContext, MetricResult
from auditor.pipeline.inside import study
from auditor.pipeline.keeping import maps_path, save_maps
from auditor.pipeline.making import AllMaps, make_all, orders_of, remaker
from auditor.pipeline.map_sheets import draw_channels, draw_kernels, draw_maps, draw_profile
from auditor.pipeline.measuring import measured
from auditor.pipeline.side_by_side import draw_comparison, draw_rows
from auditor.pipeline.trust_figures import draw_trust
from auditor.pipeline.volume_sheets import draw_stacks
from auditor.records import Measurement, NullMap, PartFailure, TrustCheck, VisualizationRecord
from auditor.registry import unfit_words
from auditor.subjects import VolumeSample
from auditor.targets import PREDICTED
from auditor.trust.deciding import BAR_RULE, DECIDABLE, UNDECIDED, WHOLE_RULE, merged
from auditor.visualizers import (
    MapSet,
    MapVisualizer,
    NetworkVisualizer,
    Profile,
    ProfileVisualizer,
    StudyVisualizer,
)

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject
    from auditor.plan import Plan, PlannedPart
    from auditor.progress import Progress
    from auditor.runs import RunFolder

Results = Sequence[tuple["PlannedPart", MetricResult]]
"""Every metric that worked, and what it found."""


@dataclass
class Explained:
    """Maps, metrics and their figures."""

    metrics: list[Measurement] = field(default_factory=list)
    tables: dict[str, Any] = field(default_factory=dict)
    visualizations: list[VisualizationRecord] = field(default_factory=list)
    null_maps: list[NullMap] = field(default_factory=list)
    trust_rules: dict[str, str] = field(default_factory=dict)
    image_figures: dict[int, list[str]] = field(default_factory=dict)
    failures: list[PartFailure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def explain_sample(plan: Plan, subject: Subject, folder: RunFolder, gallery: Gallery, progress: Progress) -> Explained:
    """All visualizations and metrics of the plan; one that breaks is recorded and the others go on."""
    explained = Explained()
    orders = orders_of(plan, subject)
    made = make_all(orders, subject, progress)
    explained.notes += list(made.run.notes)
    _record_failures(explained, made.run, [item for order in orders for item in order.parts])
    _record_unfit(explained, plan)
    save_maps(made.run, folder)
    results = _measure(plan, subject, made, remaker(orders, subject), folder, explained, progress)
    draw_trust(explained.tables, gallery)
    _draw(plan, subject, made, results, gallery, explained)
    _study(plan, subject, made.run, gallery, explained, progress)
    return explained


def _study(
    plan: Plan, subject: Subject, made: MapRun, gallery: Gallery, explained: Explained, progress: Progress
) -> None:
    """What looks at model and sample as a whole, after everything else."""
    planned = [item for item in plan.visualizers if isinstance(item.part, StudyVisualizer)]
    if not planned:
        return
    given_up = {name for name, _, _ in (*made.failures, *made.skipped)}
    parts = {item.name: item.part for item in planned}
    records, refusals = study(parts, made.observed, given_up, subject, plan.spec.runtime.seed, gallery, progress)
    explained.visualizations += records
    broken: list[Failure] = [(name, None, reason) for name, reason, skipped in refusals if not skipped]
    left: list[Failure] = [(name, None, reason) for name, reason, skipped in refusals if skipped]
    _record_failures(explained, MapRun(failures=broken, skipped=left), planned)


def _record_failures(explained: Explained, made: MapRun, planned: Sequence[PlannedPart]) -> None:
    required = {item.name: item.required for item in planned}
    for name, layer, reason in made.failures:
        place = name if layer is None else f"{name}@{layer}"
        part = PartFailure(part=f"visualizations.{place}", reason=reason, required=required.get(name, True))
        explained.failures.append(part)
        explained.visualizations.append(VisualizationRecord(name=name, layer=layer, status="failed", reason=reason))
    named = {item.name for item in planned if item.preset is None}
    for name, layer, reason in made.skipped:
        # a preset brings what may not fit; who names a method wants to hear that it is missing
        if name in named:
            place = name if layer is None else f"{name}@{layer}"
            part = PartFailure(part=f"visualizations.{place}", reason=reason, required=required.get(name, True))
            explained.failures.append(part)
        explained.visualizations.append(VisualizationRecord(name=name, layer=layer, status="skipped", reason=reason))


def _record_unfit(explained: Explained, plan: Plan) -> None:
    """What the presets brought that such data has no use for."""
    words = {kind: [unfit_words(type(item.part), plan.medium) for item in items] for kind, items in plan.unfit.items()}
    for item, reason in zip(plan.unfit.get("visualizers", ()), words.get("visualizers", ()), strict=True):
        explained.visualizations.append(VisualizationRecord(name=item.name, status="skipped", reason=reason))
    explained.notes += [f"metric {reason}" for reason in words.get("metrics", ())]


def _measure(
    plan: Plan,
    subject: Subject,
    made: AllMaps,
    again: MapMaker,
    folder: RunFolder,
    explained: Explained,
    progress: Progress,
) -> Results:
    """Every metric, saved as it ends; read back in a run that goes on."""
    context = MetricContext(
        model=subject.model,
        sample=subject.sample,
        predictor=subject.predictor,
        scores=subject.scores,
        predicted=subject.predicted,
        maps=made.checked,
        make_maps=again,
        seed=plan.spec.runtime.seed,
        progress=progress.step,
        classes=subject.classes,
        clusters=subject.clusters,
    )
    stored = TypeAdapter(MetricResult)
    results: list[tuple[PlannedPart, MetricResult]] = []
    for item in plan.metrics:
        saved = folder.load_json(f"metrics/{item.name}")
        if saved is not None:
            results.append((item, stored.validate_python(saved)))
            continue
        try:
            result = measured(item.part, context)
        except MemoryError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            explained.failures.append(PartFailure(part=f"metrics.{item.name}", reason=reason, required=item.required))
            progress.message(f"metric {item.name} broke: {reason}")
            continue
        folder.save_json(f"metrics/{item.name}", stored.dump_python(result, mode="json"))
        results.append((item, result))
    nulls: dict[str, list[Measurement]] = {}
    for item, result in results:
        explained.metrics += result.measurements
        explained.tables.update(result.tables)
        for name, measurements in result.of_nulls.items():
            nulls.setdefault(name, []).extend(measurements)
        if result.trust and item.part.rule:
            explained.trust_rules[item.name] = item.part.rule
    if explained.trust_rules:
        explained.trust_rules.update(bar=BAR_RULE, whole=WHOLE_RULE)
    explained.null_maps += [NullMap(name=name, measurements=tuple(of_null)) for name, of_null in nulls.items()]
    return results


def _trust_checks(results: Results, name: str) -> tuple[TrustCheck, ...]:
    """What each metric of maps says of a method."""
    return tuple(
        TrustCheck(metric=item.name, verdict=result.trust.get(name), headlines=item.part.headlines)
        for item, result in results
        if name in result.of_maps
    )


def _draw(
    plan: Plan,
    subject: Subject,
    found: AllMaps,
    results: Results,
    gallery: Gallery,
    explained: Explained,
) -> None:
    """Contact sheets by method and by image, channel sheets, kernel sheets; one record each."""
    made = found.run
    parts = {item.name: item.part for item in plan.visualizers}
    checks = {item.name: _trust_checks(results, item.name) for item in made.maps}
    trust = {name: merged(check.verdict for check in of if check.verdict) for name, of in checks.items()}
    trust.update(dict.fromkeys(found.few, UNDECIDED))
    in_depth = isinstance(subject.sample, VolumeSample)
    for item in made.maps:
        part = found.planned[item.name].part
        measurements: list[Measurement] = [m for _, result in results for m in result.of_maps.get(item.name, [])]
        explained.visualizations.append(
            VisualizationRecord(
                name=item.method,
                layer=item.layer,
                status="ok" if item.usable.any() else "failed",
                reason=None if item.usable.any() else _blank_words(item),
                target=_words_of(item, part),
                figures=tuple(
                    draw_stacks(item, part.reading, trust[item.name], subject, gallery)
                    if in_depth
                    else draw_maps(item, part, trust[item.name], subject, gallery)
                ),
                maps=maps_path(item),
                remarks=(too_few(item),) if item.name in found.few else (),
                images=item.count,
                blank=item.count - int(item.usable.sum()),
                trust=trust[item.name],
                trust_checks=checks[item.name],
                measurements=tuple(measurements),
                options=part.model_dump(mode="json"),
            )
        )
    for channel_set in made.channels:
        reading = parts[channel_set.method].reading
        explained.visualizations.append(
            VisualizationRecord(
                name=channel_set.method,
                layer=channel_set.layer,
                status="ok",
                figures=tuple(draw_channels(channel_set, reading, subject, gallery)),
                images=len(channel_set.maps),
                options=parts[channel_set.method].model_dump(mode="json"),
            )
        )
    for planned in plan.visualizers:
        if planned.name in made.profiles:
            profile = made.profiles[planned.name]
            explained.visualizations.append(_profile(planned, profile, gallery, images=len(subject.sample)))
        if isinstance(planned.part, NetworkVisualizer | ProfileVisualizer):
            explained.visualizations += _network(planned, subject, gallery, explained)
    draw_comparison([item for item in made.maps if item.name not in found.few], trust, subject, gallery)
    explained.image_figures = draw_rows(found.checked, trust, subject, gallery)


def too_few(item: MapSet) -> str:
    """Why the maps of a method are not checked."""
    return (
        f"Not enough data to check it: made for {item.count} of {len(item.usable)} pictures, since it is costly; with "
        f"most_images: {DECIDABLE} or more it is checked too."
    )


def _words_of(item: MapSet, part: MapVisualizer) -> str | None:
    """What the maps explain, for the report; None where that makes no difference."""
    if not part.of_class:
        return None
    return PREDICTED if item.targets is None else item.targets.words


def _blank_words(item: MapSet) -> str:
    if item.layer is None:
        return "every map is blank: nothing that it tries moves the score, or moves it alike everywhere"
    return "every map is blank; take another layer"


def _network(item: PlannedPart, subject: Subject, gallery: Gallery, explained: Explained) -> list[VisualizationRecord]:
    """What shows the network itself."""
    options: Mapping[str, Any] = item.part.model_dump(mode="json")
    try:
        if isinstance(item.part, ProfileVisualizer):
            return [_profile(item, item.part.profile(subject.model.module), gallery)]
        sheets = item.part.sheets(subject.model.module, list(subject.layers.names))
    except MemoryError:
        raise
    except NotApplicableError as error:
        _record_failures(explained, MapRun(skipped=[(item.name, None, str(error))]), [item])
        return []
    except Exception as error:
        _record_failures(explained, MapRun(failures=[(item.name, None, f"{type(error).__name__}: {error}")]), [item])
        return []
    records = []
    for sheet in sheets:
        explained.notes += [f"{sheet.layer}: {note}" for note in sheet.notes]
        path = draw_kernels(item.name, sheet, item.part.reading, gallery)
        records.append(
            VisualizationRecord(name=item.name, layer=sheet.layer, status="ok", figures=(path,), options=options)
        )
    return records


def _profile(item: PlannedPart, profile: Profile, gallery: Gallery, *, images: int = 0) -> VisualizationRecord:
    """All layers side by side, and in words what is odd about some."""
    return VisualizationRecord(
        name=item.name,
        status="ok",
        images=images,
        figures=tuple(draw_profile(item.name, profile, item.part.reading, gallery)),
        remarks=tuple(f"{row.layer}: {', '.join(row.odd)}." for row in profile.rows if row.odd),
        options=item.part.model_dump(mode="json"),
    )
