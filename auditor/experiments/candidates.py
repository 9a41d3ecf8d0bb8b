"""A region before it is tested, and a check that could not be made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.evidence import CheckEvidence
from auditor.regions import Region

__all__ = ["Candidate", "empty_check"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A region to be tested, and what it is compared with.

    Attributes:
        controls: Matched control regions; the effect at the region minus their mean is tested.
        eligible: bool (n,): pictures that may take part, as recipient and donor; None for all.
        carriers: bool (n,): pictures that carry an artefact. They alone are donors, the others alone are recipients;
            None where everybody is both.
        off_object: Whether the region provably does not touch the object in the eligible pictures.
        judged: False where following proves nothing (inside the picture).
    """

    region: Region
    controls: tuple[Region, ...]
    eligible: np.ndarray | None = None
    carriers: np.ndarray | None = None
    off_object: bool = False
    judged: bool = True


def empty_check(kind: str, region: Region | None, why: str, class_name: str | None = None) -> CheckEvidence:
    """A check that could not be made, with the reason."""
    return CheckEvidence(
        kind=kind, region=None if region is None else region.record(), class_name=class_name, not_tested=why
    )
