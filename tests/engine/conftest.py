from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real networks and photos, which a user does not have."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = Path(os.environ.get("AUDITOR_SHARED_DATA", default))
    if not (path / "weights").is_dir():
        pytest.skip(f"no real networks at {path}; set AUDITOR_SHARED_DATA")
    return path
