from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, recall_score

from auditor.metrics.performance import Performance
from tests.metrics.contexts import guesses, scored


def test_accuracy_and_macro_accuracy_are_those_of_scikit_learn() -> None:
    scores, labels = guesses(90, 4)
    labels[:50] = 1
    predicted = scores.argmax(axis=1)

    accuracy, macro = Performance().measure(scored(scores, labels)).measurements

    assert (accuracy.name, accuracy.count) == ("accuracy", 90)
    assert accuracy.value == pytest.approx(accuracy_score(labels, predicted))
    assert macro.value == pytest.approx(balanced_accuracy_score(labels, predicted))


def test_accuracy_carries_the_wilson_interval() -> None:
    scores, labels = guesses(40, 3)
    right = int((scores.argmax(axis=1) == labels).sum())
    expected = binomtest(right, 40).proportion_ci(method="wilson")

    accuracy = Performance().measure(scored(scores, labels)).measurements[0]

    assert (accuracy.low, accuracy.high) == pytest.approx((expected.low, expected.high))


def test_pictures_that_belong_together_widen_the_intervals() -> None:
    scores, labels = (np.repeat(array, 6, axis=0) for array in guesses(12, 2))
    patient = np.repeat(np.arange(12), 6)

    alone = Performance().measure(scored(scores, labels)).measurements
    together = Performance().measure(scored(scores, labels, clusters=patient)).measurements

    for one, other in zip(alone, together, strict=True):
        assert one.value == other.value
        assert other.high - other.low > 1.5 * (one.high - one.low)


def test_every_class_is_listed_with_its_recall_and_none_without_pictures() -> None:
    scores, labels = guesses(60, 5)
    labels[labels == 3] = 0
    expected = recall_score(labels, scores.argmax(axis=1), labels=[0, 1, 2, 4], average=None)

    rows = Performance().measure(scored(scores, labels)).tables["per_class"]

    assert [row["class"] for row in rows] == [f"class {index}" for index in range(5)]
    assert [rows[index]["value"] for index in (0, 1, 2, 4)] == pytest.approx(expected)
    assert rows[3] == {"class": "class 3", "n": 0, "correct": 0, "value": None, "low": 0.0, "high": 1.0}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows if row["n"])


def test_the_confusion_table_has_true_classes_in_rows() -> None:
    scores, labels = guesses(80, 4)

    table = Performance().measure(scored(scores, labels)).tables["confusion"]

    assert table["classes"] == ["class 0", "class 1", "class 2", "class 3"]
    assert np.array_equal(table["matrix"], confusion_matrix(labels, scores.argmax(axis=1)))


def test_with_many_classes_the_most_frequent_mistakes_are_listed() -> None:
    labels = np.repeat(np.arange(60), 2)
    said = labels.copy()
    said[[0, 1]] = 7
    said[10] = 3

    table = Performance().measure(scored(np.eye(60)[said], labels)).tables["confusion"]

    assert table == {"pairs": [["class 0", "class 7", 2], ["class 5", "class 3", 1]]}


def test_pictures_without_a_label_do_not_count() -> None:
    scores, labels = guesses(50, 3)
    partly = np.where(np.arange(50) < 30, labels, -1)

    whole = Performance().measure(scored(scores[:30], labels[:30]))
    part = Performance().measure(scored(scores, partly))

    assert part == whole


def test_without_labels_nothing_is_measured_and_the_reason_is_given() -> None:
    scores, _ = guesses(10, 3)

    result = Performance().measure(scored(scores, np.full(10, -1)))

    assert [(m.name, m.value, m.count, m.reason) for m in result.measurements] == [
        ("accuracy", None, 0, "the sample has no labels"),
        ("macro_accuracy", None, 0, "the sample has no labels"),
    ]
    assert result.tables == {}


@pytest.mark.parametrize("labels", [[0], [2], [0, 0, 0], [0, 0, 0, 0, 1]])
def test_tiny_and_lopsided_samples_are_never_sure(labels: list[int]) -> None:
    scores = np.eye(3)[np.zeros(len(labels), int)]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = Performance().measure(scored(scores, np.array(labels))).measurements

    assert all(0 <= m.low <= m.value <= m.high <= 1 and m.high - m.low > 0.1 for m in measured)


def test_the_note_says_whether_accuracy_is_above_chance() -> None:
    scores, labels = guesses(200, 2, skill=6)
    shuffled = np.random.default_rng(1).permutation(labels)

    skilled = Performance().measure(scored(scores, labels)).measurements[0].note
    lucky = Performance().measure(scored(scores, shuffled)).measurements[0].note

    assert skilled.endswith("; above chance (0.56), one-sided p < 0.001")
    assert "; not shown to be above chance (0.5" in lucky
    assert float(lucky.rsplit("= ")[-1]) > 0.05


def test_names_of_the_data_stand_in_where_the_model_names_no_classes() -> None:
    context = scored(*guesses(20, 2))
    nameless = replace(context, model=replace(context.model, classes=()))

    def names(context: object) -> list[str]:
        return [row["class"] for row in Performance().measure(context).tables["per_class"]]

    assert names(replace(nameless, classes=("cat", "dog"))) == ["cat", "dog"]
    assert names(nameless) == ["0", "1"]
