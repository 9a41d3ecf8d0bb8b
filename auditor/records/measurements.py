"""One number with the doubt that belongs to it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from auditor.records.record import Record


class Measurement(Record):
    """One number with the doubt that belongs to it.

    Attributes:
        name: What was measured, in the field's term.
        value: The point estimate, in `unit`; None where it is undefined, with the `reason`.
        low, high: The 95 % confidence interval, in `unit`.
        unit: "1" for a share, otherwise the SI symbol.
        count: How many units (images, or clusters of images) it rests on.
        reason: Why there is no value.
        note: What else a reader must know of it: donors an image, the control, the method of the interval.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    count: int = Field(ge=0)
    reason: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _interval_contains_its_estimate(self) -> Self:
        if self.value is None:
            if self.reason is None:
                raise ValueError(f"{self.name}: a measurement without a value must give the reason")
            return self
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"{self.name}: {self.value} is outside its own interval [{self.low}, {self.high}]")
        return self
