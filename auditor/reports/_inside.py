"""Section 11: the network itself, where the maps of section 7 look at pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.clauses.evidence import INSIDE
from auditor.records import Audit, VisualizationRecord
from auditor.reports._methods import MethodView, method_views
from auditor.reports._pictures import Pictures
from auditor.reports._tables import Cell, Table, table
from auditor.reports._words import count, label, plain

VIEWS = {
    "kernels": "the filters themselves",
    "weight_distributions": "weights of all layers side by side",
    "feature_maps": "what single units answer to on a picture",
    "activation_statistics": "dead and saturated units, vanishing gradients",
    "top_activating_images": "pictures that excite a channel most",
    "activation_maximization": "made pictures that excite a unit most",
    "embedding_map": "which pictures lie together in the features",
    "attention_matrices": "which patches look at which",
    "attention_heads": "where each attention head looks",
}
"""In the order of print, from the weights to what they do."""


@dataclass(frozen=True, slots=True)
class InsideView:
    """Section 11: what was made and why the rest was not, and the views themselves.

    Attributes:
        made: Every view of the network, made or not, and why.
        methods: Each with its pictures.
    """

    made: Table
    methods: tuple[MethodView, ...]


def inside_view(audit: Audit, pictures: Pictures) -> InsideView:
    """Views of the network in the order from its weights to its features."""
    order = {name: place for place, name in enumerate(VIEWS)}
    methods = method_views(audit, pictures, INSIDE)
    names = {label(name): place for name, place in order.items()}
    ordered = sorted(methods, key=lambda view: names.get(view.title.partition(",")[0], len(names)))
    rows = [_row(name, [item for item in audit.visualizations if item.name == name]) for name in VIEWS]
    return InsideView(table("Looked at, and not", ("View", "Made", "Where, or why not"), rows), tuple(ordered))


def _row(name: str, found: Sequence[VisualizationRecord]) -> tuple[str | Cell, ...]:
    view = Cell(label(name), note=VIEWS[name])
    made = [item for item in found if item.status == "ok"]
    if made:
        layers = [plain(item.layer) for item in made if item.layer]
        return (view, Cell("yes", "○", "quiet"), ", ".join(layers) or count(made[0].images, "picture") if layers or
                made[0].images else "the whole network")  # fmt: skip
    if not found:
        return (view, Cell("no", "–", "open"), "Not asked for in the spec; preset full holds it.")
    reason = next((item.reason for item in found if item.reason), "") or "no reason was recorded"
    word = "broke" if any(item.status == "failed" for item in found) else "skipped"
    return (view, Cell(word, "□", "open"), plain(reason))
