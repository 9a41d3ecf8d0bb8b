"""Costly maps are made for the few pictures that the report shows, and are not checked on too few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auditor.plan import make_plan
from auditor.records import Audit, VisualizationRecord
from auditor.registry import load, names
from tests.pipeline.test_target_run import audited
from tests.pipeline.test_target_run import folder as folder

RISE = "{use: rise, masks: 10, cells: 3, most_images: MOST}"


def with_rise(folder: Path, most: int) -> tuple[Audit, VisualizationRecord]:
    entries = f"[saliency, {RISE.replace('MOST', str(most))}]"
    audit = audited(
        folder,
        ("visualizations: quick", f"visualizations: {entries}"),
        (
            "metrics: quick",
            "metrics: [class_consistency, {use: stability, images: 16}, {use: randomisation, draws: 1}]",
        ),
    )
    return audit, next(item for item in audit.visualizations if item.name == "rise")


def test_a_map_for_few_pictures_says_so_and_is_not_checked(folder: Path) -> None:
    audit, rise = with_rise(folder, 3)

    assert audit.failures == ()
    assert (rise.status, rise.images, rise.trust) == ("ok", 3, "not enough data")
    assert rise.trust_checks == ()
    assert rise.remarks[0].startswith("Not enough data to check it: made for 3 of 20 pictures")
    caption = audit.figures[rise.figures[0]].caption
    assert "Made for 3 of 20 pictures: about 10 forwards each." in caption
    names = _names(audit.figures[rise.figures[0]].alt)
    assert len(names) == len(audit.figures[rise.figures[0]].words) == 3
    shown = next(item for item in audit.visualizations if item.name == "saliency").figures[0]
    assert set(names) <= set(_names(audit.figures[shown].alt))
    kept = np.load(folder / "out" / "evidence" / "maps" / "rise.npz")
    assert kept["usable"].sum() <= 3


def test_on_enough_pictures_it_is_checked_as_any_other(folder: Path) -> None:
    audit, rise = with_rise(folder, 16)

    assert audit.failures == ()
    assert rise.images == 16
    assert {check.metric for check in rise.trust_checks} == {"class_consistency", "stability", "randomisation"}


def test_its_cost_is_that_of_the_few(folder: Path) -> None:
    text = "version: 1\nname: toy\nmodel: {source: python, factory: net.py:make}\n"
    text += "dataset: {source: csv, path: sample.csv, sample: {size: 80}}\n"
    (folder / "spec.yaml").write_text(text + "visualizations: [{use: rise, masks: 400, most_images: 4}]\n")

    costs = {name: cost for kind, name, cost in make_plan(folder / "spec.yaml").costs() if kind == "visualizations"}

    assert costs == pytest.approx({
        "one shared pass for all gradient maps": 4 / 80,  # it needs no gradient
        "trying shorter number formats": 4 * 400 / 80,
        "rise, for 4 of 80 pictures": 4 * 400 / 80,
    })  # fmt: skip


def test_what_costs_hundreds_of_forwards_is_in_full_for_few_pictures_only() -> None:
    for name in names("visualizers"):
        part = load("visualizers", name)
        for preset, options in part.budgets.items():
            made = part(**options)
            if made.forwards(224, 224) >= 200:  # type: ignore[attr-defined]
                assert preset == "full"
                assert made.most_images is not None or name == "occlusion"  # type: ignore[attr-defined]


def _names(words: str) -> list[str]:
    return [word.rstrip(",.") for word in words.split() if word.rstrip(",.").endswith(".png")]
