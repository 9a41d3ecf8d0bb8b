"""auditor render: runs again, samples, templates by name and folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.reports import RenderOptions
from auditor.reports._rendering import render
from auditor.sample import write_sample
from auditor.shipped import template_names
from tests.conftest import Call


def run_made_with(template: str, folder: Path) -> Path:
    """A finished run whose spec named this template."""
    audit = write_sample(folder)
    audit = audit.model_copy(update={"report_options": {**audit.report_options, "template": template}})
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8")
    render(audit, folder, ["json"], RenderOptions())
    return folder


def test_a_sample_is_rendered_against_a_users_folder(call: Call, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/base").write_text("summary")
    (tmp_path / "ours/template.css").write_text(".ours { color: #123456 }")

    code, out, _ = call("render", "--sample", "--template", tmp_path / "ours", "-o", tmp_path / "s", "-f", "html")

    page = (tmp_path / "s/report.html").read_text(encoding="utf-8")
    assert (code, out.split()) == (0, [str(tmp_path / "s/report.html")])
    assert ".ours { color: #123456 }" in page
    assert "SAMPLE: " in page


def test_a_sample_ends_as_asked(call: Call, tmp_path: Path) -> None:
    code, _, _ = call("render", "--sample", "--verdict", "incomplete", "-o", tmp_path / "s", "-f", "html")

    assert code == 0
    assert "INCOMPLETE" in (tmp_path / "s/report.html").read_text(encoding="utf-8")


def test_a_run_is_rendered_again_with_the_template_it_was_made_with(call: Call, tmp_path: Path) -> None:
    folder = run_made_with("medical", tmp_path / "run")

    call("render", folder, "-f", "html")
    medical = (folder / "report.html").read_text(encoding="utf-8")
    call("render", folder, "-f", "html", "--template", "default")

    assert "What it must not be used for" in medical
    assert "What it must not be used for" not in (folder / "report.html").read_text(encoding="utf-8")


def test_a_template_folder_that_made_it_has_to_be_named_again(call: Call, tmp_path: Path) -> None:
    folder = run_made_with("brand/templates", tmp_path / "run")

    code, _, err = call("render", folder, "-f", "html")

    assert code == 0
    assert "made with the template brand/templates; name it with --template" in err


def test_an_unknown_template_is_refused_before_anything_is_drawn(call: Call, tmp_path: Path) -> None:
    code, _, err = call("render", "--sample", "--template", "medcal", "-o", tmp_path / "s")

    assert code == 2
    assert "no template is named 'medcal'; did you mean 'medical'?" in err
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("arguments", [[], ["run", "--sample"], ["run", "-o", "x"], ["--sample", "--verdict", "maybe"]])
def test_what_does_not_go_together_is_a_usage_error(call: Call, arguments: list[str]) -> None:
    assert call("render", *arguments)[0] == 2


def test_templates_are_listed_with_what_they_are_for(call: Call) -> None:
    code, out, _ = call("list", "templates")

    assert code == 0
    assert [word for word in out.split() if word in template_names()] == ["default", "medical", "summary"]
    assert "Four A4 pages for a ticket" in out
