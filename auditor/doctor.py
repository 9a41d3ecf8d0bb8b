"""Finds the preprocessing that fits the labels, among the usual mix-ups; the commonest mistake in such audits."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditor.engine.device import choose_device
from auditor.engine.predictor import Predictor
from auditor.errors import DataError
from auditor.statistics.intervals import wilson
from auditor.statistics.testing import ALPHA
from auditor.subjects.loading import load_model
from auditor.subjects.preprocessing import decodes_alike, preprocessing_variants
from auditor.subjects.sampling import load_sample

if TYPE_CHECKING:
    from auditor.plan import Plan
    from auditor.progress import Progress
    from auditor.subjects import Preprocessing


@dataclass(frozen=True, slots=True)
class Fit:
    """How well one way of preprocessing fits the labels.

    Attributes:
        name: What differs from the spec.
        correct, count: Pictures.
        low, high: Wilson interval of the accuracy.
        p: Exact McNemar against the spec's own way, two-sided; None for the spec's own.
        preprocessing: In full.
    """

    name: str
    correct: int
    count: int
    low: float
    high: float
    p: float | None
    preprocessing: Preprocessing

    @property
    def accuracy(self) -> float:
        """Share of pictures that are right."""
        return self.correct / self.count


def preprocessing_fit(plan: Plan, progress: Progress) -> list[Fit]:
    """Accuracy of every variant on the spec's sample, the spec's own first, then the best.

    Raises:
        DataError: The sample has no labels.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    spec = plan.spec
    device = choose_device(spec.runtime.device)
    model = load_model(spec.model, source=plan.model_source, folder=plan.folder, device=device)
    if model.preprocessing.transform is not None:
        raise DataError("model.input.transform: an own transform is code; doctor can only try variants of plain fields")
    variants = preprocessing_variants(model.preprocessing)
    fits: list[Fit] = []
    own: np.ndarray | None = None
    sample, decoded_for = None, None
    for number, (name, preprocessing) in enumerate(variants):
        progress.step(number, len(variants), "trying preprocessings")
        if sample is None or decoded_for is None or not decodes_alike(decoded_for, preprocessing):
            sample, _ = load_sample(
                spec.dataset,
                plan.dataset_source,
                plan.folder,
                preprocessing,
                model.classes,
                workers=os.cpu_count() or 1,
            )
            decoded_for = preprocessing
        known = sample.labels >= 0
        if not known.any():
            raise DataError("dataset: no labels, so nothing tells which preprocessing fits; name a label column")
        tried = Predictor(replace(model, preprocessing=preprocessing), device, chunk=spec.runtime.chunk)
        scores = tried.scores(sample.images)
        right = (scores.argmax(axis=1) == sample.labels)[known]
        p = None
        if own is None:
            own = right
        else:
            table = [[int((own & right).sum()), int((own & ~right).sum())], [int((~own & right).sum()), 0]]
            p = float(mcnemar(table, exact=True).pvalue)
        low, high = wilson(int(right.sum()), len(right))
        fits.append(Fit(name, int(right.sum()), len(right), low, high, p, preprocessing))
    progress.step(len(variants), len(variants), "trying preprocessings")
    return [fits[0], *sorted(fits[1:], key=lambda fit: -fit.correct)]


def better(fits: list[Fit]) -> Fit | None:
    """The variant that is right significantly more often than the spec's own, after Bonferroni; None when none is."""
    own, *others = fits
    able = [f for f in others if f.correct > own.correct and f.p is not None and f.p * len(others) <= ALPHA]
    return able[0] if able else None
