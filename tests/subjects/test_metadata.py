"""Metadata columns as groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from auditor.subjects import Sample
from auditor.subjects.metadata import metadata_columns
from tests.models import sample_of


def sample_with(**columns: list[str]) -> Sample:
    count = len(next(iter(columns.values())))
    sample = sample_of(np.zeros((count, 3, 12, 16), np.uint8), np.zeros(count, int))
    pictures = [
        replace(picture, groups={name: cells[i] for name, cells in columns.items() if cells[i]})
        for i, picture in enumerate(sample.pictures)
    ]
    return replace(sample, pictures=pictures)


def test_groups_are_numbered_in_order_and_empty_cells_said() -> None:
    columns, notes = metadata_columns(sample_with(site=["south", "north", "", "south"], sex=["F", "M", "F", "F"]))

    assert [column.name for column in columns] == ["site", "sex"]
    assert columns[0].groups == ("north", "south")
    assert columns[0].code.tolist() == [1, 0, -1, 1]
    assert notes == ["site: 1 of 4 pictures have no value and are left out"]


def test_a_quantity_is_cut_into_thirds_and_said_so() -> None:
    columns, notes = metadata_columns(sample_with(age=[str(20 + i) for i in range(30)]))

    assert columns[0].groups == ("29 to 39", "over 39", "up to 29")
    assert np.bincount(columns[0].code).tolist() == [10, 10, 10]
    assert notes == ["age: a quantity, cut into thirds at 29 and 39"]


def test_a_few_numbers_are_names() -> None:
    columns, notes = metadata_columns(sample_with(scanner=["1", "2", "1", "3"]))

    assert columns[0].groups == ("1", "2", "3")
    assert notes == []


def test_without_metadata_there_are_no_columns() -> None:
    assert metadata_columns(sample_of(np.zeros((2, 3, 12, 16), np.uint8), np.zeros(2, int))) == ([], [])
