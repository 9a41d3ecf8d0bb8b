"""The command line: exit codes, messages on stderr, paths on stdout."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import Call
from tests.models import SPEC

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
def spec(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "pictures" / "dark").mkdir(parents=True)
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_help_names_the_exit_codes_and_where_to_start(call: Call) -> None:
    code, out, _ = call("--help")

    assert code == 0
    assert "auditor demo" in out
    assert "70" in out


@pytest.mark.parametrize("arguments", [["chekc"], ["run"], ["run", "--no-such-option", "x.yaml"]])
def test_wrong_usage_is_exit_code_2_without_a_traceback(call: Call, arguments: list[str]) -> None:
    code, _, err = call(*arguments)

    assert code == 2
    assert "Traceback" not in err


def test_check_prints_one_line_a_mistake_and_leaves_with_2(call: Call, spec: Path) -> None:
    spec.write_text(SPEC.replace("source: folder", "source: foldr") + "laers: auto\n")

    code, out, err = call("check", spec)

    assert code == 2
    assert out == ""
    lines = err.strip().splitlines()
    assert len(lines) == 2
    assert f"{spec}:9: dataset.source:" in lines[0]
    assert "did you mean 'layers'" in lines[1]


def test_check_of_a_good_spec_says_so(call: Call, spec: Path) -> None:
    code, _, err = call("check", spec)

    assert code == 0
    assert "no mistakes" in err


def test_plan_fills_in_every_default_and_says_what_can_be_seen(call: Call, spec: Path) -> None:
    code, out, _ = call("plan", spec)

    assert code == 0
    for word in ("Brightness", "parameters", "grad_cam", "border", "donors_confirm", "80 % power"):
        assert word in out


def test_layers_marks_the_choice(call: Call, spec: Path) -> None:
    code, out, _ = call("layers", spec)

    assert code == 0
    assert "first" in out
    assert "●" in out


@pytest.mark.parametrize("kind", ["visualizers", "probes", "metrics", "models", "datasets", "reports"])
def test_list_shows_every_part_of_a_kind(call: Call, kind: str) -> None:
    from auditor import registry

    code, out, _ = call("list", kind)

    assert code == 0
    assert all(name in out for name in registry.names(kind))


def test_show_explains_options(call: Call) -> None:
    code, out, _ = call("show", "probes", "corner")

    assert code == 0
    assert "share" in out
    assert "0.25" in out


def test_show_of_an_unknown_part_suggests(call: Call) -> None:
    code, _, err = call("show", "probes", "cornr")

    assert code == 2
    assert "did you mean 'corner'" in err


def test_schema_accepts_the_starter_and_refuses_a_typo(call: Call, tmp_path: Path) -> None:
    from ruamel.yaml import YAML

    _, out, _ = call("schema", "spec")
    schema = json.loads(out)
    call("init", tmp_path / "audit.yaml")
    starter = YAML(typ="safe").load((tmp_path / "audit.yaml").read_text())

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(starter, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**starter, "probs": "quick"}, schema)


def test_schema_of_the_audit_is_valid(call: Call) -> None:
    _, out, _ = call("schema", "audit")

    schema = json.loads(out)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "class" in schema["$defs"]["Check"]["properties"]


def test_init_never_overwrites_unasked(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "audit.yaml"
    path.write_text("mine")

    code, _, err = call("init", path)

    assert code == 2
    assert "--force" in err
    assert path.read_text() == "mine"


def test_render_of_no_run_folder_is_refused(call: Call, tmp_path: Path) -> None:
    code, _, err = call("render", tmp_path / "none")

    assert code == 2
    assert "no such run folder" in err


def test_an_empty_data_set_ends_with_2_and_leaves_nothing_finished(call: Call, spec: Path) -> None:
    code, _, err = call("run", spec, "-o", spec.parent / "out")

    assert code == 2
    assert "Traceback" not in err
    assert not (spec.parent / "out" / "manifest.json").exists()


def test_our_own_bug_is_70_with_a_traceback(call: Call, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.plan.make_plan", lambda *_: 1 / 0)

    code, _, err = call("check", spec)

    assert code == 70
    assert "Traceback" in err
    assert "report it" in err


def test_an_interruption_is_130_and_names_resume(call: Call, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.plan.make_plan", interrupted)

    code, _, err = call("check", spec)

    assert code == 130
    assert "--resume" in err
