"""What a system lacks is named with its package, and what it can do without is not asked for."""

from __future__ import annotations

import ctypes.util

import pytest

from auditor.system_packages import missing_pango


def test_ubuntu_22_04_which_has_no_harfbuzz_subset_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"pango-1.0": "libpango-1.0.so.0", "pangoft2-1.0": "libpangoft2-1.0.so.0"}
    monkeypatch.setattr(ctypes.util, "find_library", there.get)

    assert missing_pango() is None


def test_a_system_without_pango_is_told_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)

    missing = missing_pango()

    assert missing == "missing (pango-1.0, pangoft2-1.0): apt-get install libpango-1.0-0 libpangoft2-1.0-0"
