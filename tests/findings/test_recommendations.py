"""What to do about a confirmed kind: a data fix, an augmentation, and the test to repeat."""

from __future__ import annotations

import re

import pytest

from auditor import registry

DATA = r"training data|in the data|from the data|collect|balance|remove|bring all|normalise|look at|inpaint|crop|vary"
AUGMENTATION = r"random|train with|augment|paste|stamp|jitter|training pictures|batches|put it into"
AGAIN = r"audit again with|repeat the audit"


@pytest.mark.parametrize("name", registry.names("probes"))
def test_a_recommendation_names_data_augmentation_and_the_test_to_repeat(name: str) -> None:
    words = registry.load("probes", name).recommendation.lower()  # type: ignore[attr-defined]

    for wanted in (DATA, AUGMENTATION, AGAIN):
        assert re.search(wanted, words), f"{name}: none of {wanted} in: {words}"
