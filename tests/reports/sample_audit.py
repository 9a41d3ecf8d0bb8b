"""The made-up audit as tests use it: a class name in Chinese and file names that are attacks on whatever renders them.

With `hostile`, class names are attacks too.
"""

from __future__ import annotations

from pathlib import Path

from auditor.records import Audit
from auditor.sample import base

CLASSES = (*base.CLASSES[:3], "肺结节 nodule")
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "a-very-long-class-name-" * 9)


def build(folder: Path, *, images: int = 24, hostile: bool = False) -> Audit:
    """Write a run folder (audit.json, spec.yaml, figures) and return its audit."""
    unreadable = 'bad/"><img src=x onerror=alert(1)>.png'
    return base.build(folder, images=images, classes=HOSTILE if hostile else CLASSES, unreadable=unreadable)
