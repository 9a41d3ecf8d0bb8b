"""Studies within a run: each draws its exhibits, and what breaks leaves the others alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from auditor.engine.predictor import Predictor
from auditor.errors import NotApplicableError
from auditor.pipeline.gallery import Gallery
from auditor.pipeline.inside import study
from auditor.plan import make_plan
from auditor.progress import Silent
from auditor.runs import RunFolder
from auditor.studies import Audited, Colouring, PictureRow, PictureSheet, PointChart, Projection, Study, Tile
from auditor.visualizers import Observation, StudyVisualizer
from tests.models import ReadsTheCorner, loaded, pictures, sample_of

pytest.importorskip("cv2")
PHOTO = np.zeros((16, 12, 3), np.uint8)


class Shows(StudyVisualizer):
    """Brings one of everything."""

    reading = "Look."

    def study(self, audited: Audited, observed: Sequence[Observation]) -> Sequence[Study]:
        rows = [PictureRow(("row",), [Tile(PHOTO)] * 6)] * 10
        points = np.random.default_rng(0).normal(size=(len(audited.sample), 2))
        groups = Colouring("by class", ["a"], np.zeros(len(audited.sample), dtype=int))
        return [
            Study([PictureSheet(rows, "Rows.", "Ten rows.")], "layer", remarks=["as told"]),
            Study([PointChart([Projection("PCA", points)], groups, "Points.", "Points.")]),
        ]


class Breaks(Shows):
    """Fails."""

    def study(self, audited: Audited, observed: Sequence[Observation]) -> Sequence[Study]:
        raise ZeroDivisionError("by nothing")


class MeansNothing(Shows):
    """Says that it means nothing here."""

    def study(self, audited: Audited, observed: Sequence[Observation]) -> Sequence[Study]:
        raise NotApplicableError("nothing to see")


def test_exhibits_are_drawn_and_what_breaks_or_means_nothing_is_told(tmp_path: Path) -> None:
    images, labels = pictures(6)
    predictor = Predictor(loaded(ReadsTheCorner()), torch.device("cpu"), chunk=4)
    subject: Any = SimpleNamespace(
        predictor=predictor, sample=sample_of(images, labels), layers=SimpleNamespace(names=()), classes=("a", "b"),
        predicted=labels, clusters=np.arange(6),
    )  # fmt: skip
    gallery = Gallery(RunFolder(tmp_path))
    parts = {"breaks": Breaks(), "nothing": MeansNothing(), "shows": Shows(), "given_up": Breaks()}

    records, refusals = study(parts, {}, {"given_up"}, subject, 0, gallery, Silent())

    assert refusals == [("breaks", "ZeroDivisionError: by nothing", False), ("nothing", "nothing to see", True)]
    assert [(one.name, one.layer, one.images) for one in records] == [("shows", "layer", 6), ("shows", None, 6)]
    assert records[0].remarks == ("as told",)
    parts_of_sheet = [f"figures/shows-layer{'' if part == 1 else f'-{part}'}.svg" for part in range(1, 6)]
    assert records[0].figures == tuple(parts_of_sheet), "ten rows, two on each"
    captions = [gallery.pictures[path].caption for path in parts_of_sheet]
    assert captions == ["", "", "", "", "Rows."], "the last part has the caption of all"
    assert gallery.pictures[parts_of_sheet[1]].alt.endswith("Part 2 of 5.")
    assert gallery.pictures["figures/shows.svg"].reading == "Look."


def test_what_is_spent_once_is_spread_over_the_sample_in_the_plan(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        """
        version: 1
        name: once
        title: A spec
        purpose: A test.
        owner: us
        model: {source: torchvision, name: resnet18, weights: DEFAULT}
        dataset: {source: folder, path: pictures, sample: {size: 50}}
        visualizations: [{use: activation_maximization, steps: 10, starts: 1, classes: 1, channels: 0}, embedding_map]
        """
    )

    costs = {name: forwards for kind, name, forwards in make_plan(spec).costs() if kind == "visualizations"}

    assert costs["activation_maximization"] == (3 * 10 + 1) / 50
    assert costs["embedding_map"] == 1
