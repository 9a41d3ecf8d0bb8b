"""What a spec asks, apart from how it is written: the same question asked again is another attempt."""

from __future__ import annotations

import hashlib
import json

from auditor.spec.audit_spec import AuditSpec
from auditor.spec.reading import SpecFile

WORDS = ("title", "purpose", "owner", "report")
"""Sections that tell people something and change no number."""
PLACES = ("waivers", "baseline")
"""Of `policy`: where files lie. What stands in them is accepted or known, not asked."""


def question_digest(spec: AuditSpec, file: SpecFile) -> str:
    """SHA-256 of all values that decide what is measured and where it fails.

    Comments, the order of keys and defaults that are written out make no difference, nor does how a value was given (in
    the file or by `--set`); values that came from the environment count as one, so that no secret can be guessed.

    Args:
        spec: With every default filled in.
        file: Says which values came from the environment.
    """
    asked = spec.model_dump(mode="json", exclude_defaults=True, exclude=set(WORDS))
    asked["policy"] = {key: value for key, value in asked.get("policy", {}).items() if key not in PLACES}
    shown = json.dumps(file.masked_as(asked), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(shown.encode()).hexdigest()
