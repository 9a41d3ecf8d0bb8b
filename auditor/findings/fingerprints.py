"""A name for a finding that is the same in the next audit, whatever was measured and wherever the spec has it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence

from auditor.records import Audit, Check

_NUMBERED = re.compile(r"(^|\.)(overlay|frame|moving)-\d+(?=-|\.|$)")
"""Marks that are found in the data are numbered in the order of finding, which another sample changes."""


def fingerprinted(name: str, checks: Sequence[Check]) -> list[Check]:
    """The checks with fingerprints over the whole stable key: audit, kind, region, class.

    Args:
        name: Of the audit.
    """
    seen: Counter[tuple[str, str | None, str | None]] = Counter()
    done = []
    for check in checks:
        key = (check.kind, stable_region(check), check.class_name)
        seen[key] += 1
        done.append(check.model_copy(update={"fingerprint": fingerprint(name, *key, number=seen[key])}))
    return done


def fingerprint(name: str, kind: str, region: str | None, class_name: str | None, *, number: int = 1) -> str:
    """SHA-256 of the key, 32 hexadecimal digits of it.

    Args:
        number: Of several checks with one key, as two marks in the same corner.
    """
    key = [name, kind, region, class_name, *([number] if number > 1 else [])]
    return hashlib.sha256(json.dumps(key, ensure_ascii=False).encode()).hexdigest()[:32]


def stable_region(check: Check) -> str | None:
    """The region's name without the number that found marks carry: overlay-top-left."""
    return None if check.region is None else stable_id(check.region.name)


def stable_id(name: str) -> str:
    """An id, or a region's name, without the numbers that found marks carry."""
    return _NUMBERED.sub(r"\1\2", name)


def keyed(audit: Audit) -> Audit:
    """The audit with fingerprints, also where it was written before there were any."""
    if all(check.fingerprint is not None for check in audit.checks):
        return audit
    return audit.model_copy(update={"checks": tuple(fingerprinted(audit.name, audit.checks))})
