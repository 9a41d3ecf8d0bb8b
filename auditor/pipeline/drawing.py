"""Draws what visualizers made of the sample and of the network, and records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from auditor.engine.maps import MapRun
from auditor.errors import NotApplicableError
from auditor.media import Medium
from auditor.metrics import MetricResult
from auditor.pipeline.explained import Explained, record_failures
from auditor.pipeline.keeping import maps_path
from auditor.pipeline.making import AllMaps
from auditor.pipeline.map_sheets import draw_channels, draw_kernels, draw_maps, draw_profile
from auditor.pipeline.side_by_side import draw_comparison, draw_rows
from auditor.pipeline.volume_sheets import draw_stacks
from auditor.records import Measurement, TrustCheck, VisualizationRecord
from auditor.subjects import VolumeSample
from auditor.targets import PREDICTED
from auditor.trust.deciding import DECIDABLE, UNDECIDED, merged
from auditor.visualizers import MapSet, MapVisualizer, NetworkVisualizer, Profile, ProfileVisualizer

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery
    from auditor.pipeline.subject import Subject
    from auditor.plan import Plan, PlannedPart

__all__ = ["Results", "draw_all"]

Results = Sequence[tuple["PlannedPart", MetricResult]]
"""Every metric that worked, and what it found."""


def draw_all(
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
        if in_depth:
            sheets, remarks = draw_stacks(item, part.reading, trust[item.name], subject, gallery)
        else:
            sheets, remarks = draw_maps(item, part, trust[item.name], subject, gallery), []
        if item.name in found.few:
            remarks = [_too_few(item, subject.sample.medium), *remarks]
        measurements: list[Measurement] = [m for _, result in results for m in result.of_maps.get(item.name, [])]
        explained.visualizations.append(
            VisualizationRecord(
                name=item.method,
                layer=item.layer,
                status="ok" if item.usable.any() else "failed",
                reason=None if item.usable.any() else _blank_words(item),
                target=_words_of(item, part),
                figures=tuple(sheets),
                maps=maps_path(item),
                remarks=tuple(remarks),
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


def _trust_checks(results: Results, name: str) -> tuple[TrustCheck, ...]:
    """What each metric of maps says of a method."""
    return tuple(
        TrustCheck(metric=item.name, verdict=result.trust.get(name), headlines=item.part.headlines)
        for item, result in results
        if name in result.of_maps
    )


def _too_few(item: MapSet, medium: Medium) -> str:
    """Why the maps of a method are not checked."""
    return (
        f"Not enough data to check it: made for {item.count} of {len(item.usable)} {medium.several}, since it is "
        f"costly; with most_images: {DECIDABLE} or more it is checked too."
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
        record_failures(explained, MapRun(skipped=[(item.name, None, str(error))]), [item])
        return []
    except Exception as error:
        record_failures(explained, MapRun(failures=[(item.name, None, f"{type(error).__name__}: {error}")]), [item])
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
