"""Each line of docs/models.md names a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.engine.test_awkward_models import AWKWARD

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][1:]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)(?:\[(.+)\])?`")


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_the_test_that_a_line_names_is_there(row: list[str]) -> None:
    found = NAMED.fullmatch(row[-1].strip())

    assert len(row) == 3
    assert found is not None
    file, name, case = found.groups()
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), name
    assert case is None or case in AWKWARD


def test_every_way_to_be_awkward_has_its_line() -> None:
    named = {found.group(3) for found in NAMED.finditer(PAGE) if found.group(3)}

    assert named == set(AWKWARD)
