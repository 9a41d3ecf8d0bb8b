"""A report in Chinese: every word of ours, in all templates; names, code and what people wrote stay."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import page as validator
import pikepdf
import pytest

from auditor.languages import Language
from auditor.languages.recorded import Phrases
from auditor.records import Audit, SignOff
from auditor.reports import RenderOptions
from auditor.reports._brand import signatures_of
from auditor.reports._explanation import ExplainedPicture, ExplanationFigure, Tile, write_explanation
from auditor.reports.html import Html
from auditor.reports.pdf import Pdf
from auditor.sample import write_sample
from tests.reports.conftest import Run
from tests.reports.tag_tree import TagTree

NAMES = re.compile(
    r"https?://\S+|[\w.-]+/[\w./-]+|\w+\.(?:json|yaml|csv|jpg|png|pth|py|txt)|"  # addresses and files
    r"[a-z]+(?:[_.:@-][\w.:@-]+)+|[0-9a-f]{12,}|(?:layer|conv)\d[\w.]*|\{\w+\}|IMG_|"  # ids
    r"(?:Art\.|[Ii]tem|Principle|GOVERN|MAP|MEASURE|MANAGE) ?[\d.()a-z]+|Annex [IVX]+ [\w()]+|"  # clauses
    r"CLAIM|GMLP|gmlp|NIST|AI RMF|EU|OJ|(?:[A-Z]\w*[- ])*CAM|Kernel SHAP|SmoothGrad|ROAD|RISE|LIME|LRP|IoU|AUC|"
    r"FGSM|PGD|JPEG|SHA|UTC|Brier|Wilson|Cliff’s delta|BG-gap|Remove and debias|Python|PyTorch|TorchVision|NumPy|SciPy|"
    r"auditor|audit|SAMPLE|MiB|full|purpose|run SPEC"
)
"""What stays as it is: names of methods, norms, software and files, ids and options."""
SAMPLES = {"Deletion gain", "Randomisation", "Size", "colour", "grey", "sharpness", "softmax", "texture", "torchvision"}
SAMPLES |= {"latin", "load", "maps", "metrics"}
"""Names that the made-up audit records and no audit does, and those of parts that broke."""
WORDS = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, Path]:
    folder = tmp_path_factory.mktemp("sample")
    return write_sample(folder), folder


@pytest.fixture(scope="module")
def page(sample: tuple[Audit, Path]) -> Callable[[str], str]:
    """The report by its template; how what audits record is translated, tests/languages say."""
    audit, folder = sample
    kept: dict[str, str] = {}

    def render(template: str) -> str:
        if template not in kept:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Phrases, "translated", lambda self, text: "记录")
                (file,) = Html().write(audit, folder, RenderOptions(template, language="zh"))
            kept[template] = file.read_text(encoding="utf-8")
        return kept[template]

    return render


def texts(page: str) -> list[str]:
    """What is read or heard; not the references' citations, the spec's text or what the audit's people wrote."""
    page = re.sub(r"<(style|script|pre|code)\b.*?</\1>|<ul class=\"references\">.*?</ul>", "", page, flags=re.DOTALL)
    page = re.sub(r"<h1>.*?</h1>", lambda title: re.sub(r"</?span[^>]*>", "", title[0]), page)
    heard = re.findall(
        r'\b(?:aria-label|alt|placeholder|title|data-(?:words|done|failed|largest|none))="([^"]*)"', page
    )
    return [html.unescape(text).strip() for text in [*re.split(r"<[^>]+>", page), *heard] if text.strip()]


def own_words(audit: Audit) -> list[str]:
    """What was written or named by people, and so stays: longest first."""
    kept = {audit.title, audit.name, audit.purpose, audit.owner, audit.organisation, audit.model.name}
    kept |= {
        audit.model.architecture,
        audit.model.version,
        audit.sample.path,
        audit.sample.source,
        *audit.model.classes,
    }
    kept |= {str(audit.report_options.get(key) or "") for key in ("classification", "footer")}
    kept |= {one for person in audit.sign_off for one in (person.role, person.name, person.comment)}
    kept |= {
        one for waiver in audit.waivers for one in (waiver.statement, waiver.owner, waiver.approver, waiver.ticket)
    }
    kept |= {group for column, groups in audit.sample.per_group.items() for group in (column, *groups)}
    kept |= {value for value in audit.environment.values() if isinstance(value, str)}
    return sorted((str(word) for word in kept if word), key=len, reverse=True)


@pytest.mark.parametrize("template", ["default", "summary", "medical"])
def test_the_page_says_its_language(page: Callable[[str], str], template: str) -> None:
    assert '<html lang="zh-Hans">' in page(template)


@pytest.mark.parametrize("template", ["default", "summary", "medical"])
def test_nothing_of_ours_stays_english(sample: tuple[Audit, Path], page: Callable[[str], str], template: str) -> None:
    audit, _ = sample
    own, made_up = (re.compile("|".join(map(re.escape, words))) for words in (own_words(audit), SAMPLES))

    rest = {text: made_up.sub("", NAMES.sub("", own.sub("", text))) for text in texts(page(template))}

    assert [text for text, words in rest.items() if WORDS.search(words)] == []


@pytest.mark.parametrize("template", ["default", "summary", "medical"])
def test_chinese_type_goes_with_chinese_pages_only(
    sample: tuple[Audit, Path], page: Callable[[str], str], template: str
) -> None:
    audit, folder = sample
    chinese = page(template)
    (file,) = Html().write(audit, folder, RenderOptions(template))
    english = file.read_text(encoding="utf-8")

    assert "line-break: strict" in chinese
    assert "line-break: strict" not in english
    assert '<html lang="en">' in english


def test_a_hostile_name_is_no_markup_in_chinese_either(hostile: Run) -> None:
    (file,) = Html().write(hostile.audit, hostile.folder, RenderOptions(language="zh"))

    page = file.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_what_a_person_decided_is_said_in_words_and_never_as_markup(believable: Run) -> None:
    signs = (SignOff(role="R", decision="accept"), SignOff(role="S", decision="<b>bold</b>"))
    audit = believable.audit.model_copy(update={"sign_off": signs})
    with Language.of("zh").spoken():
        said = [person.said for person in signatures_of(audit)]
    (file,) = Html().write(audit, believable.folder, RenderOptions(language="zh"))

    assert said == ["接受", "<b>bold</b>"]
    assert "<b>bold</b>" not in file.read_text(encoding="utf-8")


def test_a_pdf_in_chinese_says_so_and_follows_both_standards(damaged: Run) -> None:
    (file,) = Pdf().write(damaged.audit, damaged.folder, RenderOptions(language="zh"))

    for profile in (validator.ValidationProfile.PDF_A_3A, validator.ValidationProfile.PDF_UA_1):
        assert [item.message for item in validator.validate_pdf(str(file), profile=profile).failures] == []
    with pikepdf.open(file) as pdf:
        assert TagTree(pdf).mistakes == []
        assert str(pdf.Root.Lang) == "zh-Hans"
        fonts = {str(item.get("/BaseFont")) for item in pdf.objects if isinstance(item, pikepdf.Dictionary)}
    assert any("CJK" in name or "WenQuanYi" in name for name in fonts)


def test_an_explained_picture_is_told_in_chinese(tmp_path: Path) -> None:
    figure = ExplanationFigure("Causal map", b"jpeg", "image/jpeg", "nothing known of this", "nor of this")
    picture = ExplainedPicture(
        name="x.png",
        model="net",
        title="Signs",
        target="stop",
        scores=(("stop", 0.9),),
        sentence="said by nobody",
        cells=(("cell-r1c1", 0.5, 0.4, 0.6, 0.25),),
        figure=figure,
        tiles=(
            Tile("the picture", b"jpeg", "", ""),
            Tile("grad_cam at layer4", b"jpeg", "", "how", "grad_cam"),
            Tile("Occlusion", b"jpeg", "", "how", "occlusion"),
        ),
    )

    (file,) = write_explanation(picture, tmp_path / "x.html", language="zh")

    page = file.read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in page
    assert "影响最大的单元格" in page
    assert "0.40～0.60" in page
    assert "<dt>Grad-CAM</dt>" in page
    assert "<dt>遮挡</dt>" in page
