"""The script of report.html and its data: let in letter by letter, and impossible to break out of."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from auditor.errors import RenderError
from auditor.reports import RenderOptions
from auditor.reports._words import plain
from auditor.reports.html import Html
from tests.reports.conftest import Run
from tests.reports.test_html import render, template_folder


def test_the_policy_lets_in_the_pages_own_script_and_style_letter_by_letter(believable: Run) -> None:
    page = render(believable)
    policy = next(attributes["content"] for attributes in page.all("meta") if "http-equiv" in attributes)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    def digest(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    assert rules["script-src"] == digest(page.scripts[1])
    assert rules["style-src-elem"] == digest(page.styles[0])


def test_words_in_the_scripts_data_cannot_leave_it(believable: Run) -> None:
    evil = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\u2028'\"&"
    first, *rest = believable.audit.visualizations[1:]
    methods = (first.model_copy(update={"layer": evil, "target": evil}), *rest)

    page = render(Run(believable.folder, believable.audit.model_copy(update={"visualizations": methods})))

    assert [script.get("type") for script in page.all("script")] == ["application/json", None]
    assert "<" not in page.scripts[0]
    assert json.loads(page.scripts[0])["sets"][0]["layer"] == plain(evil)


@pytest.mark.parametrize("text", ["</script>", "</STYLE >", "<!--"])
def test_a_script_that_would_end_its_own_element_is_refused(believable: Run, tmp_path: Path, text: str) -> None:
    options = template_folder(tmp_path, report_dot_js=f"const words = '{text}';")

    with pytest.raises(RenderError, match=r"report\.js: holds"):
        Html().write(believable.audit, believable.folder, options)


def test_no_element_handles_events_by_itself(hostile: Run) -> None:
    names = {name for _, attributes in render(hostile).elements for name in attributes}

    assert not [name for name in names if name.startswith("on")]


def test_every_picture_of_the_sample_is_in_the_gallery_with_what_was_said_of_it(believable: Run) -> None:
    page = render(believable)
    cards = [attributes for tag, attributes in page.elements if tag == "li" and "data-answer" in attributes]

    assert [card["id"] for card in cards] == [f"picture-{n}" for n in range(1, len(believable.audit.images) + 1)]
    assert [card["data-answer"] for card in cards][:2] == ["wrong", "right"]
    sets = json.loads(page.scripts[0])["sets"]
    assert [one["method"] for one in sets][:2] == ["Occlusion", "Grad-CAM"]
    assert all(len(one["tops"]) == len(cards) for one in sets)


def test_a_run_that_keeps_no_maps_shows_the_sheets_instead(believable: Run) -> None:
    methods = tuple(item.model_copy(update={"maps": None}) for item in believable.audit.visualizations)
    page = render(Run(believable.folder, believable.audit.model_copy(update={"visualizations": methods})))

    shown = [attributes["alt"] for attributes in page.all("img")]
    for path in {path for image in believable.audit.images for path in image.figures}:
        assert believable.audit.figures[path].alt in shown
    assert page.all("script") == [{}]


@pytest.mark.parametrize("name", ["evidence/maps/0.npz", "evidence/pictures/0002.jpg"])
@pytest.mark.parametrize("damage", ["missing", "half", "other"])
def test_broken_maps_and_pictures_end_the_build(damaged: Run, name: str, damage: str) -> None:
    file = damaged.folder / name
    whole = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(whole[: len(whole) // 2] if damage == "half" else b"<html>")

    with pytest.raises(RenderError, match=re.escape(name)):
        Html().write(damaged.audit, damaged.folder, RenderOptions())

    assert not (damaged.folder / "report.html").exists()


def test_maps_of_fewer_pictures_than_the_audit_has_are_refused(damaged: Run) -> None:
    audit = damaged.audit.model_copy(update={"images": damaged.audit.images[:3]})

    with pytest.raises(RenderError, match=r"evidence/maps/0.npz: holds maps of shape \(4, 24, 24\) for 3 pictures"):
        Html().write(audit, damaged.folder, RenderOptions())
