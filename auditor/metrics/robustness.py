"""Robustness: what share of the sample stays right when each pixel may change by a little, in the worst way found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.attacks import fgsm, no_budget, pgd
from auditor.media import EVERY
from auditor.metrics import USUAL, Metric, MetricContext, MetricResult, Workload
from auditor.records import Measurement
from auditor.statistics.intervals import clopper_pearson, mean_interval
from auditor.visualizers import PASS

ATTACKS = ("noise", "fgsm", "pgd")

Budget = Annotated[float, Field(gt=0, le=255)]


class Robustness(Metric):
    """Accuracy when every pixel may change by at most ε of 255 levels, in the worst way that is found.

    FGSM takes one step, x − ε sign(∇m), PGD several of 2.5 ε / steps, each followed by a projection into
    [x − ε, x + ε] and 0 to 255. m = z_t − log Σ exp z_j over the other classes j is the margin of the label's class t
    (without labels: of the predicted one); the cross-entropy is log(1 + exp(−m)), so both gradients point the same way,
    and that of m does not vanish where the model is sure. PGD goes on from where it stood at the smaller ε, and a
    picture that has fallen stays fallen, since the larger ε allows the same change. Noise of ±ε in every value is the
    control. Pixels are not rounded. What no attack found may still exist: these are upper bounds of the true robust
    accuracy, and a model whose gradients are rough or zero looks more robust than it is.

    Source: Goodfellow et al., "Explaining and Harnessing Adversarial Examples", ICLR 2015, section 4; Madry et al.,
    "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018, section 2.1; Clopper and Pearson,
    Biometrika 1934 (intervals).
    """

    media = EVERY
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"full": {}}

    images: int = Field(32, ge=1, description="Pictures drawn from those with a label; without labels, from all.")
    epsilons: tuple[Budget, ...] = Field(
        (0.5, 1.0, 2.0, 4.0, 8.0), min_length=1, description="Largest change of a pixel, in levels of 255."
    )
    steps: int = Field(10, ge=1, le=1000, description="Steps of PGD at each epsilon.")

    def forwards(self, work: Workload = USUAL) -> float:
        each = len(ATTACKS) + self.steps * PASS
        return work.share(self.images) * (PASS + len(self.epsilons) * each)

    def measure(self, context: MetricContext) -> MetricResult:
        labelled = np.flatnonzero(context.sample.labels >= 0)
        what = "robust_accuracy" if len(labelled) else "robust_agreement"
        epsilons = sorted(set(self.epsilons))
        if reason := no_budget(context.sample.images, context.model.preprocessing.transform):
            names = [f"{what}_{attack}_{epsilon:g}" for epsilon in epsilons for attack in ATTACKS]
            return MetricResult([Measurement(name=name, value=None, count=0, reason=reason) for name in names])
        pool = labelled if len(labelled) else np.arange(len(context.sample))
        draw = np.random.default_rng([context.seed, 12])
        rows = np.sort(pool[draw.permutation(len(pool))[: self.images]])
        targets = (context.sample.labels if len(labelled) else context.predicted)[rows]
        right = self._attacked(context, rows, targets, epsilons)
        clean = _share(what, context.predicted[rows] == targets, rows, context)
        found = {
            attack: [
                _share(f"{what}_{attack}_{epsilon:g}", kept, rows, context)
                for epsilon, kept in zip(epsilons, each, strict=True)
            ]
            for attack, each in right.items()
        }
        curves = {
            attack: {end: [getattr(item, end) for item in (clean, *each)] for end in ("value", "low", "high")}
            for attack, each in found.items()
        }
        table = {"epsilons": [0.0, *epsilons], "images": len(rows), "of": what, "curves": curves, "steps": self.steps}
        measurements = [item for each in zip(*found.values(), strict=True) for item in each]
        return MetricResult(measurements, tables={"robustness": table})

    def _attacked(
        self, context: MetricContext, rows: np.ndarray, targets: np.ndarray, epsilons: list[float]
    ) -> dict[str, list[np.ndarray]]:
        """Attack → which pictures are right at each epsilon, bool (m,)."""
        import torch

        from auditor.engine.margin_gradients import margin_gradient

        predictor = context.predictor
        gradient = partial(margin_gradient, predictor)
        clean = context.sample.images[torch.from_numpy(rows)].float()
        downhill = gradient(clean, targets)
        signs = np.stack(
            [np.random.default_rng([context.seed, 13, int(row)]).choice((-1.0, 1.0), clean.shape[1:]) for row in rows]
        )
        noise = torch.from_numpy(signs).float()
        stands = context.predicted[rows] == targets
        changed = clean
        right: dict[str, list[np.ndarray]] = {attack: [] for attack in ATTACKS}
        for number, epsilon in enumerate(epsilons):
            context.progress(number, len(epsilons), "looking for adversarial examples")
            for attack, against in (("noise", -noise), ("fgsm", downhill)):
                moved = fgsm(clean, against, epsilon)
                right[attack].append(predictor.scores(moved).argmax(axis=1) == targets)
            open_ = np.flatnonzero(stands)
            chosen = torch.from_numpy(open_)
            if len(open_):
                changed = changed.clone()
                changed[chosen] = pgd(
                    gradient, clean[chosen], changed[chosen], targets[open_], epsilon, steps=self.steps
                )
                stands = stands.copy()
                stands[open_] = predictor.scores(changed[chosen]).argmax(axis=1) == targets[open_]
            right["pgd"].append(stands)
        context.progress(len(epsilons), len(epsilons), "looking for adversarial examples")
        return right


def _share(name: str, kept: np.ndarray, rows: np.ndarray, context: MetricContext) -> Measurement:
    """Clopper and Pearson, or over clusters where pictures belong together."""
    clusters, count, right = context.clusters_of(rows), len(kept), int(kept.sum())
    if len(np.unique(clusters)) < count:
        low, high = mean_interval(kept, clusters, seed=context.seed)
        kind = "bootstrap over clusters"
    else:
        low, high = clopper_pearson(right, count)
        kind = "Clopper-Pearson interval"
    value = right / count
    note = f"{right} of {count} {context.sample.medium.several}; {kind}; an upper bound of the true robust accuracy"
    return Measurement(name=name, value=value, low=min(low, value), high=max(high, value), count=count, note=note)
