"""Every mistake of a spec is told at once, with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor import registry
from auditor.errors import SpecError
from auditor.media import Medium
from auditor.plan import make_plan
from auditor.spec.reading import read_spec_file, validate

GOOD = """\
version: 1
name: toy
model:
  source: python
  factory: net.py:make
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset:
  source: folder
  path: pictures
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text("def make(): ...\n")
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    (tmp_path / "pictures" / "a" / "1.png").write_bytes(b"")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        make_plan(write(folder, text), overrides)
    return [str(problem).removeprefix(str(folder) + "/") for problem in caught.value.problems]


def test_only_four_keys_are_required(folder: Path) -> None:
    plan = make_plan(write(folder, GOOD))

    assert plan.spec.dataset.sample.size == 128
    assert [item.name for item in plan.reports] == ["html", "pdf", "json"]
    assert {"border", "corner", "overlay", "region", "background"} <= {item.name for item in plan.probes}


def test_ten_mistakes_give_ten_lines(folder: Path) -> None:
    text = """\
version: 2
name: bad name!
modle: {}
model:
  source: torchvison
  weights: missing.pth
  input: {size: [24], mean: [0, 0], std: [1, 1, 1]}
dataset:
  source: folder
  path: nowhere
  sampel: {}
visualizations: [grad_cam, grad_camm]
probes:
  - {use: boarder}
  - {use: corner, share: 3}
policy:
  fail_on: hihg
  limits: {colr.follow_rate: {max: 0.1}}
"""
    found = problems(folder, text)

    expected = [
        "spec.yaml:1: version:",
        "spec.yaml:2: name:",
        "spec.yaml:3: modle: unknown key; did you mean 'model'?",
        "spec.yaml:5: model.source: no model is named 'torchvison'; did you mean 'torchvision'?",
        "spec.yaml:6: model.weights: no such file: missing.pth",
        "spec.yaml:7: model.input.size:",
        "spec.yaml:10: dataset.path:",
        "spec.yaml:11: dataset.sampel: unknown key; did you mean 'sample'?",
        "spec.yaml:12: visualizations.1: no visualizer is named 'grad_camm'; did you mean 'grad_cam'?",
        "spec.yaml:14: probes.0: no probe is named 'boarder'; did you mean 'border'?",
        "spec.yaml:15: probes.1.share:",
        "spec.yaml:17: policy.fail_on:",
        "spec.yaml:18: policy.limits.colr.follow_rate:",
    ]
    for start in expected:
        assert sum(line.startswith(start) for line in found) == 1, (start, found)
    assert len(found) == len(expected), found


def test_a_value_of_the_wrong_type_says_what_was_given(folder: Path) -> None:
    (line,) = problems(folder, GOOD + "  sample: {size: many}\n")

    assert line.startswith("spec.yaml:10: dataset.sample.size:")
    assert "'many'" in line


def test_broken_yaml_is_told_with_its_line(folder: Path) -> None:
    (line,) = problems(folder, "version: 1\nname: [unclosed\n")

    assert line.startswith("spec.yaml:")
    assert "not valid YAML" in line


def test_a_key_given_twice_is_a_mistake(folder: Path) -> None:
    (line,) = problems(folder, GOOD + "name: again\n")

    assert "name" in line


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_a_spec_that_is_no_mapping_is_refused(folder: Path, text: str) -> None:
    (line,) = problems(folder, text)

    assert "mapping" in line


def test_a_missing_file_names_init(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="auditor init"):
        make_plan(tmp_path / "none.yaml")


def test_variables_are_read_and_masked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "secret team")

    spec_file = read_spec_file(write(folder, GOOD + "owner: by ${TEAM}\n"))
    spec, found = validate(spec_file)

    assert found == []
    assert spec is not None
    assert spec.owner == "by secret team"
    assert spec_file.masked_tree()["owner"] == "***"
    assert "secret" not in spec_file.text


def test_a_variable_that_is_not_set_is_a_mistake_at_its_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)

    (line,) = problems(folder, GOOD + "owner: ${NOT_SET_ANYWHERE}\n")

    assert line == "spec.yaml:10: owner: the environment variable NOT_SET_ANYWHERE is not set; export it"


def test_set_reads_yaml_and_makes_sections(folder: Path) -> None:
    plan = make_plan(write(folder, GOOD), ["dataset.sample.size=16", "policy.fail_on=never", "probes=[corner]"])

    assert plan.spec.dataset.sample.size == 16
    assert plan.spec.policy.fail_on == "never"
    assert [item.name for item in plan.probes] == ["corner"]


def test_set_without_a_value_is_refused(folder: Path) -> None:
    (line,) = problems(folder, GOOD, "dataset.sample.size")

    assert line == "--set dataset.sample.size: expected a.b=value"


def test_overrides_change_the_specs_digest(folder: Path) -> None:
    path = write(folder, GOOD)

    assert read_spec_file(path).sha256 != read_spec_file(path, ["name=other"]).sha256


def test_a_preset_and_parts_add_up(folder: Path) -> None:
    probes = "probes: [quick, {use: corner, share: 0.1, required: false}]\n"

    plan = make_plan(write(folder, GOOD + probes))

    corner = next(item for item in plan.probes if item.name == "corner")
    assert corner.part.share == 0.1
    assert corner.part.donors_screen == 1
    assert not corner.required
    assert next(item for item in plan.probes if item.name == "border").required


def test_quick_and_standard_keep_their_budgets(folder: Path) -> None:
    for preset, most in (("quick", 25), ("standard", 120)):
        plan = make_plan(write(folder, GOOD), [f"probes={preset}"])
        assert plan.shared_forwards() <= most


def test_mean_needs_one_value_a_channel(folder: Path) -> None:
    text = GOOD.replace("std: [1, 1, 1]}", "std: [1, 1, 1], channels: grey}")

    assert any("needs 1 values for channels: grey" in line for line in problems(folder, text))


@pytest.mark.parametrize("section", ["runtime: {max_minutes: 5}"])
def test_a_key_that_this_version_does_not_serve_is_refused_and_never_ignored(folder: Path, section: str) -> None:
    (line,) = problems(folder, GOOD + section + "\n")

    assert "does not support" in line


def test_keys_that_are_null_by_default_may_be_written(folder: Path) -> None:
    assert make_plan(write(folder, GOOD + "runtime: {max_minutes: null}\nreport: {logo: null}\n"))


OF_PICTURES = [n for n in registry.names("visualizers") if Medium.PICTURE in registry.load("visualizers", n).media]


@pytest.mark.parametrize("name", OF_PICTURES)
def test_every_visualizer_can_be_named_in_a_spec_alone_and_with_its_options(folder: Path, name: str) -> None:
    part = registry.load("visualizers", name)
    entry = json.dumps({"use": name, **part().model_dump(mode="json")})

    named = make_plan(write(folder, f"{GOOD}visualizations: [{name}]\n"))
    with_options = make_plan(write(folder, f"{GOOD}visualizations: [{entry}]\n"))

    assert [item.name for item in named.visualizers] == [name]
    assert with_options.visualizers[0].part == part()


@pytest.mark.parametrize(("layers", "times"), [("auto", 2), ("[body.0]", 1), ("[a, b, c]", 3)])
def test_what_is_made_for_each_layer_is_planned_for_each(folder: Path, layers: str, times: int) -> None:
    entries = "[{use: score_cam, units: 9}, {use: occlusion, window: 1, stride: 1}]"
    plan = make_plan(write(folder, f"{GOOD}layers: {layers}\nvisualizations: {entries}\n"))

    costs = {name: forwards for kind, name, forwards in plan.costs() if kind == "visualizations"}

    assert costs["score_cam"] == 10 * times
    assert costs["occlusion"] == 2


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ("{profile: eu-ai-akt}", "report.profile: no profile is named 'eu-ai-akt'; did you mean 'eu-ai-act'?"),
        ("{profile: [gmlp, own.yaml]}", "report.profile.1: own.yaml: cannot be read as a clause map"),
        ("{logo: logo.svg}", "report.logo: logo.svg: cannot be read"),
        ('{accent: "#ffee00"}', "#ffee00 has a contrast of 1.2 to 1 on white"),
        ("{next_audit: soon}", "expected a date such as 2027-05-01, or a time such as '6 months', got 'soon'"),
        ("{reviewers: [{role: x, decision: accpet}]}", "did you mean 'accept'?"),
    ],
)
def test_what_the_report_is_told_is_checked_before_anything_runs(folder: Path, report: str, why: str) -> None:
    lines = problems(folder, GOOD + f"report: {report}\n")

    assert any(why in line and line.startswith("spec.yaml:10") for line in lines), lines


def test_a_report_may_carry_logo_profiles_and_decisions(folder: Path) -> None:
    drawn = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0h4v4z"/></svg>'
    (folder / "logo.svg").write_text(drawn)
    given = "{logo: logo.svg, profile: [eu-ai-act, gmlp], next_audit: 6 months, classification: internal, footer: f}"

    spec = make_plan(write(folder, GOOD + f"report: {given}\n")).spec

    assert spec.report.profile == ["eu-ai-act", "gmlp"]
    assert make_plan(write(folder, GOOD + "report: {next_audit: 2027-01-31, profile: gmlp}\n"))


def test_a_template_that_is_not_there_is_answered_with_the_nearest(folder: Path) -> None:
    (text,) = problems(folder, GOOD + "report: {template: sumary}\n")

    assert "report.template: no template is named 'sumary'; did you mean 'summary'?" in text


def test_a_template_folder_on_an_unknown_base_is_refused_before_anything_runs(folder: Path) -> None:
    (folder / "ours").mkdir()
    (folder / "ours/base").write_text("medcal")

    (text,) = problems(folder, GOOD + "report: {template: ours}\n")

    assert "ours/base: no template is named 'medcal'; did you mean 'medical'?" in text


@pytest.mark.parametrize(
    ("report", "profile"),
    [("{template: medical}", ["claim-2024"]), ("{template: medical, profile: []}", []), ("{template: summary}", [])],
)
def test_medical_reports_follow_claim_unless_the_spec_says_otherwise(
    folder: Path, report: str, profile: list[str]
) -> None:
    assert make_plan(write(folder, f"{GOOD}report: {report}\n")).spec.report.profile == profile
