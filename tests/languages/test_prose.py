"""Which fields of an audit are prose is decided for every field, and only those are said in another language."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from enum import Enum

import pytest

import auditor.records as records
from auditor.languages.prose import KEPT, KEYS, PREDICTED, PROSE, in_language, passages
from auditor.languages.recorded import Phrases
from auditor.records import Audit, Record

RECORDS = [item for item in vars(records).values() if isinstance(item, type) and issubclass(item, Record)]


def _holds_text(hint: object) -> bool:
    """Whether a value of that type can be or contain text that is no record's and no enumeration's."""
    if hint in (str, typing.Any):
        return True
    if isinstance(hint, type) and issubclass(hint, Record | Enum):
        return False
    return any(_holds_text(part) for part in typing.get_args(hint))


def _fields(kind: type[Record]) -> Iterator[str]:
    hints = typing.get_type_hints(kind)
    yield from (name for name in kind.model_fields if _holds_text(hints[name]) and not _only_records(hints[name]))


def _only_records(hint: object) -> bool:
    """A mapping of records by their paths."""
    parts = typing.get_args(hint)
    return len(parts) == 2 and parts[0] is str and isinstance(parts[1], type) and issubclass(parts[1], Record)


@pytest.mark.parametrize("kind", [item for item in RECORDS if item is not Record], ids=lambda kind: kind.__name__)
def test_every_field_with_text_is_prose_or_kept(kind: type[Record]) -> None:
    fields = set(_fields(kind))

    assert PROSE[kind] | KEPT[kind] == fields, "a new field that holds text is prose, or it is kept: decide in prose.py"
    assert not PROSE[kind] & KEPT[kind]


def test_mappings_with_some_prose_are_kept_but_for_their_keys() -> None:
    assert all(field in KEPT[kind] for kind, field in KEYS)


def _marked(audit: Audit) -> Phrases:
    """Says every passage of the audit with a mark around it."""
    return Phrases({text: f"⟨{text}⟩" for _, text in passages(audit) if "{" not in text})


def test_every_passage_is_said_and_nothing_else(sample: Audit) -> None:
    said = in_language(sample, _marked(sample))

    # a number placed on a chart is set by the language's rule for numbers, and is no sentence to look up
    numbers = re.compile(r"\d+ %")
    assert [text for _, text in passages(said) if not text.startswith("⟨") and not numbers.fullmatch(text)] == []
    assert said.to_json().replace("⟨", "").replace("⟩", "") == sample.to_json()


def test_the_audit_itself_stays(sample: Audit) -> None:
    before = sample.to_json()

    in_language(sample, _marked(sample))

    assert sample.to_json() == before


def test_ids_names_and_what_people_wrote_stay(sample: Audit) -> None:
    said = in_language(sample, Phrases(dict.fromkeys(_strings(sample.model_dump()), "译")))

    for field in ("name", "title", "purpose", "owner", "organisation", "report_id", "schema_version", "per_class"):
        assert getattr(said, field) == getattr(sample, field)
    assert said.model.classes == sample.model.classes
    assert [check.id for check in said.checks] == [check.id for check in sample.checks]
    assert list(said.figures) == list(sample.figures)
    assert [item.statement for item in said.waivers] == [item.statement for item in sample.waivers]


def test_the_name_of_a_class_is_kept_where_it_is_spelt_like_a_phrase(sample: Audit) -> None:
    model = sample.model.model_copy(update={"classes": ("border", "corner")})
    audit = sample.model_copy(update={"model": model, "notes": ("border", "a note")})

    said = in_language(audit, Phrases({"border": "边框", "a note": "说明"}))

    assert said.notes == ("border", "说明")


def test_the_usual_target_is_a_key_that_views_compare(sample: Audit) -> None:
    shown = [item.model_copy(update={"target": PREDICTED}) for item in sample.visualizations]

    said = in_language(sample.model_copy(update={"visualizations": tuple(shown)}), Phrases({PREDICTED: "预测类别"}))

    assert {item.target for item in said.visualizations} == {PREDICTED}
    assert not any(item.for_words for item in said.visualizations)


def test_what_stays_english_is_counted_over_the_audit(sample: Audit) -> None:
    phrases = Phrases({"nothing": "无"})

    in_language(sample, phrases)

    assert phrases.unknown.total() > 50


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value.replace("{", "(").replace("}", ")")
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
