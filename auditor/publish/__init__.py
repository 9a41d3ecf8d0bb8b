"""Where an audit is published: one file each. Everything is read from a run folder, without torch and the model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import sleep

from pydantic import Field

from auditor.publish._parcels import Parcels
from auditor.registry import Part

__all__ = ["Outcome", "Parcels", "Reach", "Sending", "Target"]


class Reach(StrEnum):
    """Who can read what is put there."""

    PUBLIC = "anybody"
    CLOSED = "people who are let in"
    UNKNOWN = "nobody can tell from here"


@dataclass(frozen=True, slots=True)
class Sending:
    """How requests leave.

    Attributes:
        show: Where a dry run prints its requests; None sends them.
        warn: Takes what a person should know, a sentence at a time.
        pause: Waits so many seconds before a request is tried again.
    """

    show: Callable[[str], None] | None = None
    warn: Callable[[str], None] = field(default=lambda _: None)
    pause: Callable[[float], None] = sleep


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a target has now.

    Attributes:
        address: Where a person can look at it; "" where the service names none.
        done: What was made, changed, kept or left out, a sentence each.
    """

    address: str
    done: tuple[str, ...]


class Target(Part):
    """One place that an audit is published to. Tokens come from the environment, never from options."""

    place: str = Field("", description="what follows the colon in --to; where it is absent, the CI's variables say it")

    @abstractmethod
    def missing(self) -> list[str]:
        """What must be set before anything can be sent, a sentence each; empty when all is there."""

    @abstractmethod
    def reach(self, sending: Sending) -> Reach:
        """Who could look at pictures that are put there.

        Raises:
            PublishError: The service cannot be reached, or refuses.
        """

    @abstractmethod
    def picture_files(self, parcels: Parcels) -> list[str]:
        """Files with pictures of the sample that would be sent."""

    @abstractmethod
    def publish(self, parcels: Parcels, sending: Sending) -> Outcome:
        """Put the audit there; the same audit again changes what is there, and adds nothing.

        Raises:
            PublishError: The service refuses or cannot be reached; says what to set or to ask for.
        """
