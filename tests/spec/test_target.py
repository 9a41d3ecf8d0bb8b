"""`target` in a spec: every form, and every mistake with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from auditor.errors import SpecError
from auditor.plan import make_plan
from auditor.spec.json_schema import spec_schema
from auditor.spec.target import PREDICTED, Target, TargetSpec

SPEC = """\
version: 1
name: toy
model:
  source: python
  factory: net.py:make
  classes: [cat, dog, horse]
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset: {source: folder, path: pictures}
"""
FORMS = [
    ("predicted", PREDICTED),
    ("label", TargetSpec("label")),
    ("cat", TargetSpec("class", ("cat",))),
    (3, TargetSpec("class", (3,))),
    ({"class": "label"}, TargetSpec("class", ("label",))),
    ({"difference": ["cat", 1]}, TargetSpec("difference", ("cat", 1))),
    ("scores.py:share", TargetSpec("own", reference="scores.py:share")),
    ("my.package:Scores.share", TargetSpec("own", reference="my.package:Scores.share")),
    ("n01440764: tench", TargetSpec("class", ("n01440764: tench",))),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text("def make(): ...\n")
    (tmp_path / "scores.py").write_text("def share(output): ...\n")
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    (tmp_path / "pictures" / "cat" / "1.png").write_bytes(b"")
    return tmp_path


def problems(folder: Path, text: str) -> list[str]:
    path = folder / "spec.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        make_plan(path)
    return [str(problem).removeprefix(str(folder) + "/") for problem in caught.value.problems]


@pytest.mark.parametrize(("written", "target"), FORMS)
def test_every_form_is_read_and_written_again(written: object, target: TargetSpec) -> None:
    adapter = TypeAdapter(Target)

    assert adapter.validate_python(written) == target
    assert adapter.dump_python(target, mode="json") == written


@pytest.mark.parametrize("wrong", [True, -1, "", 1.5, ["cat"], {"difference": ["cat"]}, {"difference": ["cat", "cat"]}])
def test_anything_else_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Target).validate_python(wrong)


def test_one_target_for_all_is_that_of_each_map_that_names_none(folder: Path) -> None:
    path = folder / "spec.yaml"
    entries = "[quick, eigen_cam, {use: saliency, target: {difference: [cat, dog]}}]"
    path.write_text(SPEC + f"target: cat\nvisualizations: {entries}\n")

    targets = {item.key: item.part.target.key for item in make_plan(path).visualizers if hasattr(item.part, "target")}

    assert targets == {
        "eigen_cam": "",
        "grad_cam.cat": "cat",
        "saliency.cat": "cat",
        "saliency.cat minus dog": "cat minus dog",
    }


def test_a_map_may_be_made_for_several_targets_and_each_costs_a_pass(folder: Path) -> None:
    path = folder / "spec.yaml"
    path.write_text(SPEC + "visualizations: [saliency, {use: saliency, target: dog}, {use: grad_cam, target: dog}]\n")

    plan = make_plan(path)

    assert [item.key for item in plan.visualizers] == ["saliency", "saliency.dog", "grad_cam.dog"]
    assert ("visualizations", "a shared pass for each target", 4.0) in list(plan.costs())


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("target: caat", "spec.yaml:9: target: no class is named 'caat'; did you mean 'cat'?"),
        ("target: 3", "spec.yaml:9: target: there is no class 3; the model has 3, from 0 to 2"),
        ("target: {difference: [cat, dgo]}", "spec.yaml:9: target: no class is named 'dgo'; did you mean 'dog'?"),
        ("target: scores.py:shar", "spec.yaml:9: target: scores.py defines no 'shar'; did you mean 'share'?"),
        ("target: {differ: [cat, dog]}", "spec.yaml:9: target: expected predicted, label, a class's name"),
        (
            "visualizations:\n  - {use: saliency, target: hrose}",
            "spec.yaml:10: visualizations.0.target: no class is named 'hrose'; did you mean 'horse'?",
        ),
        (
            "visualizations:\n  - quick\n  - {use: eigen_cam, target: cat}",
            "spec.yaml:11: visualizations.1.target: eigen_cam is the same whatever is explained",
        ),
    ],
)
def test_mistakes_are_told_with_their_line_and_once(folder: Path, lines: str, words: str) -> None:
    (told,) = problems(folder, SPEC + lines + "\n")

    assert told.startswith(words)


def test_label_without_labels_is_a_mistake(folder: Path) -> None:
    (folder / "pictures" / "cat" / "1.png").rename(folder / "pictures" / "1.png")
    (folder / "pictures" / "cat").rmdir()
    (folder / "table.csv").write_text("image\n1.png\n")
    (folder / "empty.csv").write_text("image,label\n1.png,\n")

    for dataset in (
        "{source: folder, path: pictures}",
        "{source: csv, path: table.csv}",
        "{source: csv, path: empty.csv}",
    ):
        text = SPEC.replace("{source: folder, path: pictures}", dataset)
        (told,) = problems(folder, text + "target: label\n")
        assert told.startswith("spec.yaml:9: target: the data set has no labels")


def test_class_names_come_from_a_file_or_from_the_data_where_the_spec_names_none(folder: Path) -> None:
    (folder / "classes.txt").write_text("wolf\nfox\n")

    in_file = problems(folder, SPEC.replace("[cat, dog, horse]", "classes.txt") + "target: wofl\n")
    in_folder = problems(folder, SPEC.replace("  classes: [cat, dog, horse]\n", "") + "target: cta\n")

    assert in_file[0].endswith("no class is named 'wofl'; did you mean 'wolf'?")
    assert in_folder[0].endswith("no class is named 'cta'; did you mean 'cat'?")


def test_the_json_schema_knows_the_forms() -> None:
    schema = spec_schema()

    assert {"enum": ["predicted", "label"]} in schema["properties"]["target"]["anyOf"]
    assert "difference" in json.dumps(schema["properties"]["visualizations"])
