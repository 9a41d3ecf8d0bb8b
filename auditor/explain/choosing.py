"""Which maps one picture gets while somebody waits: all cheap ones, costly ones rougher, the costliest not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor import registry
from auditor.method_names import in_print
from auditor.visualizers import MapVisualizer

if TYPE_CHECKING:
    from auditor.plan import Plan

__all__ = ["FORWARDS", "Choice", "chosen_maps"]

FORWARDS = 120
"""That all maps of a picture may cost together where nobody said otherwise: seconds on one core."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is made, and what is not.

    Attributes:
        parts: In the order of their names.
        rougher: Name → which options were lowered, in words.
        left_out: Name → what it would cost, in words.
    """

    parts: tuple[MapVisualizer, ...]
    rougher: dict[str, str]
    left_out: dict[str, str]


def chosen_maps(plan: Plan, size: tuple[int, int], *, most_forwards: int = FORWARDS) -> Choice:
    """Of all maps of preset full, and those that the spec names, what the forwards allow.

    Cheapest first, each in its hurried form where it has one; what is left of the forwards makes them whole again, in
    the same order, and then pays for those that an audit makes for few pictures. Which maps are made depends on no
    clock, so that the same picture gives the same page.

    Args:
        size: Height and width of the model's input.
    """
    whole = _wanted(plan)
    hurried = {name: part.model_copy(update=dict(part.hurried)) for name, part in whole.items()}
    costs = {name: min(part.forwards(*size), hurried[name].forwards(*size)) for name, part in whole.items()}
    order = sorted(whole, key=lambda name: (costs[name], name))
    made: dict[str, MapVisualizer] = {}
    left_out: dict[str, str] = {}
    left = most_forwards
    for few in (False, True):
        for name in [name for name in order if (whole[name].most_images is not None) == few]:
            if costs[name] <= left:
                made[name] = hurried[name] if costs[name] < whole[name].forwards(*size) else whole[name]
                left -= costs[name]
            else:
                left_out[name] = f"would cost {whole[name].forwards(*size):,} forwards"
        for name in [name for name in order if name in made]:
            more = whole[name].forwards(*size) - costs[name]
            if 0 < more <= left and made[name] is not whole[name]:
                made[name], left = whole[name], left - more
    rougher = {name: words for name, part in made.items() if (words := _lowered(whole[name], part))}
    return Choice(tuple(made[name] for name in sorted(made)), rougher, left_out)


def _wanted(plan: Plan) -> dict[str, MapVisualizer]:
    """Preset full, with the options of what the spec names; all for the spec's one target."""
    found: dict[str, MapVisualizer] = {}
    for name in registry.names("visualizers"):
        part = registry.load("visualizers", name)
        if issubclass(part, MapVisualizer) and "full" in part.budgets:
            target = {"target": plan.spec.target} if part.of_class else {}
            found[name] = part(**{**part.budgets["full"], **target})
    for item in plan.visualizers:
        named = item.preset is None and isinstance(item.part, MapVisualizer)
        if named and item.target(plan.spec.target) == plan.spec.target:
            found[item.name] = item.part
    return found


def _lowered(whole: MapVisualizer, made: MapVisualizer) -> str:
    changed = [name for name in whole.hurried if getattr(whole, name) != getattr(made, name)]
    return "; ".join(f"{name} {getattr(made, name):g}, not {getattr(whole, name):g}" for name in changed)


def in_words(choice: Choice, most_forwards: int) -> Sequence[str]:
    """For the page: what was left out, and how to have it."""
    if not choice.left_out:
        return ()
    words = ", ".join(f"{in_print(name)} ({cost})" for name, cost in sorted(choice.left_out.items()))
    return (f"Left out, since all maps together may cost {most_forwards:,} forwards (--forwards): {words}.",)
