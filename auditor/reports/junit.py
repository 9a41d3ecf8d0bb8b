"""junit.xml: the audit as test cases, for every build server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from auditor.reports._results import Result

FILE = "junit.xml"


class Junit(Report):
    """`junit.xml`: a suite for each kind of check, a test case for each check, limit and part that broke.

    Failures are what fails the gate; what is waived, known, lesser, undecided or not tested is skipped, with the words.
    Source: Jenkins xUnit plugin, junit-10.xsd.
    """

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        from xml.etree.ElementTree import indent, tostring

        root = suites(audit)
        indent(root, " ")
        file = run / FILE
        write_whole(file, tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
        return [file]


def suites(audit: Audit) -> Element:
    """The document's root."""
    from xml.etree.ElementTree import Element, SubElement

    from auditor.reports._results import WHOLE, incomplete, results_of
    from auditor.reports._words import moment, plain

    results = results_of(audit)
    families: dict[str, list[Result]] = {}
    for result in results:
        families.setdefault(result.family, []).append(result)
    seconds = max(0.0, (moment(audit.finished) - moment(audit.started)).total_seconds())
    root = Element("testsuites", name=f"auditor {plain(audit.name)}", time=f"{seconds:.3f}")
    whole = _suite(root, audit, WHOLE, seconds)
    case = SubElement(whole, "testcase", name="complete", classname=f"auditor.{WHOLE}", time="0")
    missing = incomplete(audit)
    if missing:
        SubElement(case, "error", type="incomplete", message="; ".join(missing)).text = "\n".join(missing)
    for family, members in families.items():
        suite = _suite(root, audit, family, 0.0)
        for result in members:
            _case(suite, result)
    for suite in root:
        _count(suite)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    return root


def _suite(root: Element, audit: Audit, family: str, seconds: float) -> Element:
    from xml.etree.ElementTree import SubElement

    from auditor.reports._words import moment, plain

    started = f"{moment(audit.started):%Y-%m-%dT%H:%M:%S}"
    suite = SubElement(root, "testsuite", name=family, timestamp=started, time=f"{seconds:.3f}", package="auditor")
    properties = SubElement(suite, "properties")
    known = {
        "report_id": audit.report_id,
        "verdict": audit.verdict.value,
        "fail_on": audit.fail_on,
        "model": " ".join(filter(None, (audit.model.name, audit.model.version))),
        "model.sha256": audit.model.sha256_before,
        "model.file_sha256": audit.model.file_sha256 or "",
        "spec": audit.spec_path or audit.spec_file,
        "spec.sha256": audit.spec_sha256,
        "sample.digest": audit.sample.digest,
        "checks_left_out": str(audit.checks_left_out.get(family, 0)),
    }
    for name, value in known.items():
        if value:
            SubElement(properties, "property", name=name, value=plain(value))
    return suite


def _case(suite: Element, result: Result) -> None:
    from xml.etree.ElementTree import SubElement

    from auditor.reports._results import Outcome

    case = SubElement(suite, "testcase", name=result.key, classname=f"auditor.{result.family}", time="0")
    kind = "failure" if result.outcome is Outcome.FAILED else "error" if result.outcome is Outcome.BROKEN else "skipped"
    if result.outcome is Outcome.PASSED:
        SubElement(case, "system-out").text = result.sentence
        return
    words = result.sentence if kind != "skipped" else f"{result.outcome.value}: {result.sentence}"
    told = SubElement(case, kind, type=result.severity.value if result.severity else result.outcome.value)
    told.set("message", words)
    told.text = "\n".join(_details(result))


def _details(result: Result) -> Sequence[str]:
    """What stands under a test case: the numbers, what to do, and where it comes from."""
    from auditor.records import Check
    from auditor.reports._names import label
    from auditor.reports._words import measured, plain

    lines = [result.sentence]
    if isinstance(result.source, Check):
        lines += [f"{label(item.name)}: {measured(item)}" for item in result.source.measurements]
        lines += [plain(result.source.recommendation)] if result.source.recommendation else []
        lines += [plain(path) for path in result.source.figures]
    return [*lines, f"spec, line {result.line}"]


def _count(suite: Element) -> None:
    cases = suite.findall("testcase")
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
