"""docs/ci.md, followed as far as a machine can: files fit their published schemas, commands exist, hooks run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from auditor import registry

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("ci.md", "publishing.md")}
FILES = {
    name: (language, body)
    for name, language, body in re.findall(
        r"^`([^`\n]+)`:\n\n```(\w+)\n(.*?)^```", PAGES["ci.md"], re.MULTILINE | re.DOTALL
    )
}
COMMAND = re.compile(r"(?:^|[\s/'\"])auditor ((?:run|publish|check|plan|render|init|show)\b[^\n]*)", re.MULTILINE)
BLOCKS = "\n".join(
    block
    for page in PAGES.values()
    for block in re.findall(r"```\w*\n(.*?)```|^    (?=\S)(.*)$", page, re.M | re.S)
    for block in block
)


def commands() -> list[list[str]]:
    """Every auditor command of the pages' blocks, as a shell would split it, up to what ends it."""
    found = []
    for text in COMMAND.findall(BLOCKS):
        text = re.sub(r"\{\{.*?\}\}|\{RUN\}", "X", text).replace('\\"', '"').rstrip("',")
        lexer = shlex.shlex(text, posix=True, punctuation_chars="|;&>")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words: list[str] = []
        try:
            for word in lexer:
                if set(word) <= set("|;&>"):
                    break
                words.append(word)
        except ValueError:  # a quotation mark that belongs to the file around the command
            words = shlex.split(text.rstrip("\"'"), comments=True)
        if words[-1] == "2" and ">" in text:
            words.pop()
        found.append([word for word in words if word != "..."])
    return found


def yaml(name: str) -> Any:
    return YAML(typ="safe").load(FILES[name][1])


def vendored(name: str) -> Any:
    """A schema of schemastore.org, as check-jsonschema brings it."""
    package = pytest.importorskip(
        "check_jsonschema", reason="check-jsonschema, which brings the schemas, is not installed"
    )
    folder = Path(package.__file__).parent / "builtin_schemas" / "vendor"
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_the_page_has_a_file_for_every_row_of_its_table() -> None:
    named = set(re.findall(r"^\| \[[^|]*\| `([^`]+)`", PAGES["ci.md"], re.MULTILINE))

    assert named == set(FILES)


@pytest.mark.parametrize("name", [".github/workflows/audit.yml", ".github/workflows/audit-nightly.yml"])
def test_workflows_fit_githubs_schema(name: str) -> None:
    jsonschema.validate(yaml(name), vendored("github-workflows.json"))


def test_the_pipeline_fits_gitlabs_schema() -> None:
    jsonschema.validate(yaml(".gitlab-ci.yml"), vendored("gitlab-ci.json"))


def test_steps_after_a_failed_audit_still_run() -> None:
    for name in (".github/workflows/audit.yml", ".github/workflows/audit-nightly.yml"):
        steps = yaml(name)["jobs"]["audit"]["steps"]
        audit = next(i for i, step in enumerate(steps) if "auditor run" in step.get("run", ""))
        assert all("!cancelled()" in step["if"] for step in steps[audit + 1 :])
        assert len(steps) > audit + 2


def test_every_command_exists_with_these_options() -> None:
    from typer.main import get_command

    from auditor.cli import app

    group: Any = get_command(app)
    found = commands()
    assert {words[0] for words in found} >= {"run", "publish"}
    assert len(found) >= 12
    for words in found:
        with group.make_context("auditor", list(words)) as outer:
            name, command, rest = group.resolve_command(outer, list(words))
            with command.make_context(name, rest, parent=outer):
                pass


def test_every_target_and_option_of_a_publish_command_exists() -> None:
    from auditor.cli.publishing import chosen_target

    checked = 0
    for words in commands():
        if words[0] != "publish":
            continue
        sets = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
        for i, word in enumerate(words):
            if word == "--to" and words[i + 1] != "TARGET[:PLACE]":
                assert chosen_target(words[i + 1].rstrip("\"'"), sets).part_name() in registry.names("publish")
                checked += 1
    assert checked >= 8


def test_every_report_format_of_a_run_exists() -> None:
    named = {name for text in re.findall(r"report\.formats=\[([^\]]*)\]", BLOCKS) for name in text.split(", ")}
    absent = named - set(registry.names("reports"))

    assert {"html", "pdf", "json"} <= named
    if absent:
        pytest.skip(f"this version has no {', '.join(sorted(absent))}")


def test_the_dag_compiles_and_its_commands_are_whole() -> None:
    tree = compile(FILES["dags/audit.py"][1], "dags/audit.py", "exec")
    assert tree.co_names

    for text in re.findall(r"bash_command=(.*?),\n", FILES["dags/audit.py"][1], re.DOTALL):
        command = re.sub(r"\{\{.*?\}\}", "X", eval(f"({text})", {"RUN": "/srv/X"}))  # the page's own text
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_the_dag_is_one_to_airflow(tmp_path: Path) -> None:
    pytest.importorskip("airflow", reason="Airflow is not installed")
    (tmp_path / "audit.py").write_text(FILES["dags/audit.py"][1])
    program = "import runpy; dag = runpy.run_path('audit.py')['dag']; print(sorted(dag.task_ids))"

    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "['audit', 'gate', 'publish']"


def test_cron_has_five_times_an_account_and_a_shell_command() -> None:
    line = FILES["/etc/cron.d/audit"][1].splitlines()[-1]
    times, (account, command) = line.split()[:5], line.split(maxsplit=6)[5:]

    assert all(re.fullmatch(r"[\d*/,-]+", time) for time in times)
    assert account == "auditor"
    assert "%" not in command  # cron reads it as a newline
    subprocess.run(["sh", "-n", "-c", command], check=True)


def test_the_jenkinsfile_is_balanced_and_its_shell_commands_are_whole() -> None:
    text = FILES["Jenkinsfile"][1]
    bare = re.sub(r"'''.*?'''|'[^'\n]*'", "''", text, flags=re.DOTALL)

    assert bare.count("{") == bare.count("}")
    assert bare.count("(") == bare.count(")")
    assert [word for word in ("agent", "stages", "post") if not re.search(rf"^    {word}\b", bare, re.MULTILINE)] == []
    shells = re.findall(r"sh '''(.*?)'''|sh '([^'\n]*)'", text, re.DOTALL)
    assert len(shells) == 3
    for long, short in shells:
        subprocess.run(["sh", "-n", "-c", long or short], check=True)


@pytest.fixture
def hooked(tmp_path: Path) -> Path:
    """A repository with the hook's definition, and another that uses it as the page says."""
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    source, user = tmp_path / "auditor.git", tmp_path / "user"
    for folder in (source, user):
        folder.mkdir()
        git(folder, "init", "--quiet")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", source)
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "hooks")
    git(source, "tag", "v0.1.0")
    text = FILES[".pre-commit-config.yaml"][1].replace("https://git.example/auditor.git", str(source))
    (user / ".pre-commit-config.yaml").write_text(text)
    return user


def git(folder: Path, *arguments: str) -> None:
    who = {
        f"GIT_{role}_{what}": "auditor@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **who, **plain}, check=True, capture_output=True)


def test_the_hook_refuses_a_mistaken_spec_with_its_line(hooked: Path) -> None:
    (hooked / "audit-signs.yaml").write_text("version: 1\nname: signs\nlaers: auto\n")
    (hooked / "other.yaml").write_text("not: ours\n")
    git(hooked, "add", ".")
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PRE_COMMIT_HOME": str(hooked.parent / "cache"),
        "PATH": f"{scripts}:{os.environ['PATH']}",
    }

    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"],
        cwd=hooked,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "audit-signs.yaml:3" in done.stdout
    assert "did you mean 'layers'" in done.stdout
    assert "other.yaml" not in done.stdout
