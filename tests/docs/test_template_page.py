"""The list of template variables is that of the view's classes."""

from __future__ import annotations

from auditor.shipped import template_names
from docs.template_page import PAGE, undescribed, with_variables


def test_the_variables_are_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text == with_variables(text), "run: python -m docs.template_page"


def test_every_variable_is_described() -> None:
    assert undescribed() == []


def test_every_shipped_template_is_described() -> None:
    rows = [line.split("`")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

    assert tuple(rows[:3]) == ("default", "summary", "medical")
    assert sorted(rows[:3]) == sorted(template_names())
