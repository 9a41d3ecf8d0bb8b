"""Room between Han and Latin letters or digits, where a text is put together and nowhere else."""

from __future__ import annotations

import pytest

from auditor.languages import Language, say, say_in, say_many, side_by_side
from auditor.languages.entries import read_entries
from auditor.languages.language import CATALOGUES
from auditor.languages.recorded import Phrases
from auditor.languages.seams import joined


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("类别", "effusion", "的预测"), "类别 effusion 的预测"),
        (("共", "12%", "的图像"), "共 12% 的图像"),
        (("为", "−0.3"), "为 −0.3"),
        (("类别 ", "cat", " 的预测"), "类别 cat 的预测"),
        (("（", "cat", "，", "7", "）。"), "（cat，7）。"),
        (("类别", "", "cat"), "类别 cat"),
        (("类别", "肺炎pneumonia2型", "的预测"), "类别肺炎pneumonia2型的预测"),
        (("class ", "cat", "s"), "class cats"),
        (("", "cat"), "cat"),
    ],
)
def test_room_is_only_where_han_meets_a_letter_or_a_digit_at_a_seam(pieces: tuple[str, ...], text: str) -> None:
    assert joined(pieces, " ") == text


def test_a_language_that_wants_no_room_gets_none() -> None:
    assert joined(("类别", "cat", "的预测"), "") == "类别cat的预测"
    assert joined(("类别", "cat"), "\u2009") == "类别\u2009cat"


def test_chinese_wants_room_and_english_none() -> None:
    assert Language.of("zh").room == " "
    assert Language.of("en").room == ""


def test_what_is_said_has_room_around_what_is_filled_in() -> None:
    with Language.of("zh").spoken():
        # no catalogue has these words, so that they are taken as they are
        said = say("中{one}文{two:.1f}字。{three!r}", one="a", two=2.5, three="肺"), say_in("c", "中{one}", one=1)
        many = say_many("中{n}文", "中{n}文", 1024)

    assert said == ("中 a 文 2.5 字。'肺'", "中 1")
    assert many == "中 1,024 文"
    assert say("中{one}文", one="a") == "中a文"


def test_pieces_of_a_template_have_the_room_of_the_language_that_is_spoken() -> None:
    assert side_by_side(("中", "a", "文")) == "中a文"
    with Language.of("zh").spoken():
        assert side_by_side(("中", "a", "文")) == "中 a 文"


def test_what_audits_record_has_room_around_what_is_filled_in_but_not_inside_names() -> None:
    entries = {"class {class_name} turns": "类别{class_name}改变", " and ": "和", "中A": "中 A"}
    phrases = Phrases(entries).among({"effusion", "mass", "x光a片b"})

    assert phrases.translated("class effusion turns") == "类别 effusion 改变"
    assert phrases.translated("class x光a片b turns") == "类别 x光a片b 改变"
    assert phrases.translated("class effusion and mass turns") == "类别 effusion 和 mass 改变"
    assert Phrases({**entries, "中A": "中A"}).translated("class 7 turns") == "类别7改变"


def test_the_catalogue_hands_its_room_to_what_says_records() -> None:
    assert read_entries(CATALOGUES / "zh.po")["中A"] == "中 A"
