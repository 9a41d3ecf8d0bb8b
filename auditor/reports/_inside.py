"""Section 11: the network itself, where the maps of section 7 look at pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.clauses.evidence import INSIDE
from auditor.languages import listed, noted, say
from auditor.records import Audit, VisualizationRecord
from auditor.reports._methods import MethodView, method_views
from auditor.reports._names import label
from auditor.reports._pictures import Pictures
from auditor.reports._subject import of_sample
from auditor.reports._tables import Cell, Table, table
from auditor.reports._words import plain

VIEWS = {
    "kernels": noted("the filters themselves"),
    "weight_distributions": noted("weights of all layers side by side"),
    "feature_maps": noted("what single units answer to"),
    "activation_statistics": noted("dead and saturated units, vanishing gradients"),
    "top_activating_images": noted("what excites a channel most"),
    "activation_maximization": noted("what was made to excite a unit most"),
    "embedding_map": noted("what lies together in the features"),
    "attention_matrices": noted("which patches look at which"),
    "attention_heads": noted("where each attention head looks"),
}
"""In the order of print, from the weights to what they do."""


@dataclass(frozen=True, slots=True)
class InsideView:
    """Section 11: what was made and why the rest was not, and the views themselves.

    Attributes:
        made: Every view of the network, made or not, and why; those that nobody asked for share a row.
        methods: Each with its pictures.
    """

    made: Table
    methods: tuple[MethodView, ...]


def inside_view(audit: Audit, pictures: Pictures) -> InsideView:
    """Views of the network in the order from its weights to its features."""
    order = {name: place for place, name in enumerate(VIEWS)}
    methods = method_views(audit, pictures, INSIDE)
    ordered = sorted(methods, key=lambda view: order.get(view.name, len(order)))
    found = {name: [item for item in audit.visualizations if item.name == name] for name in VIEWS}
    rows = [_row(name, found[name], audit.sample.medium) for name in VIEWS if found[name]]
    rest = [name for name in VIEWS if not found[name]]
    if rest:
        rows.append(
            (
                Cell(listed(label(name) for name in rest)),
                Cell(say("no"), "–", "open"),
                say("Not asked for in the spec; preset full holds all views."),
            )
        )
    return InsideView(
        table(say("Looked at, and not"), (say("View"), say("Made"), say("Where, or why not")), rows), tuple(ordered)
    )


def _row(name: str, found: Sequence[VisualizationRecord], medium: str) -> tuple[str | Cell, ...]:
    view = Cell(label(name, medium), note=say(VIEWS[name]))
    made = [item for item in found if item.status == "ok"]
    if made:
        layers = [plain(item.layer) for item in made if item.layer]
        images = of_sample(medium, made[0].images) if made[0].images else ""
        return (view, Cell(say("yes"), "○", "quiet"), listed(layers) or images or say("the whole network"))
    reason = next((item.reason for item in found if item.reason), "") or say("no reason was recorded")
    word = say("broke") if any(item.status == "failed" for item in found) else say("skipped")
    return (view, Cell(word, "□", "open"), plain(reason))
