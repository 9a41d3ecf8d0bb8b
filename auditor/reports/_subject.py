"""Sections 3 to 6: the system, the sample, the plan and the performance, as facts and tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from auditor.languages import (
    grouped,
    listed,
    say,
    say_in,
    say_many,
    spoken_number,
)
from auditor.media import Medium
from auditor.records import Audit, KeptModel
from auditor.reports._kinds import kind_words
from auditor.reports._names import SETTINGS, label, titled
from auditor.reports._tables import Cell, Column, Fact, Table, numeric, table
from auditor.reports._words import (
    NONE,
    attempt_words,
    between,
    capital,
    date,
    interval,
    number,
    plain,
    short,
    value_of,
)

_LEADING_POINT = re.compile(r"(?<![\w.])\.(?=\d)")
LISTED = 12
"""Rows of a list in the body; the annex or audit.json holds the rest."""


def control_facts(audit: Audit) -> tuple[Fact, ...]:
    """Document control, for the cover."""
    model = audit.model
    version = f"{model.name} {model.version}" if model.version else model.name
    facts = [
        Fact(say("Model"), plain(version)),
        Fact(say("Owner"), plain(audit.owner) or say("not stated")),
        Fact(say("Report"), plain(audit.report_id), "mono"),
        Fact(say("Date"), date(audit.finished)),
        Fact(say("Attempt"), attempt_words(audit)),
        Fact(say("Tool"), f"auditor {plain(audit.environment.get('auditor') or say('version not recorded'))}"),
        Fact(say("Spec SHA-256"), plain(audit.spec_sha256), "mono"),
        Fact(say("Weights SHA-256"), plain(model.file_sha256 or model.sha256_before), "mono"),
    ]
    return tuple(facts)


def model_facts(audit: Audit) -> tuple[Fact, ...]:
    """The network as it was loaded."""
    model = audit.model
    same = model.sha256_before == model.sha256_after
    facts = [
        Fact(say("Model"), plain(model.name)),
        Fact(say("Version"), plain(model.version or say("not stated"))),
        Fact(say("Architecture"), plain(model.architecture)),
        Fact(say("Parameters"), grouped(model.parameters)),
        Fact(say("Source"), plain(model.source)),
        *_registry_facts(model.kept),
        Fact(say("Output"), plain(model.output)),
        Fact(say("Classes"), grouped(len(model.classes))),
        Fact(say("Layers looked at"), ", ".join(plain(layer) for layer in model.layers) or say("none"), "mono"),
        *(Fact(say("Note"), plain(note)) for note in model.layer_notes),
        Fact(say("Weights file SHA-256"), plain(model.file_sha256 or say("no file")), "mono"),
        Fact(say("State before"), plain(model.sha256_before), "mono"),
        Fact(say("State after"), plain(model.sha256_after), "mono"),
        Fact(
            say("Left unchanged"),
            say("yes: before and after are the same") if same else say("NO: the model was changed"),
            loud=not same,
        ),
    ]
    return tuple(facts)


def _registry_facts(kept: KeptModel | None) -> tuple[Fact, ...]:
    """Where a registry keeps the model, and what came over the network."""
    if kept is None:
        return ()
    named = plain(kept.uri)
    if kept.asked != kept.uri:
        named = say("{model} (the spec names {alias})", model=named, alias=plain(kept.asked))
    fetched = plain(kept.server)
    if kept.run_id:
        fetched = say("{server}, run {run}", server=fetched, run=plain(kept.run_id))
    ran = say("yes: the spec allows it (model.allow_pickle)") if kept.unpickled else say("no")
    return (
        Fact(say("Registered as"), named, "mono"),
        Fact(say("Fetched from"), fetched, "mono"),
        Fact(say("Artifact SHA-256"), plain(kept.sha256), "mono"),
        Fact(say("Code in it was run"), ran),
    )


def settings_facts(settings: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Preprocessing, environment or runtime as they were recorded; options of parts stand in the annex."""
    return tuple(
        Fact(say(SETTINGS[key]) if key in SETTINGS else titled(key), _setting(key, value))
        for key, value in settings.items()
        if key != "options" and value not in (None, "", [], {}, ())
    )


def _setting(key: str, value: Any) -> str:
    """Its value; amounts of passes with their thousands told apart, and without the probes that needed none."""
    if key == "forwards" and isinstance(value, int):
        return grouped(value)
    if key == "forwards_by_probe" and isinstance(value, Mapping):
        return listed(f"{plain(name)}\N{NO-BREAK SPACE}{grouped(amount)}" for name, amount in value.items() if amount)
    return in_words(value)


def run_facts(audit: Audit) -> tuple[Fact, ...]:
    """When it ran and what it cost."""
    facts = [Fact(say("Started"), date(audit.started)), Fact(say("Finished"), date(audit.finished))]
    facts += [
        Fact(capital(say(plain(part))), say_in("pattern", "{number} {unit}", number=_tenths(seconds), unit="s"))
        for part, seconds in audit.seconds.items()
        if seconds
    ]
    if audit.peak_memory_mib is not None:
        facts.append(Fact(say("Peak memory"), f"{spoken_number(f'{audit.peak_memory_mib:.0f}')} MiB"))
    return tuple(facts)


def _tenths(seconds: float) -> str:
    return spoken_number(f"{seconds:.1f}")


def sample_facts(audit: Audit) -> tuple[Fact, ...]:
    """How the sample was drawn and what became of it."""
    sample = audit.sample
    lost = len(sample.unreadable)
    copies = sum(len(group) - 1 for group in sample.duplicates)
    return (
        Fact(say("Source"), f"{plain(sample.source)}: {plain(sample.path)}"),
        Fact(say("Available"), of_sample(sample.medium, sample.available)),
        Fact(say("Drawn"), of_sample(sample.medium, sample.size)),
        Fact(
            say("Readable"),
            say("{readable}; {n} could not be read", readable=of_sample(sample.medium, sample.readable), n=lost),
            loud=bool(lost),
        ),
        Fact(say("Labelled"), of_sample(sample.medium, sample.labelled)),
        Fact(say("With masks"), of_sample(sample.medium, sample.with_masks)),
        Fact(say("With boxes"), of_sample(sample.medium, sample.with_boxes)),
        Fact(
            say("Exact copies"),
            say_many("{n} copy, kept in one half", "{n} copies, kept in one half", copies)
            if copies
            else say("none found"),
        ),
        Fact(say("Rule"), plain(sample.rule)),
        Fact(say("Digest"), plain(sample.digest), "mono"),
    )


def of_sample(medium: str, n: int) -> str:
    """How many of what the sample holds."""
    if medium == Medium.CLIP:
        return say_many("{n} clip", "{n} clips", n)
    if medium == Medium.VOLUME:
        return say_many("{n} volume", "{n} volumes", n)
    return say_many("{n} picture", "{n} pictures", n)


def class_table(audit: Audit) -> Table:
    """Images per class, fewest first where there are many."""
    rows = sorted(audit.sample.per_class.items(), key=lambda item: item[1])
    shown = rows[:LISTED] if len(rows) > 2 * LISTED else sorted(rows, key=lambda item: -item[1])
    caption = say("Images per class")
    if len(shown) < len(rows):
        caption = say("Images per class; the {n} smallest of {total}", n=LISTED, total=len(rows))
    empty = say("No labels were given, so images per class are not known.")
    return table(
        caption,
        (Column(say("Class"), "name"), numeric(say("Images"))),
        ((short(name), grouped(amount)) for name, amount in shown),
        empty=empty,
    )


def group_table(audit: Audit) -> Table:
    """Images per value of each metadata column."""
    rows = [
        (plain(column), short(value), grouped(amount))
        for column, values in audit.sample.per_group.items()
        for value, amount in values.items()
    ]
    empty = say("No metadata columns were named, so nothing was compared between groups.")
    columns = (say("Column"), Column(say("Value"), "name"), numeric(say("Images")))
    return table(say("Images per group"), columns, rows, empty=empty)


def changed_table(audit: Audit) -> Table:
    """Pictures left out or converted, and why."""
    sample = audit.sample
    rows = [(say("left out"), short(item.image, 70), plain(item.why)) for item in sample.unreadable]
    rows += [(say("converted"), short(item.image, 70), plain(item.why)) for item in sample.converted]
    rows += [
        (say("exact copies"), " = ".join(short(name, 40) for name in group), say("same bytes"))
        for group in sample.duplicates
    ]
    hidden = len(rows) - 2 * LISTED
    if hidden > 0:
        rows = [*rows[: 2 * LISTED], (say("more"), say("{n} further pictures", n=hidden), say("listed in audit.json"))]
    empty = say("Every picture could be read as it is, and no two are the same.")
    columns = (say("What"), Column(say("Picture"), "name"), say("Why"))
    return table(say("Pictures left out, converted or twice"), columns, rows, empty=empty)


def plan_table(audit: Audit) -> Table:
    """Every check that was fixed before the run."""
    rows = [
        (
            Cell(kind_words(row.kind), note=say("required") if row.required else say("optional")),
            Cell(_led(capital(plain(row.what))), note=capital(plain(row.rationale))),
            capital(plain(row.control)),
            _led(capital(plain(row.limit))),
            f"{row.minimum_count}",
            plain(row.severity),
        )
        for row in audit.test_plan
    ]
    columns = (
        say("Kind"),
        say("What is tested, and why"),
        say("Control"),
        say("Limit"),
        numeric(say("Least n")),
        say("Severity"),
    )
    empty = say("No probes were planned: maps and metrics only.")
    return table(say("Test plan, fixed before the run"), columns, rows, empty=empty)


def _led(words: str) -> str:
    """With a zero before each decimal point: lines are broken behind a point that leads a number."""
    return _LEADING_POINT.sub("0.", words)


def metric_table(audit: Audit) -> Table:
    """Every metric of the model with its interval and n, accuracies first."""
    rows = [
        (
            Cell(label(item.name), note=plain(item.note or "")),
            value_of(item) if item.value is not None else Cell(NONE, note=plain(item.reason)),
            interval(item),
            grouped(item.count),
        )
        for item in sorted(audit.metrics, key=lambda item: "accuracy" not in item.name)
    ]
    empty = say("Nothing was measured: the sample has no labels.")
    if audit.sample.labelled:
        empty = say("Nothing was measured: no metric gave a number.")
    columns = (say("Metric"), numeric(say("Value")), numeric(say("95 % interval")), numeric("n"))
    return table(say("Performance on this sample"), columns, rows, empty=empty)


def per_class_table(audit: Audit, most: int | None) -> Table:
    """Accuracy of each class, worst first; at most that many, or all."""
    known = measured_classes(audit)
    caption = say("Accuracy by class, worst first")
    if most is not None and most < len(known):
        caption = say("Accuracy by class, worst first; {n} of {total}, the rest in the annex", n=most, total=len(known))
    rows = [class_row(row) for row in known[:most]]
    return table(caption, class_columns(), rows, empty=say("Accuracy by class was not measured."))


def measured_classes(audit: Audit) -> list[Mapping[str, Any]]:
    """Classes whose accuracy is known, worst first."""
    known = [row for row in audit.per_class if row.get("value") is not None]
    return sorted(known, key=lambda row: row["value"])


def class_columns() -> tuple[Column, ...]:
    """Class, accuracy, interval and n."""
    return (Column(say("Class"), "name"), numeric(say("Accuracy")), numeric(say("95 % (Wilson)")), numeric("n"))


def class_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One class in the columns of `class_columns`."""
    return (
        short(row.get("class", "")),
        number(row["value"]),
        between(row["low"], row["high"]) if row.get("low") is not None else NONE,
        grouped(row.get("n", 0)),
    )


def in_words(value: Any) -> str:
    """A recorded value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(key)} {in_words(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(in_words(item) for item in value)
    return plain(value)
