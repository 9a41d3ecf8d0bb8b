"""From what a spec wants explained to the targets of a sample's pictures: classes looked up, own scores imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from auditor.spec.target import TargetSpec
from auditor.subjects.user_code import load_callable
from auditor.targets import PREDICTED, OwnScore, Targets

__all__ = ["own_score", "resolved"]


def resolved(
    target: TargetSpec,
    *,
    predicted: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    own: OwnScore | None = None,
) -> Targets:
    """What is explained of each picture.

    Args:
        target: As the spec wants it.
        predicted, labels: int (n,); labels are −1 where they are unknown.
        names: One an output, as many as there are classes.
        own: The callable of a score of one's own.

    Returns:
        On the CPU, (n,); −1 where a label is unknown.

    Raises:
        ValueError: A class that the model does not have; says which is near.
    """
    count = len(predicted)
    indices = target.indices(names, len(names))

    def everywhere(index: int) -> torch.Tensor:
        return torch.full((count,), index, dtype=torch.int64)

    match target.kind:
        case "label":
            return Targets(torch.from_numpy(labels.astype(np.int64)), words="the label")
        case "class":
            return Targets(everywhere(indices[0]), words=names[indices[0]])
        case "difference":
            first, second = indices
            return Targets(everywhere(first), everywhere(second), words=f"{names[first]} minus {names[second]}")
        case "own":
            assert own is not None
            return Targets(everywhere(0), own=own, words=own.name)
    return Targets(torch.from_numpy(predicted.astype(np.int64)), words=PREDICTED)


def own_score(target: TargetSpec, folder: Path) -> OwnScore | None:
    """The score of one's own that a target names; imports its file, which runs it. None where it names none.

    Raises:
        ModelError: It cannot be imported, or is nothing that can be called.
    """
    if target.kind != "own":
        return None
    return OwnScore(target.reference.rpartition(":")[2], load_callable(target.reference, folder))
