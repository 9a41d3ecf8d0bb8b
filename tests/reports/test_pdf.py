"""report.pdf: tagged, outlined, with its evidence inside, and closed to the world while it is made."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path

import page as validator
import pikepdf
import pytest

from auditor.errors import RenderError, SystemPackageError
from auditor.records import Audit
from auditor.reports import RenderOptions, _archive, _pages
from auditor.reports._attachments import attached_name, attachments_of
from auditor.reports.pdf import Pdf
from tests.reports.conftest import Run
from tests.reports.tag_tree import TagTree
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


@pytest.mark.parametrize("profile", ["PDF_A_3A", "PDF_UA_1"])
def test_it_follows_both_standards(rendered: tuple[pikepdf.Pdf, list[str]], hostile: Run, profile: str) -> None:
    file = hostile.folder / "report.pdf"

    report = validator.validate_pdf(str(file), profile=validator.ValidationProfile[profile])

    assert [(failure.rule_id, failure.message) for failure in report.failures] == []
    assert report.is_compliant


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_its_syntax_is_sound(rendered: tuple[pikepdf.Pdf, list[str]], hostile: Run) -> None:
    done = subprocess.run(["qpdf", "--check", hostile.folder / "report.pdf"], capture_output=True, check=False)

    assert done.returncode == 0


def test_any_tool_can_read_which_standards_it_follows(rendered: tuple[pikepdf.Pdf, list[str]], hostile: Run) -> None:
    pdf, _ = rendered

    data = (hostile.folder / "report.pdf").read_bytes()

    assert b"<pdfuaid:part>1</pdfuaid:part>" in data
    assert b'pdfaid:part="3"' in data
    assert len(pdf.Root.AF) == len(pdf.attachments)


def test_every_page_finds_its_tags(rendered: tuple[pikepdf.Pdf, list[str]]) -> None:
    pdf, _ = rendered
    tree = TagTree(pdf)

    assert tree.mistakes == []
    assert tree.unreached == 0


def test_headers_and_page_numbers_are_artifacts_on_every_page_but_the_cover(
    rendered: tuple[pikepdf.Pdf, list[str]],
) -> None:
    pdf, _ = rendered
    silent = [page.obj.Contents.read_bytes().count(b"/Artifact <</Type /Pagination>> BDC") for page in pdf.pages]

    assert silent[0] == 0
    assert min(silent[1:]) >= 3  # title, report id, page number


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
        "Document", "1", "Contents", *(str(number) for number in range(2, 18)), "A",
    ]  # fmt: skip


def test_the_audit_and_its_spec_are_attached_byte_for_byte(
    rendered: tuple[pikepdf.Pdf, list[str]], hostile: Run
) -> None:
    pdf, _ = rendered
    attached = {name: item.get_file() for name, item in pdf.attachments.items()}

    contents = {item.filename: item.get_file().read_bytes() for item in pdf.attachments.values()}

    assert set(attached) == {"audit.json", "spec.yaml", "manifest.json"}
    assert Audit.from_json(contents["audit.json"]) == hostile.audit
    assert contents["spec.yaml"] == (hostile.folder / "spec.yaml").read_bytes()


@pytest.mark.skipif(shutil.which("pdfdetach") is None, reason="poppler-utils are not installed")
def test_attachments_can_be_taken_out_with_pdfdetach(
    rendered: tuple[pikepdf.Pdf, list[str]], hostile: Run, tmp_path: Path
) -> None:
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, hostile.folder / "report.pdf"], check=True)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["audit.json", "manifest.json", "spec.yaml"]
    assert (tmp_path / "audit.json").read_bytes() == (hostile.folder / "audit.json").read_bytes()


def test_the_embedded_manifest_holds_the_digests_of_what_the_report_rests_on(hostile: Run, tmp_path: Path) -> None:
    run = Path(shutil.copytree(hostile.folder, tmp_path / "run"))
    (run / "evidence").mkdir(exist_ok=True)
    (run / "evidence" / "border.npz").write_bytes(b"maps")
    (run / "audit.sarif").write_text("{}")
    (run / "report.html").write_text("not part of it")

    attached = attachments_of(hostile.audit, run)
    files = json.loads(attached[-1].data)["files"]

    assert [item.name for item in attached] == ["audit.json", "spec.yaml", "audit.sarif", "manifest.json"]
    assert files["evidence/border.npz"] == hashlib.sha256(b"maps").hexdigest()
    evidence = {path.relative_to(run).as_posix() for path in (run / "evidence").rglob("*") if path.is_file()}
    assert set(files) == {"audit.json", "spec.yaml", "audit.sarif", *evidence, *hostile.audit.figures}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>.yaml", "_img_src_x_onerror_alert_1__.yaml"),
        ("a\u202egnp.yaml", "a_gnp.yaml"),
        ("..\\..\\evil.yaml", "evil.yaml"),
        (".hidden\nline.yaml", "hidden_line.yaml"),
        ("manifest.json", "spec-manifest.json"),
        ("..", "spec.yaml"),
    ],
)
def test_a_hostile_spec_name_cannot_reach_beyond_its_attachment(hostile: Run, name: str, shown: str) -> None:
    assert attached_name(name) == shown


@pytest.mark.parametrize("name", ["../../etc/hostname", "/etc/hostname"])
def test_a_spec_outside_the_run_folder_is_never_attached(hostile: Run, name: str) -> None:
    with pytest.raises(RenderError, match="lies outside the run folder"):
        attachments_of(hostile.audit.model_copy(update={"spec_file": name}), hostile.folder)


@pytest.mark.parametrize("name", ["waivers.yaml", "audit.sarif", "figures/more.jpg"])
def test_a_link_out_of_the_run_folder_is_never_attached(damaged: Run, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key")
    (damaged.folder / name).symlink_to(secret)

    with pytest.raises(RenderError, match="lies outside the run folder"):
        attachments_of(damaged.audit, damaged.folder)


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


@pytest.mark.usefixtures("rendered")
def test_no_stream_ends_like_a_line_whichever_objects_it_packs(hostile: Run) -> None:
    for number in range(6):  # other objects, other bytes
        with pikepdf.open(hostile.folder / "report.pdf") as pdf:
            pdf.Root.PieceInfo = pdf.make_indirect(pikepdf.Dictionary(Note=pikepdf.String("x" * number)))
            data = _archive._saved(pdf)
        assert not re.search(rb"[\r\n]\nendstream", data)
    with pikepdf.open(io.BytesIO(data)) as again:
        assert str(again.Root.PieceInfo.Note) == "xxxxx"


def test_objects_are_packed_however_the_first_try_ends() -> None:
    tries = []
    for seed in range(40):
        pdf = pikepdf.new()
        pdf.Root.Data = pikepdf.Array(
            [pdf.make_indirect(pikepdf.Dictionary(N=number * 7919 + seed)) for number in range(3000)]
        )
        data = _archive._saved(pdf)
        assert b"/ObjStm" in data
        assert not re.search(rb"[\r\n]\nendstream", data)
        tries.append(len(pdf.Root.get(_archive._FILLERS, [])))
    assert any(tries)  # some of these files do end like a line at first


def test_a_pdf_takes_typefaces_unpacked() -> None:
    names = []
    folders = _pages.template_folders(RenderOptions())
    _pages.stylesheet(folders, _pages.SHEETS["print"], lambda name, *_: names.append(name) or name, packed=False)

    assert {Path(name).suffix for name in names} == {".ttf"}


FINDS_LIBRARIES = """
import ctypes.util, sys
began, asked, search = [], [], ctypes.util.find_library
sys.addaudithook(lambda event, _: began.append(event) if event == "subprocess.Popen" else None)
ctypes.util.find_library = ours = lambda name: (asked.append(name), search(name))[1]
from auditor.reports import _layout
{}
_layout.require_weasyprint().HTML(string="<p>text").render()
assert ctypes.util.find_library is ours
assert {}, (began, asked)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the names are those of Linux")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "not began and not asked", id="none is searched for"),
        pytest.param(
            "_layout.LIBRARIES['libpango-1.0-0'] = 'libnothing.so.9'",
            "'pango-1.0' in asked",
            id="one that is elsewhere is",
        ),
    ],
)
def test_libraries_are_found_by_name_before_a_compiler_is_asked(before: str, after: str) -> None:
    subprocess.run([sys.executable, "-c", FINDS_LIBRARIES.format(before, after)], check=True, timeout=60)
