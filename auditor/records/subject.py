"""What was audited: the model and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from auditor.records.record import Record


class KeptModel(Record):
    """Where a registry keeps the audited model.

    Attributes:
        uri: models:/NAME/VERSION, or runs:/RUN_ID/PATH.
        asked: As the spec names it: an alias may name another version tomorrow.
        server: Address of the registry, without credentials.
        run_id: The run that made it; None where the registry does not say.
        sha256: Digest of the whole artifact: of the lines that sha256sum prints for its files, sorted by path.
        unpickled: Whether code that came with it was run, because the spec allows it.
    """

    uri: str
    asked: str
    server: str
    run_id: str | None = None
    sha256: str
    unpickled: bool = False


class ModelRecord(Record):
    """The system under test. `sha256_before` and `_after` are digests of the state dict and its flags."""

    source: str
    name: str
    version: str | None = None
    architecture: str
    parameters: int
    file_sha256: str | None = None
    sha256_before: str
    sha256_after: str
    layers: tuple[str, ...]
    layer_notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    output: str = "softmax"
    preprocessing: Mapping[str, Any] = Field(default_factory=dict)
    kept: KeptModel | None = None
    """None where it was not loaded from a registry."""


class Unreadable(Record):
    """A picture that could not be used, and why."""

    image: str
    why: str


class SampleRecord(Record):
    """Which pictures were looked at. `digest` covers their names, bytes and labels."""

    source: str
    medium: str = "picture"
    """picture, clip or volume."""
    path: str
    available: int
    size: int
    readable: int
    unreadable: tuple[Unreadable, ...] = ()
    converted: tuple[Unreadable, ...] = ()
    """Readable, but changed on the way in (CMYK, palette, 16 bit, rotated by EXIF): what was done."""
    duplicates: tuple[tuple[str, ...], ...] = ()
    digest: str
    rule: str
    labelled: int = 0
    with_masks: int = 0
    with_boxes: int = 0
    per_class: Mapping[str, int] = Field(default_factory=dict)
    per_group: Mapping[str, Mapping[str, int]] = Field(default_factory=dict)


class ImageRecord(Record):
    """One picture of the sample, as the model saw it."""

    image: str
    label: str | None = None
    predicted: str
    score: float
    half: str | None = None
    figures: tuple[str, ...] = ()
    thumbnail: str | None = None
    """Path of its small picture in the run folder."""
