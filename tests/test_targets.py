"""Targets: one type for what is explained, with the indexing that visualizers do."""

from __future__ import annotations

import pytest
import torch

from auditor.errors import ModelError
from auditor.targets import OwnScore, Targets, as_targets

LOGITS = torch.tensor([[1.0, 2.0, 5.0], [4.0, 0.5, 3.0]])
CAT_MINUS_DOG = Targets(torch.tensor([0, 2]), torch.tensor([1, 0]), words="cat minus dog")


def test_a_class_is_its_score_and_a_difference_that_of_the_one_less_the_other() -> None:
    assert as_targets(torch.tensor([2, 0])).of(LOGITS).tolist() == [5.0, 4.0]
    assert CAT_MINUS_DOG.of(LOGITS).tolist() == [-1.0, -1.0]


def test_a_single_logit_speaks_for_class_1_and_against_class_0() -> None:
    logits = torch.tensor([[3.0], [3.0]])

    assert as_targets(torch.tensor([1, 0])).of(logits).tolist() == [3.0, -3.0]
    assert Targets(torch.tensor([1, 0]), torch.tensor([0, 1])).of(logits).tolist() == [6.0, -6.0]


def test_copies_are_laid_out_as_those_of_a_tensor() -> None:
    classes = torch.tensor([3, 1])
    targets = Targets(classes, classes + 1)

    assert torch.equal(targets.repeat(2).classes, classes.repeat(2))
    assert torch.equal(targets[1].expand(3).classes, classes[1:2].expand(3))
    assert torch.equal(targets[-1].classes, classes[-1:])
    against = targets[torch.tensor([1, 0])].against
    assert against is not None
    assert against.tolist() == [2, 4]
    assert len(targets[:1]) == 1


def test_the_weights_of_a_head_follow_the_target() -> None:
    head = torch.tensor([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])

    assert as_targets(torch.tensor([2, 0])).weights(head).tolist() == [[100.0, 200.0], [1.0, 2.0]]
    assert CAT_MINUS_DOG.weights(head).tolist() == [[-9.0, -18.0], [99.0, 198.0]]
    assert as_targets(torch.tensor([1, 0])).weights(head[:1]).tolist() == [[1.0, 2.0], [-1.0, -2.0]]


def test_a_class_is_ahead_when_it_comes_first_and_a_difference_when_it_is_above_zero() -> None:
    assert as_targets(torch.tensor([2, 2])).ahead(LOGITS).tolist() == [True, False]
    assert CAT_MINUS_DOG.ahead(LOGITS).tolist() == [False, False]


def test_an_unknown_label_is_nothing_to_explain() -> None:
    assert as_targets(torch.tensor([1, -1])).known.tolist() == [True, False]


def test_a_score_of_ones_own_is_one_number_an_image() -> None:
    output = {"out": torch.ones(2, 3, 4, 4)}

    column = OwnScore("road", lambda out: out["out"][:, 1].mean((1, 2))).column(output, 2)

    assert column.tolist() == [[1.0], [1.0]]
    assert Targets(torch.zeros(2).long(), own=OwnScore("road", torch.sum)).of(column).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (torch.ones(2, 4, 4), r"road returned shape \(2, 4, 4\) for 2 images; expected \(2,\)"),
        (torch.ones(2).long(), "road returned values of torch.int64; expected floating-point scores"),
        (0.5, "road returned a float; expected floating-point scores"),
    ],
)
def test_anything_else_is_refused_in_words(returned: object, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        OwnScore("road", lambda out: returned).column(None, 2)  # type: ignore[arg-type, return-value]
