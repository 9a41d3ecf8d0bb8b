"""The command line: exit codes, messages on stderr, paths on stdout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from auditor.cli import invoke

Run = Callable[..., tuple[int, str, str]]

SPEC = """\
version: 1
name: toy
model:
  source: python
  factory: net.py:make
  classes: [dark, bright]
  input: {size: [24, 32], resize: squash, mean: [0, 0, 0], std: [1, 1, 1]}
dataset:
  source: folder
  path: pictures
"""

NET = """\
import torch
class Brightness(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.head = torch.nn.Linear(4, 2)
    def forward(self, x):
        return self.head(self.first(x).relu().mean((2, 3)))
def make():
    return Brightness()
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        code = invoke([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "pictures" / "dark").mkdir(parents=True)
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_help_names_the_exit_codes_and_where_to_start(run: Run) -> None:
    code, out, _ = run("--help")

    assert code == 0
    assert "auditor demo" in out
    assert "70" in out


@pytest.mark.parametrize("arguments", [["chekc"], ["run"], ["run", "--no-such-option", "x.yaml"]])
def test_wrong_usage_is_exit_code_2_without_a_traceback(run: Run, arguments: list[str]) -> None:
    code, _, err = run(*arguments)

    assert code == 2
    assert "Traceback" not in err


def test_check_prints_one_line_a_mistake_and_leaves_with_2(run: Run, spec: Path) -> None:
    spec.write_text(SPEC.replace("source: folder", "source: foldr") + "laers: auto\n")

    code, out, err = run("check", spec)

    assert code == 2
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 2
    assert f"{spec}:9: dataset.source:" in lines[0]
    assert "did you mean 'layers'" in lines[1]


def test_check_of_a_good_spec_says_so(run: Run, spec: Path) -> None:
    code, _, err = run("check", spec)

    assert code == 0
    assert "no mistakes" in err


def test_plan_fills_in_every_default_and_says_what_can_be_seen(run: Run, spec: Path) -> None:
    code, out, _ = run("plan", spec)

    assert code == 0
    for word in ("Brightness", "parameters", "grad_cam", "border", "donors_confirm", "80 % power"):
        assert word in out


def test_layers_marks_the_choice(run: Run, spec: Path) -> None:
    code, out, _ = run("layers", spec)

    assert code == 0
    assert "first" in out
    assert "●" in out


@pytest.mark.parametrize("kind", ["visualizers", "probes", "metrics", "models", "datasets", "reports"])
def test_list_shows_every_part_of_a_kind(run: Run, kind: str) -> None:
    from auditor import registry

    code, out, _ = run("list", kind)

    assert code == 0
    assert all(name in out for name in registry.names(kind))


def test_show_explains_options(run: Run) -> None:
    code, out, _ = run("show", "probes", "corner")

    assert code == 0
    assert "share" in out
    assert "0.25" in out


def test_show_of_an_unknown_part_suggests(run: Run) -> None:
    code, _, err = run("show", "probes", "cornr")

    assert code == 2
    assert "did you mean 'corner'" in err


def test_schema_accepts_the_starter_and_refuses_a_typo(run: Run, tmp_path: Path) -> None:
    from ruamel.yaml import YAML

    _, out, _ = run("schema", "spec")
    schema = json.loads(out)
    run("init", tmp_path / "audit.yaml")
    starter = YAML(typ="safe").load((tmp_path / "audit.yaml").read_text())

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(starter, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**starter, "probs": "quick"}, schema)


def test_schema_of_the_audit_is_valid(run: Run) -> None:
    _, out, _ = run("schema", "audit")

    schema = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "class" in schema["$defs"]["Check"]["properties"]


def test_init_never_overwrites_unasked(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "audit.yaml"
    path.write_text("mine")

    code, _, err = run("init", path)

    assert code == 2
    assert "--force" in err
    assert path.read_text() == "mine"


def test_render_of_no_run_folder_is_refused(run: Run, tmp_path: Path) -> None:
    code, _, err = run("render", tmp_path / "none")

    assert code == 2
    assert "no such run folder" in err


def test_an_empty_data_set_ends_with_2_and_leaves_nothing_finished(run: Run, spec: Path) -> None:
    code, _, err = run("run", spec, "-o", spec.parent / "out")

    assert code == 2
    assert "Traceback" not in err
    assert not (spec.parent / "out" / "manifest.json").exists()


def test_our_own_bug_is_70_with_a_traceback(run: Run, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.plan.make_plan", lambda *_: 1 / 0)

    code, _, err = run("check", spec)

    assert code == 70
    assert "Traceback" in err
    assert "report it" in err


def test_an_interruption_is_130_and_names_resume(run: Run, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.plan.make_plan", interrupted)

    code, _, err = run("check", spec)

    assert code == 130
    assert "--resume" in err
