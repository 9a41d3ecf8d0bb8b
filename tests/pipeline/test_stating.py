"""The next audit is due when the spec says."""

from __future__ import annotations

from datetime import date

import pytest

from auditor.pipeline.stating import next_audit


@pytest.mark.parametrize(
    ("wanted", "due"),
    [
        (None, ""),
        (date(2027, 5, 1), "2027-05-01"),
        ("6 months", "2027-02-28"),
        ("18 months", "2028-02-29"),
        ("1 year", "2027-08-31"),
        ("2 weeks", "2026-09-14"),
        ("90 days", "2026-11-29"),
    ],
)
def test_a_distance_counts_from_the_end_of_the_audit(wanted: date | str | None, due: str) -> None:
    assert next_audit(wanted, "2026-08-31T23:59:59Z") == due
