"""Report formats: one file each, rendered from a run folder without torch and without the model."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from auditor.languages import DEFAULT
from auditor.records import Audit
from auditor.registry import Part

__all__ = ["RenderOptions", "Report"]


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What `auditor render` may change.

    Attributes:
        templates: A user's template folder; its files win over ours one by one.
        template: Name of the shipped template.
        language: What it is written in, as `auditor.languages` names it.
        images: False leaves all pictures of the sample out.
        thumbnails: Whether they are shown all the same, so small that a face is a few pixels.
        max_size: Bytes of report.html and of report.pdf, at most; None: as small as reports are by themselves.
        originals: The run folder, where another audit is rendered than it holds: what differs is declared.
        chunk: Images of the sample that one process lays out for print; more are laid out in further processes.
    """

    template: str = "default"
    templates: Path | None = None
    language: str = DEFAULT
    images: bool = True
    thumbnails: bool = False
    max_size: int | None = None
    originals: Path | None = None
    chunk: int = 250


class Report(Part):
    """One output format."""

    embeds: ClassVar[bool] = False
    """Whether it holds other formats and so is written after them."""

    @abstractmethod
    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        """Render into the run folder, atomically: a file appears whole or not at all.

        Args:
            audit: What to render; figure paths in it are relative to `run`.
            run: The run folder.

        Returns:
            The files written.

        Raises:
            RenderError: Anything missing or broken; says which figure or template line.
            SystemPackageError: A system library is missing; names the Debian package.
        """
