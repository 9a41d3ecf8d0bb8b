"""report.pdf: tagged, outlined, with its evidence inside, and closed to the world while it is made."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path

import pikepdf
import pytest

from auditor.errors import RenderError, SystemPackageError
from auditor.records import Audit
from auditor.reports import RenderOptions
from auditor.reports.pdf import Pdf
from tests.reports.conftest import Run
from tests.reports.test_html import template_folder

ONE_SECTION = '<!DOCTYPE html><html lang="en"><head><title>t</title></head><body><h1>t</h1>{}</body></html>'
"""A whole report template of one line, so that a refusal shows in a blink."""


class Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(scope="module")
def rendered(hostile: Run) -> Iterator[tuple[pikepdf.Pdf, list[str]]]:
    """The report of the hostile audit, and what WeasyPrint had to say about it."""
    warnings = Warnings()
    logging.getLogger("weasyprint").addHandler(warnings)
    try:
        (file,) = Pdf().write(hostile.audit, hostile.folder, RenderOptions())
    finally:
        logging.getLogger("weasyprint").removeHandler(warnings)
    with pikepdf.open(file) as pdf:
        yield pdf, warnings.messages


def small(run: Run, body: str, tmp_path: Path) -> list[Path]:
    options = template_folder(tmp_path, report_dot_html_dot_j2=ONE_SECTION.format(body))
    return Pdf().write(run.audit, run.folder, options)


def test_it_is_tagged_titled_and_in_a_language(rendered: tuple[pikepdf.Pdf, list[str]]) -> None:
    pdf, _ = rendered

    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang) == "en"
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert str(pdf.docinfo["/Title"]).startswith("Chest radiograph classifier 1.4")
    with pdf.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"


def test_every_page_is_in_the_structure_tree(rendered: tuple[pikepdf.Pdf, list[str]]) -> None:
    pdf, _ = rendered
    pages = {page.objgen for page in pdf.pages}
    numbers = [page.obj.StructParents for page in pdf.pages if "/StructParents" in page.obj]

    referred = set()
    stack = [pdf.Root.StructTreeRoot]
    while stack:
        element = stack.pop()
        if isinstance(element, pikepdf.Dictionary):
            if "/Pg" in element:
                referred.add(element.Pg.objgen)
            if "/K" in element:
                kids = element.K
                stack += list(kids) if isinstance(kids, pikepdf.Array) else [kids]

    assert referred == pages
    assert len(numbers) == len(set(numbers)) == len(pages)


def test_every_picture_has_words_for_those_who_do_not_see_it(rendered: tuple[pikepdf.Pdf, list[str]]) -> None:
    pdf, _ = rendered
    figures = [item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/Figure"]

    assert len(figures) > 10
    assert all(str(figure.get("/Alt", "")) for figure in figures)


def test_the_outline_follows_the_sections(rendered: tuple[pikepdf.Pdf, list[str]]) -> None:
    pdf, _ = rendered
    with pdf.open_outline() as outline:
        titles = [child.title for item in outline.root for child in item.children]

    assert [title.split()[0] for title in titles] == [
        "Document", "1", "Contents", "2", "3", "4", "5", "6", "7", "8", "12", "17", "A",
    ]  # fmt: skip


def test_the_audit_and_its_spec_are_attached_byte_for_byte(
    rendered: tuple[pikepdf.Pdf, list[str]], hostile: Run
) -> None:
    pdf, _ = rendered
    attached = {name: item.get_file() for name, item in pdf.attachments.items()}

    contents = {item.filename: item.get_file().read_bytes() for item in pdf.attachments.values()}

    assert len(attached) == 2
    assert Audit.from_json(contents["audit.json"]) == hostile.audit
    assert contents["spec.yaml"] == (hostile.folder / "spec.yaml").read_bytes()


def test_jpegs_pass_through_untouched(rendered: tuple[pikepdf.Pdf, list[str]], hostile: Run) -> None:
    pdf, _ = rendered
    inside = {bytes(i.read_raw_bytes()) for i in pdf.objects if isinstance(i, pikepdf.Stream) and "/Width" in i}

    pair = (hostile.folder / "figures" / "border.ring-8-pair-1.jpg").read_bytes()

    assert pair in inside


def test_no_rule_of_our_style_sheets_is_misunderstood(rendered: tuple[pikepdf.Pdf, list[str]]) -> None:
    _, warnings = rendered

    assert warnings == []


def test_it_holds_no_script_and_no_link_out(rendered: tuple[pikepdf.Pdf, list[str]]) -> None:
    pdf, _ = rendered
    actions = [item.get("/S") for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/S" in item]

    assert not {"/JavaScript", "/URI", "/Launch", "/SubmitForm"} & {str(action) for action in actions}


def test_the_same_audit_gives_the_same_bytes(believable: Run, tmp_path: Path) -> None:
    body = '<style>{{ style }}</style><h2>x</h2>{% for f in report.causal %}<img src="{{ f.url }}" alt="a">{% endfor %}'
    (file,) = small(believable, body, tmp_path)
    first = file.read_bytes()

    assert small(believable, body, tmp_path)[0].read_bytes() == first


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/hostname",
        "http://127.0.0.1:9/x.png",
        "https://example.org/x.png",
        "ftp://example.org/x.png",
        "data:text/html,<b>x</b>",
        "data:image/svg+xml,<svg/>",
        "x.png",
        "audit-report:/999",
    ],
)
def test_nothing_that_was_not_handed_over_is_loaded(damaged: Run, tmp_path: Path, address: str) -> None:
    with pytest.raises(RenderError, match=re.escape("report.pdf was not written")):
        small(damaged, f"<img src='{address}' alt='x'>", tmp_path)

    assert not (damaged.folder / "report.pdf").exists()


def test_a_picture_that_cannot_be_decoded_ends_the_build(damaged: Run, tmp_path: Path) -> None:
    figure = next(path for path in damaged.audit.figures if "causal" in path)
    (damaged.folder / figure).write_bytes(b"<svg this is no picture")

    with pytest.raises(RenderError, match=re.escape("report.pdf was not written")):
        small(damaged, '{% for f in report.causal %}<img src="{{ f.url }}" alt="a">{% endfor %}', tmp_path)

    assert sorted(path.name for path in damaged.folder.iterdir()) == ["audit.json", "evidence", "figures", "spec.yaml"]


def test_a_missing_spec_ends_the_build(damaged: Run) -> None:
    (damaged.folder / "spec.yaml").unlink()

    with pytest.raises(RenderError, match=r"spec\.yaml"):
        Pdf().write(damaged.audit, damaged.folder, RenderOptions())


def test_missing_pango_names_the_packages(damaged: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoPango(MetaPathFinder):
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoPango(), *sys.meta_path])

    with pytest.raises(SystemPackageError, match=re.escape("apt-get install libpango-1.0-0 libpangoft2-1.0-0")):
        Pdf().write(damaged.audit, damaged.folder, RenderOptions())


def test_characters_that_no_font_here_has_are_named_and_never_printed_as_boxes(
    damaged: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = tmp_path / "fc-list"
    listing.write_text("#!/bin/sh\n")
    listing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SystemPackageError, match=r"Chinese characters \(肺\).*fonts-noto-cjk"):
        Pdf().write(damaged.audit, damaged.folder, RenderOptions())
