"""Sections 3 to 6: the system, the sample, the plan and the performance, as facts and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.records import Audit, KeptModel, LimitResult
from auditor.reports._tables import Cell, Column, Fact, Table, numeric, table
from auditor.reports._words import (
    KINDS,
    SEVERITY_MARKS,
    capital,
    count,
    date,
    interval,
    label,
    measured,
    number,
    ordinal,
    plain,
    short,
    value_of,
)

LISTED = 12
"""Rows of a list in the body; the annex or audit.json holds the rest."""


def control_facts(audit: Audit) -> tuple[Fact, ...]:
    """Document control, for the cover."""
    model = audit.model
    version = f"{model.name} {model.version}" if model.version else model.name
    facts = [
        Fact("Model", plain(version)),
        Fact("Owner", plain(audit.owner) or "not stated"),
        Fact("Report", plain(audit.report_id), "mono"),
        Fact("Date", date(audit.finished)),
        Fact("Attempt", f"{ordinal(audit.attempt)} audit of this model with this spec".capitalize()),
        Fact("Tool", f"auditor {plain(audit.environment.get('auditor', 'version not recorded'))}"),
        Fact("Spec SHA-256", plain(audit.spec_sha256), "mono"),
        Fact("Weights SHA-256", plain(model.file_sha256 or model.sha256_before), "mono"),
    ]
    return tuple(facts)


def model_facts(audit: Audit) -> tuple[Fact, ...]:
    """The network as it was loaded."""
    model = audit.model
    same = model.sha256_before == model.sha256_after
    facts = [
        Fact("Model", plain(model.name)),
        Fact("Version", plain(model.version or "not stated")),
        Fact("Architecture", plain(model.architecture)),
        Fact("Parameters", f"{model.parameters:,}"),
        Fact("Source", plain(model.source)),
        *_registry_facts(model.kept),
        Fact("Output", plain(model.output)),
        Fact("Classes", f"{len(model.classes):,}"),
        Fact("Layers looked at", ", ".join(plain(layer) for layer in model.layers) or "none", "mono"),
        *(Fact("Note", plain(note)) for note in model.layer_notes),
        Fact("Weights file SHA-256", plain(model.file_sha256 or "no file"), "mono"),
        Fact("State before", plain(model.sha256_before), "mono"),
        Fact("State after", plain(model.sha256_after), "mono"),
        Fact(
            "Left unchanged",
            "yes: before and after are the same" if same else "NO: the model was changed",
            loud=not same,
        ),
    ]
    return tuple(facts)


def _registry_facts(kept: KeptModel | None) -> tuple[Fact, ...]:
    """Where a registry keeps the model, and what came over the network."""
    if kept is None:
        return ()
    asked = "" if kept.asked == kept.uri else f" (the spec says {plain(kept.asked)})"
    ran = "yes: the spec allows it (model.allow_pickle)" if kept.unpickled else "no"
    return (
        Fact("Registered as", plain(kept.uri) + asked, "mono"),
        Fact("Fetched from", plain(kept.server) + (f", run {plain(kept.run_id)}" if kept.run_id else ""), "mono"),
        Fact("Artifact SHA-256", plain(kept.sha256), "mono"),
        Fact("Code in it was run", ran),
    )


def settings_facts(settings: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Preprocessing, environment or runtime as they were recorded; options of parts stand in the annex."""
    return tuple(
        Fact(plain(key).replace("_", " ").capitalize(), in_words(value))
        for key, value in settings.items()
        if key != "options" and value not in (None, "", [], {}, ())
    )


def run_facts(audit: Audit) -> tuple[Fact, ...]:
    """When it ran and what it cost."""
    facts = [Fact("Started", date(audit.started)), Fact("Finished", date(audit.finished))]
    facts += [Fact(f"Seconds: {plain(part)}", f"{seconds:,.1f}") for part, seconds in audit.seconds.items() if seconds]
    if audit.peak_memory_mib is not None:
        facts.append(Fact("Peak memory", f"{audit.peak_memory_mib:,.0f} MiB"))
    return tuple(facts)


def sample_facts(audit: Audit) -> tuple[Fact, ...]:
    """How the sample was drawn and what became of it."""
    sample = audit.sample
    one = sample.medium
    lost = len(sample.unreadable)
    copies = sum(len(group) - 1 for group in sample.duplicates)
    return (
        Fact("Source", f"{plain(sample.source)}: {plain(sample.path)}"),
        Fact("Available", count(sample.available, one)),
        Fact("Drawn", count(sample.size, one)),
        Fact("Readable", f"{count(sample.readable, one)}; {lost} could not be read", loud=bool(lost)),
        Fact("Labelled", count(sample.labelled, one)),
        Fact("With masks", count(sample.with_masks, one)),
        Fact("With boxes", count(sample.with_boxes, one)),
        Fact("Exact copies", f"{count(copies, 'copy', 'copies')}, kept in one half" if copies else "none found"),
        Fact("Rule", plain(sample.rule)),
        Fact("Digest", plain(sample.digest), "mono"),
    )


def class_table(audit: Audit) -> Table:
    """Images per class, fewest first where there are many."""
    rows = sorted(audit.sample.per_class.items(), key=lambda item: item[1])
    listed = rows[:LISTED] if len(rows) > 2 * LISTED else sorted(rows, key=lambda item: -item[1])
    more = f"; the {LISTED} smallest of {len(rows)}" if len(listed) < len(rows) else ""
    empty = "No labels were given, so images per class are not known."
    return table(
        f"Images per class{more}",
        (Column("Class", "name"), numeric("Images")),
        ((short(name), f"{amount:,}") for name, amount in listed),
        empty=empty,
    )


def group_table(audit: Audit) -> Table:
    """Images per value of each metadata column."""
    rows = [
        (plain(column), short(value), f"{amount:,}")
        for column, values in audit.sample.per_group.items()
        for value, amount in values.items()
    ]
    empty = "No metadata columns were named, so nothing was compared between groups."
    return table("Images per group", ("Column", Column("Value", "name"), numeric("Images")), rows, empty=empty)


def changed_table(audit: Audit) -> Table:
    """Pictures left out or converted, and why."""
    sample = audit.sample
    rows = [("left out", short(item.image, 70), plain(item.why)) for item in sample.unreadable]
    rows += [("converted", short(item.image, 70), plain(item.why)) for item in sample.converted]
    rows += [
        ("exact copies", " = ".join(short(name, 40) for name in group), "same bytes") for group in sample.duplicates
    ]
    hidden = len(rows) - 2 * LISTED
    if hidden > 0:
        rows = [*rows[: 2 * LISTED], ("more", f"{hidden} further pictures", "listed in audit.json")]
    empty = "Every picture could be read as it is, and no two are the same."
    return table("Pictures left out, converted or twice", ("What", Column("Picture", "name"), "Why"), rows, empty=empty)


def plan_table(audit: Audit) -> Table:
    """Every check that was fixed before the run."""
    rows = [
        (
            Cell(KINDS.get(row.kind, plain(row.kind)), note="required" if row.required else "optional"),
            Cell(capital(plain(row.what)), note=capital(plain(row.rationale))),
            capital(plain(row.control)),
            capital(plain(row.limit)),
            f"{row.minimum_count}",
            plain(row.severity),
        )
        for row in audit.test_plan
    ]
    columns = ("Kind", "What is tested, and why", "Control", "Limit", numeric("Least n"), "Severity")
    return table(
        "Test plan, fixed before the run", columns, rows, empty="No probes were planned: maps and metrics only."
    )


def limit_table(audit: Audit) -> Table:
    """The policy's limits and what was measured against them."""
    empty = "The policy sets no limits of its own; findings are graded by the built-in steps."
    columns = ("Limit", "Bound", "Measured", "Severity", "Result")
    return table("Limits of the policy", columns, (_limit_row(item) for item in audit.limits), empty=empty)


def metric_table(audit: Audit) -> Table:
    """Every metric of the model with its interval and n."""
    rows = [
        (
            Cell(label(item.name), note=plain(item.note or "")),
            value_of(item) if item.value is not None else Cell("–", note=plain(item.reason)),
            interval(item),
            f"{item.count:,}",
        )
        for item in audit.metrics
    ]
    empty = "Nothing was measured: " + (
        "no metric gave a number." if audit.sample.labelled else "the sample has no labels."
    )
    return table(
        "Performance on this sample", ("Metric", numeric("Value"), numeric("95 %"), numeric("n")), rows, empty=empty
    )


def per_class_table(audit: Audit, most: int | None) -> Table:
    """Accuracy of each class, worst first; at most that many, or all."""
    known = [row for row in audit.per_class if row.get("value") is not None]
    ordered = sorted(known, key=lambda row: row["value"])
    more = f"; {most} of {len(known)}, the rest in the annex" if most is not None and most < len(known) else ""
    rows = [
        (
            short(row.get("class", "")),
            number(row["value"]),
            f"{number(row['low']).removesuffix(' %')} to {number(row['high'])}" if row.get("low") is not None else "–",
            f"{row.get('n', 0):,}",
        )
        for row in ordered[:most]
    ]
    columns = (Column("Class", "name"), numeric("Accuracy"), numeric("95 % (Wilson)"), numeric("n"))
    return table(f"Accuracy by class, worst first{more}", columns, rows, empty="Accuracy by class was not measured.")


def _limit_row(item: LimitResult) -> tuple[str | Cell, ...]:
    bounds = [
        f"{words} {bound:g}"
        for words, bound in (("at least", item.minimum), ("at most", item.maximum))
        if bound is not None
    ]
    mark, tone = SEVERITY_MARKS[item.severity], item.severity.value
    if item.measurement is None:
        result = Cell("not measured", "□", "open", plain(item.reason or ""))
    else:
        result = Cell("breached", mark, tone) if item.breached else Cell("kept", "○", "quiet")
    value = measured(item.measurement) if item.measurement is not None else "–"
    where = f"spec line {item.spec_line}" if item.spec_line else ""
    return (Cell(plain(item.name), note=where), ", ".join(bounds), value, item.severity.value, result)


def in_words(value: Any) -> str:
    """A recorded value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(key)} {in_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(in_words(item) for item in value)
    return plain(value)
