"""report.pdf from parts in child processes: one file, whose tags, outline, links and page numbers are whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import page as validator
import pikepdf
import pytest

from auditor.errors import RenderError
from auditor.reports import RenderOptions
from auditor.reports._parts import linked
from auditor.reports.pdf import Pdf
from tests.reports.conftest import Run
from tests.reports.tag_tree import TagTree

LABEL, FOOTER = "Restricted", "Not to be copied"
REPORT = """{% import "macros.html.j2" as m with context %}<!DOCTYPE html>
<html lang="en"><head><title>{{ report.title }}</title>
<meta name="dcterms.created" content="{{ report.finished }}">
<meta name="dcterms.modified" content="{{ report.finished }}">
<style>{{ style }}</style></head><body class="{{ media }}">
<header class="cover"><p class="organisation">{{ report.organisation }}</p>
<p class="report-id">{{ report.report_id }}</p>
<h1>{{ report.title }}</h1></header><main>
<nav class="contents"><h2 id="contents">Contents</h2><ol><li><a href="#section-A">Annexes</a></li></ol></nav>
<h2 id="section-A">Annexes</h2><h3>Every image</h3>
{% for group in report.annex.groups[:1] %}{% include "sections/images.html.j2" %}{{ m.table(group.images) }}{% endfor %}
<p><a href="#behind">To the last images</a></p></main></body></html>"""
"""A short report, so that the parts and not the report are what takes time."""
IMAGES = """{% import "macros.html.j2" as m with context %}<!DOCTYPE html>
<html lang="en"><head><title>{{ report.title }}</title><style>{{ style }}</style></head><body class="{{ media }}"><main>
{% include "sections/images.html.j2" %}{{ m.table(group.images) }}
<h3 id="behind">Behind</h3><p><a href="#contents">To the contents</a></p>
</main></body></html>"""


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "report.html.j2").write_text(REPORT)
    (folder / "images.html.j2").write_text(IMAGES)
    return folder


@pytest.fixture(scope="module")
def file(hostile: Run, templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images in chunks of two: the report and one further part."""
    run = tmp_path_factory.mktemp("chunked") / "run"
    shutil.copytree(hostile.folder, run)
    audit = hostile.audit.model_copy(update={"report_options": {"classification": LABEL, "footer": FOOTER}})
    (run / "audit.json").write_text(audit.to_json(), encoding="utf-8")
    return Pdf().write(audit, run, RenderOptions(templates=templates, chunk=2))[0]


@pytest.fixture
def pdf(file: Path) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(file) as opened:
        yield opened


@pytest.mark.parametrize("profile", ["PDF_A_3A", "PDF_UA_1"])
def test_it_follows_both_standards(file: Path, profile: str) -> None:
    report = validator.validate_pdf(str(file), profile=validator.ValidationProfile[profile])

    assert [(failure.rule_id, failure.message) for failure in report.failures] == []
    assert report.is_compliant


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_its_syntax_is_sound(file: Path) -> None:
    assert subprocess.run(["qpdf", "--check", file], capture_output=True, check=False).returncode == 0


def test_every_page_finds_its_tags_and_every_tag_its_page(pdf: pikepdf.Pdf) -> None:
    tree = TagTree(pdf)

    assert tree.mistakes == []
    assert tree.unreached == 0
    assert len(pdf.Root.StructTreeRoot.K) == 1


def test_pages_without_their_own_numbers_would_be_noticed(pdf: pikepdf.Pdf) -> None:
    pdf.pages[-1].obj.StructParents, pdf.pages[-2].obj.StructParents = (
        pdf.pages[-2].obj.StructParents,
        pdf.pages[-1].obj.StructParents,
    )

    assert any("another page" in mistake or "do not match" in mistake for mistake in TagTree(pdf).mistakes)


def test_table_headers_of_two_parts_have_different_names(pdf: pikepdf.Pdf) -> None:
    names = [bytes(item.ID) for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/ID" in item]
    listed = [bytes(name) for name in list(pdf.Root.StructTreeRoot.IDTree.Names)[::2]]
    asked = {
        bytes(header)
        for item in pdf.objects
        if isinstance(item, pikepdf.Dictionary) and "/Headers" in item.get("/A", {})
        for header in item.A.Headers
    }

    assert len(names) == len(set(names)) == 12
    assert listed == sorted(names)
    assert asked <= set(names)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
def test_page_numbers_and_running_headers_go_through_all_parts(file: Path, pdf: pikepdf.Pdf, hostile: Run) -> None:
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")[:-1]

    assert len(pages) == len(pdf.pages)
    assert "Page 1 of" not in pages[0]
    for number, words in enumerate(pages[1:], start=2):
        assert f"Page {number} of {len(pages)}" in words
        assert [words.count(said) for said in (hostile.audit.report_id, LABEL, FOOTER)] == [1, 1, 1]
    assert "Images 3 to 4 of 4" in pages[-1] + pages[-2]


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="poppler-utils are not installed")
def test_headers_hide_nothing_of_the_pages_below(file: Path, tmp_path: Path) -> None:
    subprocess.run(["pdftoppm", "-r", "20", "-png", file, tmp_path / "page"], check=True)
    pages = [cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE) for picture in sorted(tmp_path.glob("page*"))]

    shares = [float((page < 200).mean()) for page in pages if page is not None]

    assert max(shares[:-1]) > 0.1
    assert max(shares[-2:]) > 0.1


def test_links_lead_into_other_parts_and_the_outline_is_one(pdf: pikepdf.Pdf) -> None:
    names = list(pdf.Root.Names.Dests.Names)
    places = {str(name): place for name, place in zip(names[::2], names[1::2], strict=True)}
    pages = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
    links = {str(link.Dest) for page in pdf.pages for link in page.obj.get("/Annots", [])}

    assert links == {"section-A", "behind", "contents"}
    assert pages[places["contents"][0].objgen] == 1
    assert pages[places["behind"][0].objgen] == len(pages) - 1
    with pdf.open_outline() as outline:
        (title,) = outline.root
        assert [item.title for item in title.children] == ["Contents", "Annexes"]
        assert [item.title for item in title.children[1].children] == ["Every image", "Behind"]


def test_another_process_makes_the_same_bytes(file: Path, templates: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(file.parent, run, ignore=shutil.ignore_patterns("report.pdf"))
    program = (
        "from pathlib import Path; from auditor.records import Audit; from auditor.reports import RenderOptions\n"
        "from auditor.reports.pdf import Pdf; import sys\n"
        "run, templates = map(Path, sys.argv[1:])\n"
        "if __name__ == '__main__':\n"
        "    audit = Audit.from_json((run / 'audit.json').read_bytes())\n"
        "    Pdf().write(audit, run, RenderOptions(templates=templates, chunk=2))\n"
    )
    (tmp_path / "again.py").write_text(program)
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, tmp_path / "again.py", run, templates], check=True, env=environment)

    assert (run / "report.pdf").read_bytes() == file.read_bytes()


def test_contents_cannot_print_the_page_of_what_lies_in_a_later_part() -> None:
    pages = ['<nav><a href="#late">x</a></nav><main></main>', '<main><h3 id="late">x</h3></main>']

    with pytest.raises(RenderError, match="the contents name #late"):
        linked(pages)
