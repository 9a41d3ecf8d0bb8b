"""Findings to hold waivers, limits and baselines against."""

from __future__ import annotations

from auditor.records import Box, Check, Grade, Measurement, Severity, Verdict


def number(name: str, value: float, *, spread: float = 0.1, count: int = 64) -> Measurement:
    return Measurement(name=name, value=value, low=value - spread, high=value + spread, count=count)


def finding(
    kind: str = "corner",
    region: str | None = "top-left",
    class_name: str | None = "cat",
    *,
    value: float = 0.5,
    name: str = "follow_rate",
    severity: Severity = Severity.HIGH,
    verdict: Verdict = Verdict.CONFIRMED,
    also: tuple[str, ...] = (),
) -> Check:
    parts = [kind, region, None if class_name is None else f"class-{class_name}"]
    return Check(
        id=".".join(part for part in parts if part is not None),
        kind=kind,
        region=None if region is None else Box(name=region),
        class_name=class_name,
        also=also,
        verdict=verdict,
        grade=Grade.MATERIAL if verdict is Verdict.CONFIRMED else None,
        severity=severity if verdict is Verdict.CONFIRMED else None,
        measurements=(number(name, value),),
        sentence=f"The model relies on {region}: by {value:.0%}.",
    )


def silent(kind: str = "corner", region: str | None = "top-left", class_name: str | None = "cat") -> Check:
    return finding(kind, region, class_name, value=0.0, verdict=Verdict.NO_EVIDENCE)
