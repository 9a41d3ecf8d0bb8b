"""Whatever people write stays words: no markup, script, file or request comes of it, in any template or format."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import Browser

from auditor.errors import RenderError
from auditor.records import Audit
from auditor.reports import RenderOptions
from auditor.reports.html import Html
from auditor.reports.pdf import Pdf
from auditor.shipped import template_names
from tests.reports.attacks import PAYLOADS, attacked
from tests.reports.browsing import CHROMIUM, PHONE, WIDE, visited
from tests.reports.conftest import Run
from tests.reports.page_reading import read_page

LOGO = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 20"
 onload="window.owned=1"><script>window.owned=1</script><style>@import url(https://evil.example/a.css);</style>
<image xlink:href="https://evil.example/a.png" href="file:///etc/passwd" width="9" height="9"/>
<use href="https://evil.example/a.svg#b"/><a href="javascript:window.owned=1"><text>x</text></a>
<foreignObject width="9" height="9"><body xmlns="http://www.w3.org/1999/xhtml"><script>window.owned=1</script></body>
</foreignObject><rect width="9" height="9" fill="url(https://evil.example/a.svg#b)" style="fill:#123456"/></svg>"""
BOMB = (
    '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>&b;</text><rect width="9" height="9"/></svg>'
)


@pytest.fixture(scope="module")
def run(believable: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = Path(shutil.copytree(believable.folder, tmp_path_factory.mktemp("attacked") / "run"))
    (folder / "figures" / "logo.svg").write_text(LOGO)
    audit = attacked(believable.audit, folder)
    options = {**audit.report_options, "logo": "figures/logo.svg", "accent": "#123456"}
    audit = audit.model_copy(update={"report_options": options})
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8")
    return Run(folder, audit)


@pytest.fixture(scope="module", params=template_names())
def page(request: pytest.FixtureRequest, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (file,) = Html().write(run.audit, run.folder, RenderOptions(request.param))
    return Path(shutil.copy(file, tmp_path_factory.mktemp("page") / "report.html"))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium")
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_browser_runs_nothing_and_asks_for_nothing(browser: Browser, page: Path, size: tuple[int, int]) -> None:
    with visited(browser, page, size=size) as visit:
        for heading in visit.page.locator("h2").all()[::4]:
            heading.scroll_into_view_if_needed()
        visit.page.mouse.move(200, 300)

        assert visit.page.evaluate("window.owned") is None
        assert visit.page.url == page.as_uri()
        assert visit.said == []
        assert visit.asked == []
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_page_has_the_elements_and_attributes_of_a_harmless_one(page: Path, believable: Run) -> None:
    source = page.read_text(encoding="utf-8")
    made = read_page(source)
    clean = set()
    for template in template_names():
        (file,) = Html().write(believable.audit, believable.folder, RenderOptions(template))
        clean |= {(tag, name) for tag, names in read_page(file.read_text("utf-8")).elements for name in ("", *names)}

    found = {(tag, name) for tag, names in made.elements for name in ("", *names)}

    assert found - clean <= {("img", "class")}  # the logo
    assert all(names["href"].startswith("#") for names in made.all("a"))
    assert all(names["src"].startswith("data:image/") for names in made.all("img"))
    assert "evil.example" not in "".join(names.get("style", "") for _, names in made.elements)
    assert "<script>" in made.text
    assert not {"\x00", "\u202e", "\u2066"} & set(source)


@pytest.mark.parametrize("template", template_names())
def test_a_pdf_reads_no_file_and_leads_nowhere(run: Run, template: str, tmp_path: Path) -> None:
    (file,) = Pdf().write(run.audit, run.folder, RenderOptions(template))  # a refused request would end the build

    with pikepdf.open(file) as pdf:
        actions = {str(item.S) for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/S" in item}
        names = {key for item in pdf.objects if isinstance(item, pikepdf.Dictionary) for key in dict(item)}
        links = [link for page in pdf.pages for link in page.obj.get("/Annots", [])]
        assert Audit.from_json(pdf.attachments["audit.json"].get_file().read_bytes()) == run.audit

    assert not actions & {
        "/URI",
        "/JavaScript",
        "/Launch",
        "/GoToR",
        "/GoToE",
        "/SubmitForm",
        "/ImportData",
        "/Rendition",
    }
    assert not names & {"/JS", "/JavaScript", "/OpenAction", "/RichMediaContent"}
    assert all("/Dest" in link for link in links)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
def test_a_pdf_prints_payloads_as_words(run: Run) -> None:
    (file,) = Pdf().write(run.audit, run.folder, RenderOptions("summary"))

    text = subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, check=True).stdout

    assert "<script>" in text
    assert "root:x:0" not in text


@pytest.mark.parametrize("report", [Html, Pdf])
def test_a_logo_that_would_unfold_without_end_ends_the_build(damaged: Run, report: type[Html] | type[Pdf]) -> None:
    (damaged.folder / "figures" / "logo.svg").write_text(BOMB)
    options = {**damaged.audit.report_options, "logo": "figures/logo.svg"}

    with pytest.raises(RenderError, match="document type"):
        report().write(damaged.audit.model_copy(update={"report_options": options}), damaged.folder, RenderOptions())

    assert not list(damaged.folder.glob("report.*"))


def test_every_payload_is_in_the_audit(run: Run) -> None:
    texts = _texts(run.audit)

    assert [name for name, payload in PAYLOADS.items() if payload not in texts] == []


def _texts(audit: Audit) -> str:
    found: list[str] = []

    def gather(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            for key, item in value.items():
                gather(key)
                gather(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                gather(item)

    gather(audit.model_dump(mode="json"))
    return "\n".join(found)
