"""Transfers of what a class's pictures have together: one donor a recipient says all."""

from __future__ import annotations

import torch

from auditor.evidence import CheckEvidence
from auditor.experiments.experiment import MINIMUM_RECIPIENTS, screen_p
from auditor.experiments.matching import draw_pairs
from auditor.experiments.transfer import Row, Transfer, confirm, follow


def raw_follow_rate(test: Transfer, donor_class: int) -> float:
    """Share of every second recipient of half A that turns to the class: without a control, so it proves nothing."""
    experiment = test.experiment
    pairs = draw_pairs(experiment, test.kind, "A", 1, test.given.positions, test.notes, donor_class).thinned()
    if len(pairs) == 0:
        return 0.0

    def make(start: int, stop: int) -> torch.Tensor:
        return torch.from_numpy(test.given.give(pairs.recipient[start:stop], pairs.donor[start:stop]))

    scores = experiment.predict(len(pairs), make, f"{test.kind}: looking for classes to screen")
    return float((scores.argmax(axis=1) == donor_class).mean())


def check_of_class(test: Transfer, donor_class: int) -> CheckEvidence:
    """Test the property of one class.

    Returns:
        Its record; with `confirm` where it stood out on half A.
    """
    pairs = draw_pairs(test.experiment, test.kind, "A", 1, test.given.positions, test.notes, donor_class)
    if len(pairs) < MINIMUM_RECIPIENTS:
        name = test.experiment.classes[donor_class]
        return CheckEvidence(kind=test.kind, class_name=name, too_few="too few pictures of other classes")
    followed = follow(test.experiment, test.given, pairs, f"{test.kind}: screening")
    screen = followed.test("A", test.experiment.clusters)
    row = Row(donor_class, screen, screen_p([screen], test.experiment.seed)[0])
    return confirm(test, row, taken=row.stood_out)
