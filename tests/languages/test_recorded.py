"""Recorded English is recognised by whole texts and by patterns, piece by piece where no entry fits the whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import LanguageError
from auditor.languages.entries import read_entries
from auditor.languages.patterns import CatalogueError, Pattern
from auditor.languages.recorded import Phrases

SAID = {
    "; ": "；",
    ": ": "：",
    ", ": "、",
    " and ": "和",
    ".": "。",
    ". ": "。",
    "The model": "模型",
    "a border ring {width} px wide": "宽 {width} 像素的边框环",
    "the colour cast": "偏色",
    "{subject} relies on {where}: {effect}.": "{subject}依赖{where}：{effect}。",
    "{where} is present in the data, and the model does not use it{power}.": "{where}在数据中，模型未使用{power}。",
    "an effect of {effect} would have been seen": "{effect} 的效应能够被发现",
    "class {class_name} falls": "类别 {class_name} 下降",
    "half {half}, {count} donors an image": "{half} 半样本，每张图像 {count} 个供体",
    "minus control: {controls}": "已减去对照：{controls}",
    "Look at the corner.": "请查看角落。",
}


@pytest.fixture
def phrases() -> Phrases:
    return Phrases(SAID)


def test_a_whole_text_is_said(phrases: Phrases) -> None:
    assert phrases.translated("the colour cast") == "偏色"


def test_what_stands_in_a_place_is_kept_where_it_is_a_number(phrases: Phrases) -> None:
    assert phrases.translated("a border ring 5 px wide") == "宽 5 像素的边框环"


def test_what_stands_in_a_place_is_said_where_an_entry_fits_it(phrases: Phrases) -> None:
    text = "The model relies on a border ring 5 px wide: class cat falls."

    assert phrases.translated(text) == "模型依赖宽 5 像素的边框环：类别 cat 下降。"


def test_a_phrase_at_the_beginning_of_a_sentence_has_another_first_letter(phrases: Phrases) -> None:
    text = "A border ring 5 px wide is present in the data, and the model does not use it."

    assert phrases.translated(text) == "宽 5 像素的边框环在数据中，模型未使用。"


def test_a_language_with_capitals_gets_them_back() -> None:
    french = Phrases({"the colour cast": "la dominante", "{cue} is there.": "{cue} est là."})

    assert french.translated("The colour cast is there.") == "La dominante est là."


def test_a_place_may_be_empty_or_hold_the_rest_of_the_sentence(phrases: Phrases) -> None:
    text = (
        "The colour cast is present in the data, and the model does not use it; an effect of 12 % would have been seen."
    )

    assert phrases.translated(text) == "偏色在数据中，模型未使用；12 % 的效应能够被发现。"


def test_parts_are_said_one_by_one(phrases: Phrases) -> None:
    assert phrases.translated("half A, 2 donors an image; minus control: the colour cast") == (
        "A 半样本，每张图像 2 个供体；已减去对照：偏色"
    )


def test_sentences_are_joined_as_the_language_joins_them(phrases: Phrases) -> None:
    assert phrases.translated("Look at the corner. Look at the corner.") == "请查看角落。请查看角落。"


def test_a_sentence_of_an_entry_is_known_beside_other_sentences() -> None:
    phrases = Phrases(
        {". ": "。", ".": "。", "; ": "；", "Bright is near; dark is far. Read areas.": "亮为近；暗为远。请看区域。"}
    )

    assert phrases.translated("Read areas. Bright is near; dark is far.") == "请看区域。亮为近；暗为远。"
    assert phrases.translated("dark is far.") == "暗为远。"


def test_an_initial_and_a_number_in_a_list_end_no_sentence() -> None:
    phrases = Phrases({"approved by {name}": "批准人 {name}", "In order: {words}": "依次：{words}", "; ": "；"})

    assert phrases.translated("approved by Dr. A. Example") == "批准人 Dr. A. Example"
    assert phrases.translated("In order: 1. Anna; 2. Otto") == "依次：1. Anna；2. Otto"


def test_a_name_is_kept_although_a_phrase_is_spelt_alike(phrases: Phrases) -> None:
    assert phrases.among({"the colour cast"}).translated("the colour cast") == "the colour cast"
    assert phrases.translated("class the colour cast falls") == "类别 the colour cast 下降"


def test_a_place_for_a_number_takes_nothing_else() -> None:
    phrases = Phrases({"{what} of {n_count} pictures in all": "{n_count} 张图像的{what}", "share of all": "份额"})

    assert phrases.translated("share of 12 pictures in all") == "12 张图像的share"
    assert phrases.translated("share of the pictures in all") == "share of the pictures in all"


def test_the_most_specific_pattern_wins() -> None:
    phrases = Phrases({"{a} of the pictures": "一般 {a}", "half of {b} of the pictures": "特殊 {b}"})

    assert phrases.translated("half of 12 of the pictures") == "特殊 12"


def test_what_is_not_known_stays_and_is_counted(phrases: Phrases) -> None:
    assert phrases.translated("nobody wrote this down") == "nobody wrote this down"
    assert phrases.translated("The model relies on some odd thing: class cat falls.") == (
        "模型依赖some odd thing：类别 cat 下降。"
    )
    assert phrases.unknown == {"nobody wrote this down": 1, "some odd thing": 1}


def test_what_another_library_said_is_kept_and_not_counted() -> None:
    phrases = Phrases({"cannot be read: {error}": "无法读取：{error}"})

    assert phrases.translated("cannot be read: no such file or directory") == "无法读取：no such file or directory"
    assert not phrases.unknown


def test_an_error_of_other_code_is_kept_and_not_counted() -> None:
    phrases = Phrases({"{part} did not finish: {reason}": "{part} 未完成：{reason}"})

    assert phrases.translated("border did not finish: ValueError: no such thing here") == (
        "border 未完成：ValueError: no such thing here"
    )
    assert not phrases.unknown


@pytest.mark.parametrize(
    "hostile", ["{width}", "{0.__class__}", "{{7*7}}", "%(name)s", "<script>alert(1)</script>", "\\g<0>", "{where}"]
)
def test_what_stands_in_a_place_is_never_read_again(phrases: Phrases, hostile: str) -> None:
    assert phrases.translated(f"a border ring {hostile} px wide") == f"宽 {hostile} 像素的边框环"
    assert phrases.translated(hostile) == hostile


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_name_comes_through_as_it_is(name: str) -> None:
    phrases = Phrases({"the names are <{name}>.": "名称为<{name}>。"})

    assert phrases.translated(f"the names are <{name}>.") == f"名称为<{name}>。"


@given(st.text(max_size=200))
def test_the_same_words_in_the_other_language_change_no_text(text: str) -> None:
    same = Phrases({key: key for key in SAID})

    assert same.translated(text) == text


def test_a_text_that_is_made_to_be_hard_ends(phrases: Phrases) -> None:
    text = "; ".join(f"half {index}, a: b, c and d relies on the model" for index in range(400))

    assert len(phrases.translated(text)) > 1000


def test_a_translation_names_the_places_of_its_text() -> None:
    with pytest.raises(CatalogueError, match="has other places"):
        Pattern.of("a ring {width} wide", "宽 {breite} 的环")


@pytest.mark.parametrize(("text", "why"), [("{a} and {a}", "occurs twice"), ("{a}{b} px", "nothing"), ("{a}", "every")])
def test_a_pattern_that_cannot_be_read_back_is_refused(text: str, why: str) -> None:
    with pytest.raises(CatalogueError, match=why):
        Pattern.of(text, text)


def test_only_translated_entries_of_the_context_are_read(tmp_path: Path) -> None:
    file = tmp_path / "fr.po"
    file.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "Findings"\nmsgstr "发现项"\n\n'
        'msgctxt "recorded"\nmsgid "the label"\nmsgstr "标签"\n\n'
        'msgctxt "recorded"\nmsgid "the colour cast"\nmsgstr ""\n\n'
        '#, fuzzy\nmsgctxt "recorded"\nmsgid "the corner"\nmsgstr "边"\n',
        encoding="utf-8",
    )

    assert read_entries(file) == {"the label": "标签"}


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "fr.po"
    file.write_text("this is a letter to somebody\n", encoding="utf-8")

    with pytest.raises(LanguageError, match=r"fr\.po"):
        read_entries(file)
