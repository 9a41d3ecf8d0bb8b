"""An effect must exceed what the place explains and what the seam explains."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.experiments.experiment import PLACEBO, paired
from tests.models import ReadsTheCorner, experiment_on, pictures, sample_of

RECIPIENTS = np.repeat(np.arange(4), 2)


@pytest.mark.parametrize(("seam", "expected", "named"), [(1.0, 0.0, PLACEBO), (0.0, 0.5, "inner")])
def test_the_larger_control_is_subtracted(seam: float, expected: float, named: str) -> None:
    ones = np.ones(8)

    test = paired("follow_rate", "A", ones, 0.5 * ones[None], RECIPIENTS, np.arange(4), ["inner"], seam * ones)

    assert test.differences == pytest.approx([expected] * 4)
    assert test.controls == (named,)


def test_placebo_donors_are_of_the_own_class_and_never_the_picture_itself() -> None:
    experiment = experiment_on(ReadsTheCorner(), sample_of(*pictures()))
    recipient, _ = experiment.pairs("A", 2, "test")

    own = experiment.own_class("A", recipient, "test", None)

    assert (experiment.predicted[own] == experiment.predicted[recipient]).all()
    assert (own != recipient).all()
    assert np.isin(own, experiment.halves["A"]).all()


def test_nothing_to_swap_is_no_outcome_and_no_forward() -> None:
    experiment = experiment_on(ReadsTheCorner(), sample_of(*pictures()))
    before = experiment.predictor.forwards
    recipient, donor = experiment.pairs("A", 2, "test")

    outcomes = experiment.swap([], recipient, donor, "nothing")

    assert outcomes.followed.shape == (0, len(recipient))
    assert experiment.predictor.forwards == before
