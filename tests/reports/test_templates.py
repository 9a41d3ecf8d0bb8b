"""The shipped templates beside default, folders of one's own over each of them, and the sample to try them on."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import page as validator
import pikepdf
import pytest

from auditor.errors import RenderError, RunFolderError
from auditor.records import Audit, AuditVerdict
from auditor.reports import RenderOptions
from auditor.reports._templates import based_on, options_for, summaries
from auditor.reports.html import Html
from auditor.reports.pdf import Pdf
from auditor.sample import MARK, write_sample
from tests.reports.conftest import Run
from tests.reports.page_reading import Page, read_page
from tests.reports.tag_tree import TagTree

OTHERS = ("summary", "medical")
BLANK = (
    '{% extends "default/report.html.j2" %}{% block cover %}<h1>x</h1>{% endblock %}{% block sections %}{% endblock %}'
)


@pytest.fixture(scope="module", params=["fail", "pass", "incomplete"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("sample")
    return Run(folder, write_sample(folder, request.param))


def html(run: Run, options: RenderOptions) -> str:
    (file,) = Html().write(run.audit, run.folder, options)
    return file.read_text(encoding="utf-8")


def headings(page: Page) -> list[str]:
    return [
        attributes["id"].removeprefix("section-") for attributes in page.all("h2") if "section-" in attributes["id"]
    ]


@pytest.mark.parametrize("template", OTHERS)
def test_links_lead_somewhere_and_headings_skip_no_level(sample: Run, template: str) -> None:
    page = read_page(html(sample, RenderOptions(template)))
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = {attributes["href"].removeprefix("#") for attributes in page.all("a")}

    assert links <= set(names)
    assert len(names) == len(set(names))
    assert all(after - before <= 1 for before, after in pairwise(page.heading_levels))


@pytest.mark.parametrize("template", OTHERS)
def test_the_sample_is_marked_as_one_in_title_number_and_label(sample: Run, template: str) -> None:
    page = read_page(html(sample, RenderOptions(template)))

    assert "SAMPLE: Chest radiograph classifier" in page.text
    assert "SAMPLE-0000" in page.text
    assert MARK in page.text


def test_the_summary_is_four_pages_at_most_each_marked(sample: Run) -> None:
    (file,) = Pdf().write(sample.audit, sample.folder, RenderOptions("summary"))

    with pikepdf.open(file) as pdf:
        assert 2 <= len(pdf.pages) <= 4
        assert TagTree(pdf).mistakes == []
    for profile in (validator.ValidationProfile.PDF_A_3A, validator.ValidationProfile.PDF_UA_1):
        assert [item.message for item in validator.validate_pdf(str(file), profile=profile).failures] == []


def test_the_summary_of_long_names_leaves_the_further_images_out(hostile: Run, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hostile.folder, tmp_path / "run"))
    (file,) = Pdf().write(hostile.audit, folder, RenderOptions("summary", chunk=2))

    with pikepdf.open(file) as pdf:
        assert len(pdf.pages) <= 5


def test_a_medical_report_follows_both_standards(hostile: Run, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hostile.folder, tmp_path / "run"))
    (file,) = Pdf().write(hostile.audit, folder, RenderOptions("medical"))

    for profile in (validator.ValidationProfile.PDF_A_3A, validator.ValidationProfile.PDF_UA_1):
        assert [item.message for item in validator.validate_pdf(str(file), profile=profile).failures] == []
    with pikepdf.open(file) as pdf:
        assert TagTree(pdf).mistakes == []


def test_the_summary_shows_the_gravest_findings_numbers_limits_and_sign_off(sample: Run) -> None:
    page = read_page(html(sample, RenderOptions("summary")))

    assert headings(page) == ["1", "12", "6", "2", "17"]
    assert len(page.all("article")) == len(sample.audit.findings[:4])
    assert "Limits of the policy" in page.text
    assert "“No evidence” is no proof of absence." in page.text


def test_findings_beyond_the_fourth_are_named(believable: Run) -> None:
    one = believable.audit.findings[0]
    more = tuple(
        one.model_copy(update={"id": f"corner.more-{number}", "class_name": f"c{number}"}) for number in range(4)
    )
    audit = believable.audit.model_copy(update={"checks": (*believable.audit.checks, *more)})

    page = read_page(html(Run(believable.folder, audit), RenderOptions("summary")))

    assert len(page.all("article")) == 4
    assert "3 more in the full report:" in page.text
    assert "F7 Overlay tag-1 (low)" in page.text


def test_a_medical_report_begins_with_use_data_and_groups_and_holds_every_section(sample: Run) -> None:
    page = read_page(html(sample, RenderOptions("medical")))

    assert headings(page)[:5] == ["0", "1", "2", "4", "9"]
    assert sorted(headings(page)) == sorted([*map(str, range(18)), "A"])
    assert "What it must not be used for" in page.text
    assert "Which regions did it judge by?" in page.text


def test_what_fails_the_audit_is_what_a_medical_model_must_not_be_used_for(sample: Run) -> None:
    text = html(sample, RenderOptions("medical"))
    listed = read_page(text[text.index('<ul class="must-not">') : text.index("What was not tested</h3>")]).text

    assert ("until F1 is settled: Top-left corner" in listed) == (sample.audit.verdict is AuditVerdict.FAIL)
    assert ("it is incomplete, and says neither" in listed) == (sample.audit.verdict is AuditVerdict.INCOMPLETE)


def test_claim_comes_first_of_all_maps_and_its_absence_is_said(sample: Run) -> None:
    maps = sample.audit.clause_coverage
    turned = sample.audit.model_copy(update={"clause_coverage": maps[::-1]})
    without = sample.audit.model_copy(update={"clause_coverage": ()})

    shown = html(Run(sample.folder, turned), RenderOptions("medical"))

    assert [one.profile for one in maps] == ["claim-2024", "gmlp"]
    assert shown.index("Checklist for Artificial Intelligence in Medical Imaging") < shown.index(
        "Good machine learning"
    )
    assert "was not set against CLAIM 2024" in html(Run(sample.folder, without), RenderOptions("medical"))


@pytest.mark.parametrize("base", ["summary", "medical", "default"])
def test_a_users_file_wins_over_the_template_that_its_folder_names(believable: Run, tmp_path: Path, base: str) -> None:
    (tmp_path / "ours/sections").mkdir(parents=True)
    (tmp_path / "ours/base").write_text(f"{base}\n")
    (tmp_path / "ours/sections/17_signoff.html.j2").write_text("<p>Signed elsewhere.</p>")

    text = html(believable, options_for("ours", tmp_path))

    assert "Signed elsewhere." in text
    assert 'id="section-17"' not in text
    assert ("What it must not be used for" in text) == (base == "medical")


def test_a_users_page_can_extend_ours_by_its_name(believable: Run, tmp_path: Path) -> None:
    (tmp_path / "report.html.j2").write_text(BLANK)

    page = read_page(html(believable, options_for(str(tmp_path), Path())))

    assert headings(page) == []
    assert "Skip to the report" in page.text


def test_an_unknown_template_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="no template is named 'sumary'; did you mean 'summary'"):
        options_for("sumary", tmp_path)


def test_a_folder_with_an_unknown_base_is_refused_by_file(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("medcal")

    with pytest.raises(RenderError, match=r"base: no template is named 'medcal'; did you mean 'medical'"):
        based_on(tmp_path)


def test_a_shipped_name_wins_over_a_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "summary").mkdir()

    assert options_for("summary", tmp_path) == RenderOptions("summary")
    assert options_for("./summary", tmp_path).templates == tmp_path / "summary"


def test_every_template_says_what_it_is_for() -> None:
    assert list(summaries()) == ["default", "medical", "summary"]
    assert all(words.endswith(".") for words in summaries().values())


def test_a_sample_replaces_a_sample_and_nothing_else(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample")
    write_sample(tmp_path / "sample", "pass")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").write_text("mine")

    with pytest.raises(RunFolderError, match="holds something that is no sample"):
        write_sample(tmp_path / "other")

    assert Audit.from_json((tmp_path / "sample/audit.json").read_bytes()).verdict is AuditVerdict.PASS


def test_the_sample_is_the_same_every_time(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        write_sample(tmp_path / name)
        files.append({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.j*") if path.is_file()})

    assert files[0] == files[1]
    assert not re.search(rb"/work|/tmp", files[0]["audit.json"])
