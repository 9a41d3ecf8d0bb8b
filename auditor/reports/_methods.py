"""Section 7: which explanations were made, and which of them may be believed on this model."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.clauses.evidence import INSIDE
from auditor.languages import grouped, noted, say, say_in
from auditor.media import Medium
from auditor.records import Audit, Measurement, TrustCheck, VisualizationRecord
from auditor.reports._names import label
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._tables import Cell, Column, Table, numeric, table
from auditor.reports._trust import check_name, deciding, map_name, trust_cell, trust_words
from auditor.reports._words import (
    NONE,
    after,
    interval,
    lines_of,
    plain,
    stopped,
    value_of,
)

FAILED = noted("Failed its trust check on this model: do not read anything from it.")
UNCHECKED = noted("Too little data to check it on this model: read it with caution.")
OF_MAPS = {
    Medium.PICTURE: noted(
        "Pictures stand as they are, as their map and as both; each map goes from 0 to what its brightest 0.5 % reach. "
        "Under each stand its class and the score: ✓ answered right, → answered otherwise."
    ),
    Medium.CLIP: noted(
        "Clips stand in frames: above as they are, below with the map on one colour scale for the whole clip. Bars are "
        "the share of the map in each frame, dark for those that are shown: they say when, as the map says where. A "
        "peak in the curve says which frames count; a flat one, that none stands out."
    ),
    Medium.VOLUME: noted(
        "Volumes stand in three planes through the place where the map is strongest: above as they are, below with the "
        "map. Marks at the edges are where the other two planes cut; proportions are true where the size of a voxel is "
        "known, and letters say where the body lies: R right, L left, A front, P back, S head, I feet. A peak in the "
        "curve says which slices count; a flat one, that none stands out."
    ),
}
"""How to read what all methods show alike; section 7 says it once."""
HEADS = {Medium.PICTURE: noted("Images"), Medium.CLIP: noted("Clips"), Medium.VOLUME: noted("Volumes")}
WARNINGS = {"failed": FAILED, "not enough data": UNCHECKED}
"""What stands over pictures that must not be believed, by verdict of the trust check."""
OWN = {
    "neighbours_same": noted("Neighbours of the same"),
    "neighbours_beyond_chance": noted("The same, beyond chance"),
    "class_lost": noted("Class lost"),
    "map_rank_correlation": noted("Map, rank correlation with before"),
    "map_overlap": noted("Map, overlap of the hottest fifth with before"),
    "feature_cosine": noted("Features, cosine with before"),
}
"""What stands before the colon of a measurement's name → the head of its row."""
OF = {"fgsm": "FGSM", "pgd": "PGD", "noise": noted("Noise of the same size")}
"""What stands after the colon → the head of its column."""
ATTACKS = ("adversarial_examples",)
"""Pictures made against the model, which section 10 shows."""
ELSEWHERE = (*INSIDE, *ATTACKS)
"""What section 7 leaves to sections 10 and 11."""
SHOWN = 3
"""Pictures of one method in section 7; sections 10 and 11 show all of theirs."""


@dataclass(frozen=True, slots=True)
class MethodView:
    """One method on one layer, with its pictures.

    Attributes:
        name: Of the visualizer, as the spec has it.
        title: "Grad-CAM, layer4.1".
        trust: Mark, tone and word of its trust check; no word where there is none to make.
        warning: What stands over pictures that must not be believed; "" for none.
        reading: How to read them, once for all pictures of the method.
        checks: What each trust check says, under the names of the table that holds their numbers; "" for none.
        remarks: What is out of the ordinary in it.
        measured: What it measured itself, of a method that is no map: no other table holds it.
        anchor: For links.
        figures: Its sheets.
    """

    name: str
    title: str
    anchor: str
    trust: Cell
    warning: str
    reading: str
    checks: str
    remarks: tuple[str, ...]
    measured: Table
    figures: tuple[Figure, ...]


def method_table(audit: Audit) -> Table:
    """Every method that explains pictures: made, failed or skipped, and its trust verdict."""
    columns = (
        say("Method"),
        Column(say("Layer"), "mono"),
        numeric(say(HEADS[Medium(audit.sample.medium)])),
        numeric(say("Blank")),
        say("Made"),
        say("Trust"),
    )
    empty = say("No visualizations were asked for.")
    shown = (item for item in audit.visualizations if item.name not in ELSEWHERE)
    return table(say("Methods and their trust checks"), columns, (_row(item) for item in shown), empty=empty)


def maps_reading(audit: Audit) -> str:
    """How to read what the maps of all methods show alike."""
    return say(OF_MAPS[Medium(audit.sample.medium)])


def method_views(audit: Audit, pictures: Pictures, names: tuple[str, ...] | None = None) -> tuple[MethodView, ...]:
    """The methods that have pictures: believed first, failed last.

    Args:
        names: Of visualizers; None takes those of section 7, which explain pictures.
    """
    order = {"passed": 0, None: 1, "not enough data": 2, "failed": 3}
    wanted = [item for item in audit.visualizations if (item.name in names if names else item.name not in ELSEWHERE)]
    shown = sorted((item for item in wanted if item.figures), key=lambda item: order.get(item.trust, 1))
    views = []
    for index, item in enumerate(shown):
        warning = say(WARNINGS.get(item.trust or "", ""))
        mark = stopped(say("Not to be believed")) if item.trust == "failed" else ""
        figures = pictures.figures(item.figures if names else item.figures[:SHOWN], facts=warning, mark=mark)
        alone = pictures.maps_alone(item, _title(item, audit.sample.medium), facts=warning, mark=mark)
        figures += () if alone is None else (alone,)
        readings = list(dict.fromkeys(figure.reading for figure in figures if figure.reading))
        views.append(
            MethodView(
                name=item.name,
                title=_title(item, audit.sample.medium),
                anchor=f"{item.name.replace('_', '-')}-{index}" if names else f"method-{index}",
                trust=Cell("") if names else _trust(item),
                warning=warning,
                reading=after(readings),
                checks=lines_of(
                    say_in(
                        "pattern", "{name}: {value}", name=check_name(check.metric), value=trust_words(check.verdict)
                    )
                    for check in deciding(item)
                ),
                remarks=tuple(stopped(plain(remark)) for remark in item.remarks),
                measured=_measured(item, audit.sample.medium),
                figures=figures,
            )
        )
    return tuple(views)


def _check_words(check: TrustCheck) -> str:
    return say_in("pattern", "{name}: {value}", name=check_name(check.metric), value=trust_words(check.verdict))


def _measured(item: VisualizationRecord, medium: str) -> Table:
    """A row for what was measured and a column for what it was measured of: "class_lost:pgd"."""
    own = () if item.trust_checks else item.measurements
    cells = {measurement.name.partition(":")[::2]: measurement for measurement in own}
    heads = list(dict.fromkeys(head for head, _ in cells))
    columns = list(dict.fromkeys(of for _, of in cells))
    rows: list[tuple[str | Cell, ...]] = [
        (say(OWN[head]) if head in OWN else label(head), *(_value(cells.get((head, of))) for of in columns))
        for head in heads
    ]
    heads_of = (numeric(say(OF.get(of, plain(of))) or say("Value")) for of in columns)
    return table(say("What was measured, {method}", method=_title(item, medium)), (say("Measured"), *heads_of), rows)


def _value(measurement: Measurement | None) -> Cell:
    if measurement is None:
        return Cell(NONE)
    if measurement.value is None:
        return Cell(NONE, note=plain(measurement.reason))
    return Cell(
        value_of(measurement),
        note=say("{interval}, n = {count}", interval=interval(measurement), count=measurement.count),
    )


def _made(status: str) -> str:
    """Why there are no maps, in a word."""
    if status == "failed":
        return say_in("made", "failed")
    return say("skipped") if status == "skipped" else plain(status)


def _row(item: VisualizationRecord) -> tuple[str | Cell, ...]:
    made = Cell(say("yes")) if item.status == "ok" else Cell(_made(item.status), "□", "open", plain(item.reason or ""))
    name = Cell(label(item.name), note=plain(item.for_words))
    return (name, item.layer or NONE, grouped(item.images), grouped(item.blank), made, _trust(item))


def _trust(item: VisualizationRecord) -> Cell:
    if item.trust is None:
        return Cell(say("not checked") if item.status == "ok" else NONE)
    return trust_cell(item.trust)


def _title(item: VisualizationRecord, medium: str) -> str:
    return map_name(label(item.name, medium), plain(item.layer or ""), plain(item.for_words))
