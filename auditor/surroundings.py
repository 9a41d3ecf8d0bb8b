"""What the environment says: tokens and, in a CI job, where the job runs."""

from __future__ import annotations

import os


def setting(*names: str) -> str:
    """The first of these environment variables that is set; "" where none is."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def required(what: str, *names: str) -> list[str]:
    """A sentence where none of the variables is set."""
    return [] if setting(*names) else [f"{' or '.join(names)} is not set: {what}"]
