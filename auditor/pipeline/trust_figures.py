"""Draws what is behind the trust checks: pixels removed, weights forgotten, pictures attacked, maps alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import figures
from auditor.method_names import in_print

if TYPE_CHECKING:
    from auditor.pipeline.gallery import Gallery

METHODS = 3
"""Methods in one chart, beside the maps that know nothing: five lines can be told apart."""


def draw_trust(tables: Mapping[str, Any], several: str, gallery: Gallery) -> list[str]:
    """The charts that the metrics of a run have tables for; returns their paths.

    Args:
        several: What the sample consists of, in words.
    """
    paths = []
    table = tables.get("insertion_deletion")
    if table:
        lines = {name: curve["deletion"] for name, curve in table["curves"].items()}
        words = "Deletion: the pixels that a map ranks first are blurred away"
        paths.append(_removal("deletion-curves", table["shares"], lines, table, words, several, gallery))
    table = tables.get("road")
    if table and len(table["percentiles"]) > 1:
        lines = {name: curve["morf"] for name, curve in table["probability"].items()}
        shares = [percentile / 100 for percentile in table["percentiles"]]
        words = "ROAD: the pixels that a map ranks first are removed and filled in from around them"
        paths.append(_removal("road-curves", shares, lines, table, words, several, gallery))
    table = tables.get("cascade")
    if table and len(table["stages"]) > 1:
        paths.append(_cascade(table, several, gallery))
    table = tables.get("robustness")
    if table:
        paths.append(_robustness(table, several, gallery))
    table = tables.get("agreement")
    if table:
        paths.append(_agreement(table, several, gallery))
    return paths


def _removal(
    name: str,
    shares: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    table: Mapping[str, Any],
    words: str,
    several: str,
    gallery: Gallery,
) -> str:
    """Methods beside noise and the best map that knows nothing, which falls furthest."""
    nulls = {null: lines[null] for null in table["nulls"]}
    best = min(nulls, key=lambda null: float(np.mean(nulls[null])))
    methods = [method for method in lines if method not in nulls]
    shown = {method: lines[method] for method in _spread(methods)}
    shown.update({null: nulls[null] for null in ("random map", best) if null in nulls})
    chart = figures.curves(
        shares, {in_print(line): figures.Curve(values) for line, values in shown.items()},
        x_label="share of pixels gone", y_label="probability of the class",
    )  # fmt: skip
    return gallery.chart(
        name,
        chart,
        caption=f"{words}; mean over {table['images']} {several}, {_of(methods)}.",
        alt="; ".join(f"{in_print(line)} ends at {values[-1]:.2f}" for line, values in shown.items()),
        reading="A map that points at what matters makes the curve fall sooner than maps that know nothing do.",
    )


def _cascade(table: Mapping[str, Any], several: str, gallery: Gallery) -> str:
    known = {name: curve for name, curve in table["curves"].items() if all(value is not None for value in curve)}
    stages = np.linspace(0, 1, len(table["stages"]) + 1)
    shown = {name: [1.0, *known[name]] for name in _spread(list(known))}
    chart = figures.curves(
        stages.tolist(), {in_print(name): figures.Curve(values) for name, values in shown.items()},
        x_label="share of layers forgotten, from the output down", y_label="rank correlation with the model's map",
    )  # fmt: skip
    return gallery.chart(
        "cascade-curves",
        chart,
        caption=(
            f"Cascading randomisation in {len(table['stages'])} stages on {table['images']} {several}, "
            f"{_of(list(known))}."
        ),
        alt="; ".join(f"{in_print(name)} ends at {values[-1]:.2f}" for name, values in shown.items()),
        reading="A map that depends on what the model learnt loses its likeness as layers are forgotten.",
    )


def _robustness(table: Mapping[str, Any], several: str, gallery: Gallery) -> str:
    """Share of pictures right over the budget: noise, one step, several steps."""
    heads = {"noise": "Noise of that size", "fgsm": "FGSM, one step", "pgd": f"PGD, {table['steps']} steps"}
    lines = {
        heads[name]: figures.Curve(curve["value"], curve["low"], curve["high"])
        for name, curve in table["curves"].items()
    }
    what = "right" if table["of"] == "robust_accuracy" else "of the class predicted before"
    chart = figures.curves(
        table["epsilons"], lines, x_label="largest change of a pixel, levels of 255", y_label=f"share {what}"
    )
    return gallery.chart(
        "robustness-curves",
        chart,
        caption=(
            f"Share of {table['images']} {several} still {what} when every pixel may change by that much, with 95 % "
            "intervals; upper bounds, since a stronger attack may find more."
        ),
        alt="; ".join(f"{name} ends at {line.values[-1]:.2f}" for name, line in lines.items()),
        reading=(
            "Far below the line of noise, the model gives way to changes made for it that nobody would see, though "
            "it bears as much at random."
        ),
    )


def _agreement(table: Mapping[str, Any], several: str, gallery: Gallery) -> str:
    """Every two maps; in words the closest and the furthest pair of methods, which a reader looks for."""
    names = table["names"]
    methods = [name not in table["nulls"] for name in names]
    ranks, overlaps = (
        figures.AgreementMatrix(table[key], table[f"{key}_low"], table[f"{key}_high"]) for key in ("rank", "top")
    )
    pairs = [
        (value, row, column)
        for row, values in enumerate(ranks.values)
        for column, value in enumerate(values[:row])
        if value is not None and methods[row] and methods[column]
    ]
    words = []
    for what, found in (("closest", max(pairs, default=None)), ("furthest apart", min(pairs, default=None))):
        if found is not None:
            value, row, column = found
            low, high = ranks.lows[row][column], ranks.highs[row][column]
            count = table["counts"][row][column]
            words.append(
                f"{what} in rank: {in_print(names[column])} and {in_print(names[row])}, {value:.2f} "
                f"({low:.2f} to {high:.2f}, n = {count})"
            )
    return gallery.chart(
        "agreement-matrix",
        figures.agreement_matrix([in_print(name) for name in names], ranks, overlaps),
        caption=(
            f"Agreement of every two of {len(names)} maps on {table['images']} {several}, each pair where both are "
            "usable: below the diagonal their rank correlation, above it the overlap of their hottest areas. A number "
            "in grey has zero in its interval; audit.json holds every 95 % interval."
        ),
        alt="; ".join(words) or "No two maps are usable at once.",
        reading=(
            "Blue: the two maps point at the same places; orange: where one is hot the other is cold. Methods can "
            "agree and be wrong together. “Edges” and “Centre” know nothing of the model."
        ),
    )


def _spread(methods: Sequence[str]) -> list[str]:
    """A few methods, as many different ones as there are: the first of each, then their further layers."""
    first: dict[str, str] = {}
    for method in methods:
        first.setdefault(method.partition("@")[0], method)
    rest = [method for method in methods if method not in first.values()]
    return [*first.values(), *rest][:METHODS]


def _of(methods: Sequence[str]) -> str:
    return f"{min(METHODS, len(methods))} of {len(methods)} methods"
