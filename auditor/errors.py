"""What can go wrong that the user can mend. Everything else is our own bug and keeps its traceback.

AuditorError                 exit code 2 unless said otherwise
├── SpecError                every mistake in a spec, each with its line
├── ModelError               the model cannot be built, loaded or run
│   └── NotApplicableError        a method means nothing on this model
├── DataError                the data set cannot be read, or nothing in it can be
├── PartError                a visualizer, probe, metric or report name is unknown or clashes
├── RunFolderError           a run folder is missing, unfinished, altered or cannot be written
├── RenderError              a report could not be rendered completely
├── LanguageError            no catalogue of that language, or one that cannot be read
├── SignatureError           a report could not be signed, or its signature could not be checked
├── PublishError             a service that an audit is published to refused, or cannot be reached
└── SystemPackageError       a system library is missing; the message names the package to install
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class AuditorError(Exception):
    """A mistake that the user can mend: the message says where, what and what instead."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake at one place.

    Attributes:
        file: Path as the user gave it.
        line: 1-based line; None where the whole file is meant.
        what: What is wrong, and what would be right.
    """

    file: str
    line: int | None
    what: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.what}"


class SpecError(AuditorError):
    """All mistakes of a spec at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ModelError(AuditorError):
    """The model cannot be built, loaded or run as the spec says."""


class NotApplicableError(ModelError):
    """A method means nothing on this model, or on this layer; nothing broke, and others can be used."""


class DataError(AuditorError):
    """The data set cannot be read, or no picture in it can."""


class PartError(AuditorError):
    """A part's name is unknown, or two packages claim it."""


class RunFolderError(AuditorError):
    """A run folder is missing, unfinished, altered or cannot be written."""


class RenderError(AuditorError):
    """A report could not be rendered completely; nothing half-written is left."""


class LanguageError(AuditorError):
    """There is no catalogue of a language, or it cannot be read."""


class SignatureError(AuditorError):
    """A report could not be signed, or its signature could not be checked: key, certificate, or pyHanko missing."""


class PublishError(AuditorError):
    """A service refused what was published, cannot be reached, or lacks a setting; never holds a token."""


class SystemPackageError(AuditorError):
    """A system library is missing."""
