"""Audits whose every text is an attack on whatever renders it."""

from __future__ import annotations

from hypothesis import strategies as st

from auditor.records import (
    Audit,
    AuditVerdict,
    Box,
    Check,
    LimitResult,
    Measurement,
    ModelRecord,
    PartFailure,
    PlannedCheck,
    SampleRecord,
    Severity,
    Status,
    Verdict,
)

ATTACKS = (
    "",
    " ",
    "]]></failure><!--",
    "<script>alert(1)</script>",
    "| --- |\n\n# heading",
    '=HYPERLINK("http://evil")',
    "@everyone #1 !2 $x$ https://evil.example www.evil.example",
    "\x00\x08\x0b\x1b[31m\ufffe\uffff\u202egnp",
    "`````` ` code | cell",
    "a\r\nb\tc\u2028d",
    "../../etc/passwd",
    "\U0001f600" * 50,
    "x" * 5000,
)
text = st.one_of(st.sampled_from(ATTACKS), st.text(st.characters(codec="utf-8"), max_size=40))
value = st.floats(-1, 1, allow_nan=False)


def measurement(name: str, value: float | None) -> Measurement:
    reason = "none" if value is None else None
    return Measurement(name=name, value=value, low=value, high=value, count=9, reason=reason)


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    """Any verdict, any status, names that occur twice."""
    checks = draw(st.lists(_checks(), max_size=4))
    severities = st.sampled_from(Severity)
    return Audit(
        name="hostile",
        title=draw(text),
        report_id=draw(text),
        verdict=draw(st.sampled_from(AuditVerdict)),
        exit_code=0,
        reasons=tuple(draw(st.lists(text, max_size=2))),
        fail_on=draw(st.sampled_from([*(s.value for s in Severity), "never"])),
        started="2026-03-11T14:02:11Z",
        finished="2026-03-11T14:09:48Z",
        spec_sha256="5b1c7a90" * 8,
        spec_path=draw(st.none() | text),
        model=ModelRecord(
            source="python", name=draw(text), version=draw(st.none() | text), architecture="Net", parameters=1,
            sha256_before="00" * 32, sha256_after="00" * 32, layers=(),
        ),
        sample=SampleRecord(
            source="folder", path=draw(text), available=9, size=9, readable=9, digest="11" * 32, rule="all"
        ),
        test_plan=tuple(
            PlannedCheck(
                kind=check.kind, what=draw(text), control=draw(text), limit=draw(text), minimum_count=8,
                severity="high", rationale=draw(text),
            )
            for check in checks[:1]
        ),
        checks=tuple(checks),
        limits=tuple(
            LimitResult(
                name=draw(text), maximum=0.1, severity=draw(severities), breached=draw(st.booleans()),
                measurement=measurement(draw(text), 0.5), spec_line=3,
            )
            for _ in range(draw(st.integers(0, 2)))
        ),
        metrics=(measurement(draw(text), draw(st.none() | value)),),
        failures=tuple(
            PartFailure(part=draw(text), reason=draw(text), required=draw(st.booleans()))
            for _ in range(draw(st.integers(0, 2)))
        ),
    )  # fmt: skip


@st.composite
def _checks(draw: st.DrawFn) -> Check:
    return Check(
        id=draw(text),
        kind=draw(st.sampled_from(["corner", "border", "custom", "unheard_of"])),
        region=draw(st.none() | st.builds(Box, name=text, box=st.just((0, 0, 4, 4)))),
        class_name=draw(st.none() | text),
        verdict=draw(st.sampled_from(Verdict)),
        severity=draw(st.none() | st.sampled_from(Severity)),
        status=draw(st.sampled_from(Status)),
        sentence=draw(text),
        recommendation=draw(text),
        clauses=tuple(draw(st.lists(text, max_size=2))),
        measurements=(measurement("follow_rate", draw(st.none() | value)),),
        figures=tuple(draw(st.lists(text, max_size=1))),
        spec_line=draw(st.none() | st.integers(1, 99)),
    )
