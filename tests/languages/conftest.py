"""The made-up audit that the reports' tests use."""

from __future__ import annotations

import pytest

from auditor.records import Audit
from tests.reports.sample_audit import build


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return build(tmp_path_factory.mktemp("sample"), images=4)


@pytest.fixture(scope="session")
def hostile_sample(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return build(tmp_path_factory.mktemp("hostile-sample"), images=4, hostile=True)
