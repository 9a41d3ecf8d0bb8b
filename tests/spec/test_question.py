"""Which edits of a spec ask something else, and which ask the same again."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.spec.question import question_digest
from auditor.spec.reading import read_spec_file, validate

SPEC = """\
version: 1
name: toy
model: {source: python, factory: net.py:make, classes: [dark, bright]}
dataset: {source: folder, path: pictures}
probes: [corner]
policy: {fail_on: high}
"""


def digest(folder: Path, text: str = SPEC, *overrides: str) -> str:
    (folder / "spec.yaml").write_text(text)
    file = read_spec_file(folder / "spec.yaml", overrides)
    spec, problems = validate(file)
    assert spec is not None, problems
    return question_digest(spec, file)


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n" + SPEC,
        SPEC + "title: Toy\nowner: us\npurpose: none\n",
        SPEC + "report: {formats: [json], organisation: Us}\n",
        SPEC.replace("fail_on: high", "baseline: known/baseline.json, waivers: waivers.yaml"),
        SPEC + "runtime: {seed: 0}\nlayers: auto\n",
        "".join(reversed(SPEC.splitlines(keepends=True))),
    ],
    ids=["comment", "words", "looks", "where files lie", "defaults written out", "order of keys"],
)
def test_it_is_the_same_question(tmp_path: Path, text: str) -> None:
    assert digest(tmp_path, text) == digest(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        SPEC.replace("fail_on: high", "fail_on: critical"),
        SPEC.replace("fail_on: high", "limits: {metrics.accuracy: {min: 0.9}}"),
        SPEC.replace("[corner]", "[border]"),
        SPEC.replace("[corner]", "[{use: corner, share: 0.2}]"),
        SPEC.replace("path: pictures", "path: others"),
        SPEC.replace("path: pictures", "path: pictures, sample: {seed: 1}"),
        SPEC + "runtime: {seed: 1}\n",
    ],
    ids=["gate", "limit", "probe", "option", "data", "sample", "seed"],
)
def test_it_is_another_question(tmp_path: Path, text: str) -> None:
    assert digest(tmp_path, text) != digest(tmp_path)


def test_how_a_value_was_given_makes_no_difference(tmp_path: Path) -> None:
    assert digest(tmp_path, SPEC, "runtime.seed=1") == digest(tmp_path, SPEC + "runtime: {seed: 1}\n")
    assert digest(tmp_path, SPEC, "policy.baseline=../b.json") == digest(tmp_path)


def test_a_value_from_the_environment_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SPEC.replace("path: pictures", "path: '${PLACE}'")
    monkeypatch.setenv("PLACE", "one")
    first = digest(tmp_path, text)
    monkeypatch.setenv("PLACE", "two")

    assert digest(tmp_path, text) == first != digest(tmp_path)
