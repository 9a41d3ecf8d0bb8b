"""Each shipped catalogue says every sentence of ours, alike however it is built, and in no two ways."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from auditor.languages.entries import read_entries
from auditor.languages.patterns import Pattern
from auditor.languages.prose import in_language, passages
from auditor.languages.recorded import Phrases
from auditor.languages.seams import SEAM, room_of
from auditor.records import Audit
from docs.recorded_messages import EXCLUDED, messages, missing

FOLDER = Path("auditor/languages")
CATALOGUES = sorted(path.stem for path in (Path(__file__).parents[2] / FOLDER).glob("*.po"))
PLACE = re.compile(r"\{([a-z_0-9]+)\}")


def _filled(text: str) -> str:
    """With a number or a name in each place."""
    return PLACE.sub(lambda found: "7" if found[1].startswith("n_") else "Qx7", text)


def _said(text: str, entries: dict[str, str]) -> str:
    """What the entry itself makes of a text that is filled like that."""
    places = {place: _filled(f"{{{place}}}") for place in PLACE.findall(text)}
    if not places:
        return entries[text]
    return Pattern.of(text, entries[text]).filled(places, room=room_of(entries.get(SEAM, SEAM)))


def _entries(language: str) -> dict[str, str]:
    return read_entries(Path(__file__).parents[2] / FOLDER / f"{language}.po")


@pytest.fixture(scope="module", params=CATALOGUES)
def entries(request: pytest.FixtureRequest) -> dict[str, str]:
    return _entries(request.param)


@pytest.fixture(scope="module")
def phrases(entries: dict[str, str]) -> Phrases:
    return Phrases(entries)


def test_there_is_a_catalogue() -> None:
    assert "zh" in CATALOGUES


def test_no_message_of_the_sources_is_missing(phrases: Phrases) -> None:
    assert [f"{item.where}: {item.text}" for item in missing(phrases)] == [], (
        "run: python -m docs.recorded_messages --po"
    )


def test_every_exclusion_is_still_a_message_and_gives_its_reason() -> None:
    texts = {item.text for item in messages()}

    assert set(EXCLUDED) <= texts
    assert all(EXCLUDED.values())


def test_no_two_patterns_fit_one_text_equally(entries: dict[str, str], phrases: Phrases) -> None:
    unclear = []
    for text in entries:
        if PLACE.search(text):
            fitting = phrases.fitting(_filled(text))
            best = [item for item in fitting if item.weight == fitting[0].weight]
            if len({item.said for item in best}) > 1:
                unclear.append((text, ["{}".join(item.literals) for item in best]))

    assert unclear == []


def test_every_entry_is_said_by_itself(entries: dict[str, str], phrases: Phrases) -> None:
    """No more general pattern hides it."""
    hidden = {text: phrases.translated(_filled(text)) for text in entries if any(map(str.isalpha, PLACE.sub("", text)))}

    assert {text: said for text, said in hidden.items() if said != _said(text, entries)} == {}


@pytest.mark.parametrize("audit", ["sample", "hostile_sample"])
def test_every_passage_of_the_sample_audit_is_known(
    audit: str, phrases: Phrases, request: pytest.FixtureRequest
) -> None:
    found: Audit = request.getfixturevalue(audit)
    named = phrases.among(())

    in_language(found, named)

    assert dict(named.unknown) == {}


@pytest.mark.parametrize("audit", ["sample", "hostile_sample"])
def test_english_for_english_changes_no_byte(
    audit: str, entries: dict[str, str], request: pytest.FixtureRequest
) -> None:
    found: Audit = request.getfixturevalue(audit)

    assert in_language(found, Phrases({text: text for text in entries})).to_json() == found.to_json()


def test_names_that_are_attacks_stand_in_the_other_language_as_they_were(
    hostile_sample: Audit, phrases: Phrases
) -> None:
    said = in_language(hostile_sample, phrases)

    for before, after in zip(passages(hostile_sample), passages(said), strict=True):
        for attack in hostile_sample.model.classes:
            assert after[1].count(attack) == before[1].count(attack)
        assert after[1].count("<") == before[1].count("<")
        assert after[1].count("{") == before[1].count("{")


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "For class cat, the model relies on a border ring 5 px wide: when it comes from another picture, 40 % more "
            "predictions turn to class cat than with a matched control (95 % interval 31 % to 50 %, 64 images).",
            "对于类别 cat，模型依赖宽 5 像素的边框环：当它取自另一张图像时，与匹配对照相比，"
            "转为类别 cat 的预测多 40%"
            "（95% 置信区间 31% 至 50%，64 张图像）。",
        ),
        (
            "A mark burned into the top left of the picture is present in the data, and the model does not use it; an "
            "effect of 12% would have been seen with 80 % power.",
            "烧录在图像左上方的标记存在于数据中，但模型并未使用它；若效应达到 12%，以 80% 的检验功效本可发现。",
        ),
        (
            "grad_cam at features.9, left/clip006: dog, predicted cat (1.00). Frames 0, 1 of the clip; the tallest "
            "bar, frame 0, is 12% of the map. This method failed its trust check on this model: do not read its "
            "pictures as evidence.",
            "grad_cam，层 features.9，left/clip006：dog，预测为 cat（1.00）。"
            "片段的第 0, 1 帧；最高的条形（第 0 帧）占归因图的 12%。"
            "该方法在此模型上未通过可信度检查：不要把其图像当作证据。",
        ),
        (
            "half A, 2 donors an image; minus control: inward-top-right, bottom-left",
            "半样本 A，每张图像 2 个供体；已减去对照：右上内侧、左下",
        ),
        (
            "waivers.yaml:3: Waiver W-1 (QA-1, approved by Dr. A. Example) accepts limits.accuracy until 2026-12-01; "
            "it expires in 9 days.",
            "waivers.yaml:3：豁免 W-1（QA-1，批准人 Dr. A. Example）接受 limits.accuracy，"
            "直至 2026-12-01；9 天后到期。",
        ),
    ],
)
def test_sentences_put_together_read_well_in_chinese(english: str, chinese: str) -> None:
    named = Phrases(_entries("zh")).among({"cat", "dog", "grad_cam", "features.9", "left/clip006"})

    assert named.translated(english) == chinese
    assert not named.unknown
