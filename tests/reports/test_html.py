"""report.html: whole, closed, safe with hostile names, readable without pictures."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from auditor.errors import RenderError
from auditor.records import Audit, AuditVerdict, Severity, Verdict
from auditor.reports import RenderOptions, html
from auditor.reports.html import Html
from auditor.reports.json import Json
from auditor.sample.run_folder import MAPS
from tests.reports.conftest import Run
from tests.reports.page_reading import Page, read_page
from tests.reports.sample_audit import HOSTILE


def render(run: Run, options: RenderOptions | None = None) -> Page:
    (file,) = Html().write(run.audit, run.folder, options or RenderOptions())
    return read_page(file.read_text(encoding="utf-8"))


def template_folder(tmp_path: Path, **files: str) -> RenderOptions:
    folder = tmp_path / "templates"
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return RenderOptions(templates=folder)


def test_headings_never_skip_a_level(believable: Run) -> None:
    levels = render(believable).heading_levels

    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_sections_keep_their_numbers(believable: Run) -> None:
    ids = {attributes.get("id") for attributes in render(believable).all("h2")}

    assert {f"section-{number}" for number in (*range(9), 12, 17, "A")} <= ids


def test_every_link_on_the_page_has_its_target(believable: Run) -> None:
    page = render(believable)
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}

    links = [attributes["href"] for attributes in page.all("a")]

    assert links
    assert {link.removeprefix("#") for link in links} <= ids


def test_every_figure_of_the_run_is_shown_with_words(believable: Run) -> None:
    page = render(believable)
    shown = [attributes["alt"] for attributes in page.all("img")]

    rows = {path for image in believable.audit.images for path in image.figures}
    for picture in believable.audit.figures.values():
        in_words = any(picture.alt.rstrip(".") in alt for alt in shown)
        assert in_words != (picture.path in rows), picture.path  # rows of maps are in the gallery instead
    assert all(shown)


def test_a_finding_says_verdict_and_numbers_in_its_alternative_text(believable: Run) -> None:
    shown = [attributes["alt"] for attributes in render(believable).all("img")]

    told = "Verdict: confirmed, severe; effect 91 % (84 to 95 %), n = 64."
    assert any(told in alt.replace("\N{NO-BREAK SPACE}", " ") for alt in shown)


def test_page_one_says_verdict_numbers_with_doubt_and_what_is_asked(believable: Run) -> None:
    text = render(believable).text
    page_one = text[text.index("Summary FAIL") if "Summary FAIL" in text else text.index("1 Summary") :][:1500]

    assert "For class pneumonia, the model relies on the top-left corner." in page_one
    assert "88 % 82 to 93 % · n = 128 Accuracy" in page_one
    assert "What is asked of you" in page_one


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_words(hostile: Run, name: str) -> None:
    page = render(hostile)

    assert name[:20] in page.text


def test_hostile_names_create_no_element_and_no_attribute(believable: Run, hostile: Run) -> None:
    clean, attacked = render(believable), render(hostile)

    assert {tag for tag, _ in attacked.elements} == {tag for tag, _ in clean.elements}
    assert len(attacked.all("img")) == len(clean.all("img"))
    assert [script.get("type") for script in attacked.all("script")] == ["application/json", None]
    assert attacked.scripts[1] == clean.scripts[1]
    known = {name for _, attributes in clean.elements for name in attributes}
    assert {name for _, attributes in attacked.elements for name in attributes} <= known
    assert "{{7*7}}" in attacked.text


def test_the_page_forbids_itself_to_load_anything(believable: Run) -> None:
    metas = render(believable).all("meta")
    policy = next(attributes["content"] for attributes in metas if "http-equiv" in attributes)

    assert "http-equiv" in metas[1]  # directly after the character set
    assert policy.startswith("default-src 'none'; img-src data:; font-src data:;")
    assert "unsafe-eval" not in policy
    assert policy.count("unsafe-inline") == 2  # style attributes, and style where a browser cannot tell them apart


def test_the_page_reaches_for_nothing_outside_itself(hostile: Run) -> None:
    (file,) = Html().write(hostile.audit, hostile.folder, RenderOptions())
    source = file.read_text(encoding="utf-8")
    page = read_page(source)

    addresses = [attributes["src"] for _, attributes in page.elements if "src" in attributes]
    addresses += re.findall(r'url\("?([^")]+)', source)
    assert all(address.startswith("data:") for address in addresses)
    assert all(attributes["href"].startswith("#") for attributes in page.all("a"))
    assert not page.all("link")


def test_the_same_audit_gives_the_same_bytes(believable: Run) -> None:
    first = Html().write(believable.audit, believable.folder, RenderOptions())[0].read_bytes()

    assert Html().write(believable.audit, believable.folder, RenderOptions())[0].read_bytes() == first


def test_without_pictures_the_charts_stay_and_the_page_says_so(believable: Run) -> None:
    page = render(believable, RenderOptions(images=False))

    charts = [image for image in page.all("img") if image["src"].startswith("data:image/svg+xml")]
    maps = [image for image in page.all("img") if image not in charts]
    assert len(charts) > 3
    assert sum(image.get("id", "").startswith("maps-") for image in maps) == MAPS  # packed, to be coloured in the page
    alone = [image["alt"] for image in maps if "id" not in image]
    assert len(alone) == MAPS
    assert all("their pictures are left out of this copy" in words for words in alone)
    assert "Pictures of the sample were left out of this copy on request." in page.text


def test_links_to_findings_stay_the_same_when_others_come_and_go(believable: Run) -> None:
    first = believable.audit.findings[0]
    rest = tuple(check for check in believable.audit.checks if check is not first)
    fewer = Run(believable.folder, believable.audit.model_copy(update={"checks": rest, "reasons": ()}))

    before, after = (
        {a["id"] for a in render(run).all("h3") if "finding-" in a.get("id", "")} for run in (believable, fewer)
    )

    assert before - after == {"finding-corner.top-left.class-pneumonia"}
    assert after < before


def test_large_pictures_shrink_to_fit_and_the_page_says_so(damaged: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Html().write(damaged.audit, damaged.folder, RenderOptions())[0].stat().st_size
    monkeypatch.setattr(html, "ORDINARY_BYTES", 500_000)

    page = render(damaged)

    assert (damaged.folder / "report.html").stat().st_size < whole
    assert "Pictures are shown at 33 % of their size" in page.text


@pytest.mark.parametrize("damage", ["missing", "half", "other"])
def test_a_broken_figure_ends_the_build_and_leaves_nothing(damaged: Run, damage: str) -> None:
    figure = next(path for path in damaged.audit.figures if path.endswith(".jpg"))
    file = damaged.folder / figure
    whole = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(whole[: len(whole) // 2] if damage == "half" else b"<html>")
    before = sorted(damaged.folder.rglob("*"))

    with pytest.raises(RenderError, match=re.escape(figure)):
        Html().write(damaged.audit, damaged.folder, RenderOptions())

    assert sorted(damaged.folder.rglob("*")) == before


def test_a_figure_outside_the_run_folder_is_refused(damaged: Run) -> None:
    (damaged.folder.parent / "secret.jpg").write_bytes(b"\xff\xd8\xff secret \xff\xd9")
    picture = next(iter(damaged.audit.figures.values())).model_copy(update={"path": "../secret.jpg"})
    audit = damaged.audit.model_copy(update={"figures": {**damaged.audit.figures, "../secret.jpg": picture}})

    with pytest.raises(RenderError, match="outside the run folder"):
        Html().write(audit, damaged.folder, RenderOptions())


def test_a_figure_that_the_audit_does_not_describe_is_refused(damaged: Run) -> None:
    figures = dict(list(damaged.audit.figures.items())[1:])
    audit = damaged.audit.model_copy(update={"figures": {k: v for k, v in figures.items() if "pair" not in k}})

    with pytest.raises(RenderError, match="missing from its list of figures"):
        Html().write(audit, damaged.folder, RenderOptions())


def test_a_users_template_folder_wins_file_by_file(believable: Run, tmp_path: Path) -> None:
    options = template_folder(
        tmp_path, sections__17_signoff_dot_html_dot_j2="<h2 id='section-17'>Our own sign-off</h2>"
    )

    page = render(believable, options)

    assert "Our own sign-off" in page.text
    assert "Scope and limits" in page.text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ report.nonsense }}", r"17_signoff.html.j2:1.*nonsense"),
        ("{{ report.__class__.__mro__ }}", "unsafe"),
        ("\n{% if %}", r"17_signoff.html.j2:2"),
    ],
)
def test_a_broken_template_is_named_with_its_line(believable: Run, tmp_path: Path, template: str, message: str) -> None:
    options = template_folder(tmp_path, sections__17_signoff_dot_html_dot_j2=template)

    with pytest.raises(RenderError, match=message):
        Html().write(believable.audit, believable.folder, options)


def test_a_style_sheet_that_reaches_out_is_refused(believable: Run, tmp_path: Path) -> None:
    options = template_folder(tmp_path, screen_dot_css="body { background: url(https://example.org/spy.png) }")

    with pytest.raises(RenderError, match=r"url\(https://example.org/spy.png\)"):
        Html().write(believable.audit, believable.folder, options)


def test_an_unknown_template_is_answered_with_those_there_are(believable: Run) -> None:
    with pytest.raises(RenderError, match="no template is named 'fancy'; known: default, medical, summary"):
        Html().write(believable.audit, believable.folder, RenderOptions(template="fancy"))


def test_an_empty_audit_speaks(believable: Run) -> None:
    bare = {
        "checks",
        "metrics",
        "per_class",
        "visualizations",
        "images",
        "test_plan",
        "not_tested",
        "limits",
        "failures",
    }
    nothing = dict.fromkeys(bare, ()) | {
        "figures": {}, "summary_figures": (), "confusion": None, "reasons": (), "purpose": "", "checks_left_out": {},
        "verdict": AuditVerdict.PASS,
    }  # fmt: skip
    page = render(Run(believable.folder, believable.audit.model_copy(update=nothing)))

    for sentence in (
        "Nothing failed, for nothing was put to the test: no probe judged this model.",
        "No numbers: nothing was measured and nothing was judged.",
        "Everything that was planned was tested.",
        "The spec states no purpose",
        "No visualizations were asked for.",
        "No probe was run in this audit",
        "No check was confirmed.",
        "No maps of single images were drawn.",
    ):
        assert sentence in page.text


def test_findings_come_in_the_order_of_severity(believable: Run) -> None:
    text = render(believable).text

    assert text.index("F1 Top-left corner") < text.index("F2 Border ring 8 px wide") < text.index("F3 Overlay tag-1")


def test_a_changed_model_is_loud(believable: Run) -> None:
    model = believable.audit.model.model_copy(update={"sha256_after": "0" * 64})
    page = render(Run(believable.folder, believable.audit.model_copy(update={"model": model})))

    assert "NO: the model was changed" in page.text


def test_a_confirmed_check_without_severity_or_picture_is_still_a_finding(believable: Run) -> None:
    check = believable.audit.checks[0].model_copy(
        update={"severity": None, "grade": None, "figures": (), "measurements": (), "verdict": Verdict.CONFIRMED}
    )
    page = render(Run(believable.folder, believable.audit.model_copy(update={"checks": (check,), "reasons": ()})))

    assert "F1 Top-left corner, class pneumonia" in page.text
    assert Severity.LOW.value in page.text


def test_audit_json_is_canonical(damaged: Run) -> None:
    (file,) = Json().write(damaged.audit, damaged.folder, RenderOptions())

    assert Audit.from_json(file.read_bytes()) == damaged.audit
    assert file.read_text(encoding="utf-8") == damaged.audit.to_json()


def test_rendering_knows_no_torch_and_importing_is_quick(believable: Run) -> None:
    code = (
        "import sys; import auditor.reports.html, auditor.reports.pdf, auditor.reports.json\n"
        "heavy = {'torch', 'weasyprint', 'jinja2', 'cv2', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from pathlib import Path; from auditor.records import Audit; from auditor.reports import RenderOptions\n"
        f"run = Path({str(believable.folder)!r}); audit = Audit.from_json((run / 'audit.json').read_bytes())\n"
        "auditor.reports.html.Html().write(audit, run, RenderOptions())\n"
        "assert 'torch' not in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
