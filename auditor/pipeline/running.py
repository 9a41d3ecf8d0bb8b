"""One audit from plan to finished run folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.clauses import read_map, supported
from auditor.engine import integrity
from auditor.engine.device import peak_memory_mib, seeded
from auditor.errors import ModelError, RunFolderError
from auditor.pipeline.assembling import assemble
from auditor.pipeline.explaining import explain_sample
from auditor.pipeline.gallery import Gallery
from auditor.pipeline.illustrating import draw_causal_map, draw_forest, draw_performance, illustrate_checks
from auditor.pipeline.keeping import save_pictures
from auditor.pipeline.probing import checks_of, run_probes
from auditor.pipeline.remembering import with_history
from auditor.pipeline.section_figures import draw_sections
from auditor.pipeline.subject import load_subject
from auditor.progress import Progress, Silent
from auditor.records import Audit
from auditor.reports._templates import options_for
from auditor.runs import RunFolder, write_whole

if TYPE_CHECKING:
    from auditor.plan import Plan


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the caller decides beside the spec.

    Attributes:
        folder: The run folder itself.
        resume: Go on with what is in the folder; without it a folder that holds a run is refused.
    """

    folder: Path
    resume: bool = False


@dataclass
class Clock:
    """Seconds of each part of a run."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(time.perf_counter() - began, 2)


def run(plan: Plan, request: RunRequest, progress: Progress | None = None) -> Audit:
    """Run the plan and leave a finished run folder.

    Raises:
        AuditorError: The model, the data or the folder cannot be used; nothing that looks finished is left.
    """
    said = progress or Silent()
    folder = RunFolder(request.folder)
    begun = _begin(folder, plan, request)
    clock = Clock()
    with seeded(plan.spec.runtime.seed):
        with clock.part("loading"):
            subject = load_subject(plan, plan.spec.runtime.device, said, begun.get("chunk"))
        if "model" in begun and begun["model"] != subject.digest:
            raise RunFolderError(f"{folder.path}: was begun with another model; run without --resume in a new folder")
        begun.update(chunk=subject.predictor.chunk, model=subject.digest)
        folder.save_json("begun", begun)
        gallery = Gallery(folder)
        with integrity.untouched(subject.model.module):
            with clock.part("maps and metrics"):
                explained = explain_sample(plan, subject, folder, gallery, said)
            with clock.part("probes"):
                evidence, causal, failures = run_probes(plan, subject, folder, said)
        after = integrity.digest(subject.model.module)
        if after != subject.digest:
            raise ModelError("the audit changed the model, which must never happen; please report this")
    with clock.part("judging and figures"):
        checks = illustrate_checks(checks_of(plan, subject, evidence), evidence, subject.sample, gallery)
        summary = []
        if causal is not None:
            summary.append(draw_causal_map(causal, evidence, checks, subject.sample, gallery))
        forest = draw_forest(checks, gallery)
        summary += [forest] if forest is not None else []
        overall = next((m.value for m in explained.metrics if m.name == "accuracy"), None)
        charts = draw_performance(explained.tables, overall, gallery)
        draw_sections(checks, overall, gallery)
    audit = assemble(
        plan=plan,
        subject=subject,
        digest_after=after,
        explained=explained,
        evidence=evidence,
        checks=checks,
        failures=[*explained.failures, *failures],
        pictures=gallery.pictures,
        summary_figures=[*summary, *charts],
        thumbnails=save_pictures(subject, folder),
        folder=folder,
        started=begun["started"],
        seconds=clock.seconds,
        peak_memory=peak_memory_mib(subject.device),
    )
    audit = with_history(audit, plan.spec.report.history, folder.path, plan.folder, gallery)
    audit = supported(audit, [read_map(name, plan.folder) for name in plan.spec.report.profile])
    folder.write("audit.json", audit.to_json())
    with clock.part("reports"):
        render(audit, plan, folder, said)
    # the time that rendering took is known only now
    audit = audit.model_copy(update={"seconds": dict(clock.seconds)})
    folder.write("log.txt", _log(audit))
    folder.finish()
    return audit


def render(audit: Audit, plan: Plan, folder: RunFolder, progress: Progress) -> list[Path]:
    """Every format that the spec asks for; audit.json is there already."""
    report = plan.spec.report
    options = options_for(report.template, plan.folder, language=report.language, max_size=report.max_size)
    written: list[Path] = []
    for number, planned in enumerate(sorted(plan.reports, key=lambda planned: planned.part.embeds)):
        progress.step(number, len(plan.reports), f"rendering {planned.name}")
        written += planned.part.write(audit, folder.path, options)
    progress.step(len(plan.reports), len(plan.reports), "rendering reports")
    return written


def _begin(folder: RunFolder, plan: Plan, request: RunRequest) -> dict[str, Any]:
    """Refuse a folder that holds another run; note with which spec this one was begun."""
    begun: dict[str, Any] | None = folder.load_json("begun")
    if folder.finished and not request.resume:
        raise RunFolderError(f"{folder.path}: holds a finished audit; name another folder with -o")
    if begun is not None and not request.resume:
        raise RunFolderError(
            f"{folder.path}: holds an audit that broke off; go on with --resume, or name another folder"
        )
    if begun is None and folder.started:
        raise RunFolderError(f"{folder.path}: is not empty and not a run folder; name another folder with -o")
    if begun is not None and begun["spec_sha256"] != plan.spec_file.sha256:
        raise RunFolderError(f"{folder.path}: was begun with another spec; run without --resume in a new folder")
    folder.unfinish()
    if begun is None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        begun = {"spec_sha256": plan.spec_file.sha256, "started": now}
        folder.save_json("begun", begun)
        write_whole(folder.path / "spec.yaml", plan.spec_file.text.encode())
    # what findings are held against may change before a run goes on: a waiver is what counts on the day of judging
    for name, text in (("waivers.yaml", plan.standing.waivers_text), ("baseline.json", plan.standing.baseline_text)):
        if text is None:
            (folder.path / name).unlink(missing_ok=True)
        else:
            folder.write(name, text)
    return begun


def _log(audit: Audit) -> str:
    lines = [f"{audit.started} to {audit.finished}: {audit.name}: {audit.verdict.value}, exit code {audit.exit_code}"]
    lines += [f"{name}: {seconds} s" for name, seconds in audit.seconds.items()]
    lines += list(audit.notes)
    lines += [f"broke: {failure.part}: {failure.reason}" for failure in audit.failures]
    return "\n".join(lines) + "\n"
