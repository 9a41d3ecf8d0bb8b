from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.errors import LanguageError
from auditor.languages import Language, codes, listed, say, say_in, say_many, speaking, spoken_number
from auditor.languages.language import read_catalogue

AT = datetime(2026, 3, 11, 14, 9, tzinfo=UTC)


def test_there_are_english_and_every_language_with_a_catalogue() -> None:
    assert codes()[0] == "en"
    assert "zh" in codes()


def test_an_unknown_language_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(LanguageError, match=r"no language is named 'tlh'; there are en, zh"):
        Language.of("tlh")


def test_english_says_what_the_code_says() -> None:
    assert say("Findings register") == "Findings register"
    assert say_many("{n} finding", "{n} findings", 1) == "1 finding"
    assert say_many("{n} finding", "{n} findings", 1_024) == "1,024 findings"


def test_within_a_block_another_language_is_spoken_and_only_there() -> None:
    chinese = Language.of("zh")

    with chinese.spoken():
        said = say("Findings register"), speaking().code

    assert said == ("发现项登记表", "zh")
    assert speaking().code == "en"


def test_an_error_in_a_block_ends_the_language_too() -> None:
    with pytest.raises(RuntimeError), Language.of("zh").spoken():
        raise RuntimeError

    assert say("Findings register") == "Findings register"


def test_chinese_has_one_form_for_every_amount() -> None:
    with Language.of("zh").spoken():
        forms = {say_many("{n} finding", "{n} findings", amount).replace(str(amount), "n") for amount in (0, 1, 2)}

    assert forms == {"n 个发现项"}


def test_words_in_a_context_differ_from_the_same_words_without() -> None:
    with Language.of("zh").spoken():
        assert say_in("answer", "right") == "正确"
        assert say("right") == "右侧"


def test_what_a_catalogue_lacks_stays_as_it_is() -> None:
    with Language.of("zh").spoken():
        assert say("No catalogue has {this}.", this="one") == "No catalogue has one."
        assert say("") == ""


def test_dates_and_lists_follow_the_language() -> None:
    assert Language.of("en").moment(AT) == "11 March 2026, 14:09 UTC"
    assert Language.of("en").day(AT) == "11 March 2026"
    assert Language.of("zh").moment(AT) == "2026 年 3 月 11 日 14:09 UTC"
    assert Language.of("zh").day(AT) == "2026 年 3 月 11 日"
    with Language.of("zh").spoken():
        assert listed(["甲", "乙"]) == "甲、乙"


@pytest.mark.parametrize(
    ("digits", "english"),
    [("0.50", "0.50"), ("1234", "1,234"), ("-1234.5", "-1,234.5"), ("0", "0"), ("1e+05", "1e+05"), ("inf", "inf")],
)
def test_numbers_keep_their_decimals(digits: str, english: str) -> None:
    assert spoken_number(digits) == english


def test_numbers_have_the_signs_of_their_locale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A third language is one file: its locale gives the signs."""
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: de\\n"\n\n'
    (tmp_path / "de.po").write_text(header + 'msgid "Finding"\nmsgstr "Befund"\n', encoding="utf-8")
    monkeypatch.setattr("auditor.languages.language.CATALOGUES", tmp_path)

    german = Language.of("de")

    assert german.translate("Finding") == "Befund"
    assert german.number("1234.50") == "1.234,50"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("zh.po", 'msgid "a"\nmsgstr "b"\n<<<<<<< HEAD\n', r"zh\.po:3: "),
        ("zh.po", "no catalogue at all\n", r"zh\.po:1: "),
        ("xx.po", 'msgid "a"\nmsgstr "b"\n', r"xx\.po: "),
    ],
)
def test_a_broken_catalogue_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(LanguageError, match=said):
        read_catalogue(tmp_path / name)
