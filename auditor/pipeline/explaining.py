"""Makes every map in one shared pass, measures how far each can be trusted, and draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from auditor.engine.maps import Failure, MapRun
from auditor.metrics import MapMaker, MetricContext, MetricResult
from auditor.pipeline.drawing import Results, draw_all
from auditor.pipeline.explained import Explained, record_failures
from auditor.pipeline.inside import study
from auditor.pipeline.keeping import save_maps
from auditor.pipeline.making import AllMaps, make_all, orders_of, remaker
from auditor.pipeline.measuring import measured
from auditor.pipeline.trust_figures import draw_trust
from auditor.records import Measurement, NullMap, PartFailure, VisualizationRecord
from auditor.registry import unfit_words
from auditor.trust.deciding import BAR_RULE, WHOLE_RULE
from auditor.visualizers import StudyVisualizer

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject
    from auditor.plan import Plan, PlannedPart
    from auditor.progress import Progress
    from auditor.runs import RunFolder


def explain_sample(plan: Plan, subject: Subject, folder: RunFolder, gallery: Gallery, progress: Progress) -> Explained:
    """All visualizations and metrics of the plan; one that breaks is recorded and the others go on."""
    explained = Explained()
    orders = orders_of(plan, subject)
    made = make_all(orders, subject, progress)
    explained.notes += list(made.run.notes)
    record_failures(explained, made.run, [item for order in orders for item in order.parts])
    _record_unfit(explained, plan)
    save_maps(made.run, folder)
    results = _measure(plan, subject, made, remaker(orders, subject), folder, explained, progress)
    draw_trust(explained.tables, subject.sample.medium.several, gallery)
    draw_all(plan, subject, made, results, gallery, explained)
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
    record_failures(explained, MapRun(failures=broken, skipped=left), planned)


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
