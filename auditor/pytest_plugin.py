"""A fixture for pytest: `assert_audit(spec)` audits a model and fails the test as the gate would.

def test_the_model_reads_signs_and_no_frames(assert_audit):
    assert_audit("specs/signs.yaml")
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from auditor.api import Audit

_AS_WRITTEN: Mapping[str, object] = MappingProxyType({})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --audit-output."""
    group = parser.getgroup("auditor", "audits of models")
    group.addoption(
        "--audit-output", metavar="DIR", help="Where assert_audit keeps its run folders; a temporary folder otherwise."
    )


class AssertAudit:
    """Runs audits for one test."""

    def __init__(self, root: Path, kept: Path | None, temporary: Path) -> None:
        self._root, self._kept, self._temporary = root, kept, temporary

    def __call__(self, spec: str | Path, *, overrides: Mapping[str, object] = _AS_WRITTEN) -> Audit:
        """Audit, and fail the test unless the gate passes; an incomplete audit fails it too.

        Args:
            spec: The YAML spec; relative to pytest's root folder.
            overrides: Values of the spec to set, by dotted key: {"policy.fail_on": "medium"}.

        Returns:
            The audit, for further questions.
        """
        __tracebackhide__ = True
        import auditor
        from auditor.errors import AuditorError

        path = self._root / spec
        time = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S-%fZ}"
        folder = (self._kept or self._temporary) / path.stem / time
        try:
            audit = auditor.run(path, folder=folder, overrides=overrides)
        except AuditorError as error:
            pytest.fail(f"the audit could not run:\n{error}", pytrace=False)
        if not audit.passed:
            pytest.fail(_words(audit), pytrace=False)
        return audit


@pytest.fixture
def assert_audit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AssertAudit:
    """Audit a model by its spec and fail the test as the gate would: `assert_audit("specs/signs.yaml")`."""
    kept = request.config.getoption("--audit-output")
    where = None if kept is None else Path(kept).resolve()
    return AssertAudit(request.config.rootpath, where, tmp_path_factory.mktemp("audit"))


def _words(audit: Audit) -> str:
    from auditor.findings.words import headline

    reasons = "".join(f"\n  · {reason}" for reason in audit.reasons)
    return f"{headline(audit)}{reasons}\n  {audit.folder}"
