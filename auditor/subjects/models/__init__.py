"""Model sources: one file each. A source builds the module; weights, classes and preprocessing are shared steps."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from auditor.registry import Part

if TYPE_CHECKING:
    from torch import nn

    from auditor.records import KeptModel
    from auditor.subjects import Preprocessing

__all__ = ["ModelSource", "StoredModel"]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A module that its source keeps together with its weights.

    Attributes:
        module: With its weights, on the CPU.
        sha256: Of the file that holds them.
        version: What the registry calls the version; None where it does not say.
        notes: What was done on the way: for the report.
    """

    module: nn.Module
    sha256: str
    kept: KeptModel
    version: str | None
    notes: tuple[str, ...]


class ModelSource(Part):
    """Builds an untrained module; its fields are the source's own keys under `model`."""

    whole: ClassVar[bool] = False
    """Whether its models come whole, built and trained (`stored`): then `weights` and `options` mean nothing, and the
    architecture shows only when it is loaded."""

    @abstractmethod
    def build(self, *, folder: Path, options: dict[str, Any]) -> nn.Module:
        """Construct the module, on whatever default device is active (meta for `plan`).

        Args:
            folder: The spec's folder; relative paths start there.
            options: `model.options`, arguments of the constructor.

        Raises:
            ModelError: Unknown name, broken factory, refused options.
        """

    @abstractmethod
    def display_name(self) -> str:
        """What the report calls the model."""

    def problems(self, *, folder: Path, weights: str | None) -> list[tuple[str, str]]:
        """Mistakes that show without building: (key under `model`, message). Must not import torch."""
        return []

    def own_weights(self, weights: str) -> tuple[dict[str, Any], Preprocessing, tuple[str, ...]] | None:
        """State dict, preset preprocessing and class names where the source knows `weights` by name; else None."""
        return None

    def options_with(self, weights: str) -> dict[str, Any]:
        """Constructor options that belong to weights of the source's own (an image size); `model.options` win."""
        return {}

    def stored(self, *, expected_sha256: str | None) -> StoredModel | None:
        """The model where the source keeps it whole; None where `build` makes it.

        Args:
            expected_sha256: From the spec; checked before anything is parsed.

        Raises:
            ModelError: It is not there or cannot be reached, is another one than expected, cannot be loaded, or would
                run code that the spec does not allow.
        """
        return None

    def weights_file(self, weights: str) -> Path | None:
        """The local file that `own_weights` read, for its digest; None where there is none."""
        return None
