"""docs/ci.md, step by step as it is written: each pipeline's commands, in its server's order, shell and environment.

Only what must differ does: addresses of services (loopback), system folders (below a temporary one), and installing
(recorded, not done). The model cheats, so every pipeline has something to show.
"""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest

from tests.docs.scratch_repository import WHEEL, Repository, make_repository
from tests.docs.test_ci_page import FILES, PAGES, ROOT, yaml
from tests.publish.services import FakeGithub, FakeGitlab, FakeJira

PANGO = "apt-get install --yes libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig"
REASON = "relies on the top-left corner"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def verdict_in(folder: Path) -> tuple[str, int]:
    audit = json.loads((folder / "audit.json").read_text())
    return audit["verdict"], audit["exit_code"]


class Workflow:
    """A job of GitHub Actions as far as the page uses it: expressions, conditions, outputs of steps."""

    def __init__(self, name: str, repository: Repository, github: FakeGithub, variables: dict[str, str]) -> None:
        self.steps = yaml(name)["jobs"]["audit"]["steps"]
        self.repository, self.failed, self.artifacts = repository, False, dict[str, list[str]]()
        self.summary = repository.machine / "summary"
        self.values = {"vars.AUDITOR": WHEEL, "github.token": github.token}
        self.variables = {
            "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_API_URL": github.base, "GITHUB_REPOSITORY": "vision/signs",
            "GITHUB_SHA": "0" * 40, "GITHUB_RUN_ID": "7", "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_STEP_SUMMARY": str(self.summary), **variables,
        }  # fmt: skip

    def run(self) -> None:
        for step in self.steps:
            if self._due(step.get("if", "")):
                self._take(step)

    def _due(self, condition: str) -> bool:
        if not condition:
            return not self.failed
        known = r"\$\{\{ !cancelled\(\) && hashFiles\('([^']+)'\) != '' \}\}"
        found = re.fullmatch(known, condition)
        assert found, condition
        return (self.repository.root / found[1]).is_file()

    def _take(self, step: dict[str, Any]) -> None:
        if "uses" in step:
            if step["uses"].startswith("actions/upload-artifact@"):
                folder = self.repository.root / step["with"]["path"]
                self.artifacts[step["with"]["name"]] = sorted(file.name for file in folder.iterdir())
                self.values[f"steps.{step.get('id')}.outputs.artifact-url"] = "https://github.example/artifacts/9"
            return
        own = {name: self._value(text) for name, text in step.get("env", {}).items()}
        done = self.repository.bash(step["run"], **self.variables, **own)
        if "auditor run" not in step["run"]:
            assert done.code == 0, done.err
        self.failed = self.failed or done.code != 0

    def _value(self, text: str) -> str:
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: self.values[found[1]], text)


def test_a_pull_request_on_github(repository: Repository) -> None:
    with FakeGithub().listening() as github:
        assert isinstance(github, FakeGithub)
        on_request = {"GITHUB_REF": "refs/pull/12/merge", "GITHUB_EVENT_NAME": "pull_request"}
        job = Workflow(".github/workflows/audit.yml", repository, github, on_request)
        job.run()

    assert repository.installed == ["apt-get update", PANGO, f"pip install {WHEEL}"]
    assert job.failed  # the check is red
    assert REASON in job.summary.read_text()
    (comment,) = github.comments
    assert REASON in comment["body"]
    assert "https://github.example/artifacts/9" in comment["body"]
    (upload,) = github.sarifs
    (result,) = upload["sarif"]["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("audit.yaml", 12)
    assert {"report.html", "report.pdf", "audit.json", "audit.sarif", "junit.xml"} <= set(job.artifacts["audit"])


def test_every_night_on_github(repository: Repository) -> None:
    with FakeGithub().listening() as github:
        assert isinstance(github, FakeGithub)
        name = ".github/workflows/audit-nightly.yml"
        job = Workflow(name, repository, github, {"GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "schedule"})
        step = next(step for step in job.steps if "auditor run" in step.get("run", ""))
        assert step["run"].count("--set probes=full ") == 1
        step["run"] = step["run"].replace("--set probes=full ", "")  # hours of a night
        job.run()

    assert job.failed
    assert REASON in job.summary.read_text()
    assert github.comments == []
    assert [upload["ref"] for upload in github.sarifs] == ["refs/heads/main"]
    assert "report.pdf" in job.artifacts["audit"]


def test_a_merge_request_on_gitlab(repository: Repository) -> None:
    job = yaml(".gitlab-ci.yml")["audit"]
    with FakeGitlab().listening() as gitlab:
        assert isinstance(gitlab, FakeGitlab)
        variables = {
            "CI": "true", "GITLAB_CI": "true", "AUDITOR": WHEEL, "GITLAB_TOKEN": gitlab.token,
            "CI_API_V4_URL": f"{gitlab.base}/api/v4", "CI_PROJECT_ID": "vision/signs", "CI_MERGE_REQUEST_IID": "3",
            "CI_JOB_URL": "https://gitlab.example/vision/signs/-/jobs/5",
        }  # fmt: skip
        script = repository.bash("\n".join([*job["before_script"], *job["script"]]), **variables)
        after = repository.bash("\n".join(job["after_script"]), **variables)

    assert repository.installed == ["apt-get update", PANGO, f"pip install {WHEEL}"]
    assert script.code == 1
    assert after.code == 0, after.err
    assert REASON in gitlab.notes[0]["body"]
    assert {url.rpartition("/")[2] for url in gitlab.uploads} == {"report.html", "report.pdf"}
    for path in (*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()):
        assert (repository.root / path).exists()
    assert verdict_in(repository.root / "audit") == ("fail", 1)


def test_a_scheduled_pipeline_on_gitlab_writes_no_note(repository: Repository) -> None:
    job = yaml(".gitlab-ci.yml")["audit"]

    after = repository.bash("\n".join(job["after_script"]), CI="true")

    assert after.code == 0, after.err


def jenkins_steps() -> dict[str, list[str]]:
    """The `sh` steps of each stage, and of what follows a failure, in order; withCredentials is the environment's."""
    found: dict[str, list[str]] = {}
    stage = ""
    pattern = r"stage\('([^']+)'\)|^    post \{|^        (failure) \{|sh '''(.*?)'''|sh '([^'\n]*)'"
    for match in re.finditer(pattern, FILES["Jenkinsfile"][1], re.DOTALL | re.MULTILINE):
        if match[1] or match[2]:
            stage = match[1] or match[2]
        elif match[3] or match[4]:
            found.setdefault(stage, []).append(match[3] or match[4])
    return found


def test_a_build_on_jenkins_and_its_ticket(repository: Repository) -> None:
    steps = jenkins_steps()
    assert list(steps) == ["Set up", "Audit", "failure"]
    text = FILES["Jenkinsfile"][1]
    set_there = dict(re.findall(r"^        (CI|JIRA_URL) = '([^']*)'", text, re.MULTILINE))
    with FakeJira().listening() as jira:
        assert isinstance(jira, FakeJira)
        variables = {**set_there, "AUDITOR": WHEEL, "JIRA_URL": jira.base}
        set_up = repository.sh(steps["Set up"][0], **variables)
        audit = repository.sh(steps["Audit"][0], **variables)
        ticket = steps["failure"][0].replace("jira:QA-12", "jira:QA-1")  # the one that is there
        failed = repository.sh(ticket, **variables, JIRA_USER="bot@example.com", JIRA_TOKEN=jira.token)

    assert set(set_there) == {"CI", "JIRA_URL"}
    assert set_up.code == 0, set_up.err
    assert repository.installed == [f"pip install {WHEEL}"]
    assert audit.code == 1, audit.err
    assert failed.code == 0, failed.err
    assert {name.rpartition("-")[2] for name in (one["filename"] for one in jira.attachments)} >= {
        "report.pdf", "report.html"
    }  # fmt: skip
    assert REASON in jira.comments[0]["body"]
    (results,) = re.findall(r"testResults: '([^']+)'", text)
    assert (repository.root / results).is_file()


def test_a_line_of_cron_mails_the_verdict_and_logs_the_path(repository: Repository, tmp_path: Path) -> None:
    mail_to, line = FILES["/etc/cron.d/audit"][1].splitlines()
    command = line.split(maxsplit=6)[6]
    places = {
        "/srv/models": str(repository.root), "/opt/auditor/bin/auditor": str(repository.machine / "bin" / "auditor"),
    }  # fmt: skip
    for there, here in places.items():
        assert there in command
        command = command.replace(there, here)
    bare = {"HOME": str(tmp_path), "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "LOGNAME": "auditor"}
    ours = {name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "OMP_"))}

    done = subprocess.run(
        ["/bin/sh", "-c", command], env={**bare, **ours}, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert mail_to.startswith("MAILTO=")
    assert "FAIL · signs" in done.stdout  # what cron mails
    assert REASON in done.stdout
    assert done.stderr == ""
    (folder,) = (repository.root / "audits" / "signs").iterdir()
    assert verdict_in(folder) == ("fail", 1)
    assert f"audits/signs/{folder.name}/report.pdf" in (repository.root / "audits.log").read_text()


def airflow_tasks() -> dict[str, dict[str, Any]]:
    """Arguments of each BashOperator, evaluated as the page writes them, in the order in which they run."""
    import ast

    tree = ast.parse(FILES["dags/audit.py"][1])
    names = {"RUN": next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign))}
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "BashOperator"]
    found = {}
    for call in calls:
        wanted = [k for k in call.keywords if k.arg in ("task_id", "bash_command", "env")]
        values = {k.arg: eval(compile(ast.Expression(k.value), "dag", "eval"), names) for k in wanted}
        found[values.pop("task_id")] = values
    return found


def test_a_night_of_airflow(repository: Repository, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed (extra mlflow)")
    tasks = airflow_tasks()
    said = {"ds_nodash": "20260302", "ti": {"try_number": 1}}
    said["var"] = {"value": {"mlflow_tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"}}
    (tmp_path / "audits").mkdir()
    places = {"/srv/audits": str(tmp_path / "audits"), "/srv/models": str(repository.root),
              "/opt/auditor/bin/auditor": str(repository.machine / "bin" / "auditor")}  # fmt: skip

    def run(name: str) -> int:
        command = tasks[name]["bash_command"]
        for there, here in places.items():
            command = command.replace(there, here)
        shown = {key: jinja2.Template(value).render(said) for key, value in tasks[name].get("env", {}).items()}
        done = repository.run(["bash", "-c", jinja2.Template(command).render(said)], folder=tmp_path, **shown)
        assert "Traceback" not in done.err
        return done.code

    assert list(tasks) == ["audit", "publish", "gate"]
    assert run("audit") == 0
    assert run("publish") == 0
    assert run("gate") == 1
    assert verdict_in(tmp_path / "audits" / "20260302-1") == ("fail", 1)
    assert (tmp_path / "mlflow.db").is_file()


def dockerfile() -> list[tuple[str, str]]:
    """Instruction and argument, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in lines)]


def test_what_the_image_copies_is_sent_and_its_constraints_are_the_locks_versions() -> None:
    steps = dockerfile()
    copied = {name for word, rest in steps if word == "COPY" for name in rest.split()[:-1]}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    (pins,) = re.findall(r"(grep .*?) > constraints", next(rest for word, rest in steps if "constraints" in rest))

    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)
    assert copied >= {"pyproject.toml", "README.md", "LICENSE"}  # what the build of the package reads
    pinned = subprocess.check_output(["sh", "-c", pins], cwd=ROOT, text=True).splitlines()
    assert pinned == [line.split()[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    assert {"torch", "torchvision"} <= {line.partition("==")[0] for line in pinned}


def test_the_image_has_every_optional_format_and_service() -> None:
    (extras,) = re.findall(r'pip install .*"\.\[(.*?)\]"', " ".join(rest for _, rest in dockerfile()))
    offered = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    assert set(extras.split(",")) == set(offered) - {"benchmark", "dev"}


def test_whoever_the_container_runs_as_has_a_home_outside_the_mounted_files() -> None:
    steps = dockerfile()

    assert ("ENV", "HOME=/tmp") in steps  # by default it is / or the workplace: not writable, or yours
    assert next(rest for word, rest in reversed(steps) if word == "USER").isdigit()


def test_the_containers_commands_are_the_entry_points_arguments(repository: Repository) -> None:
    entry = json.loads(next(rest for word, rest in dockerfile() if word == "ENTRYPOINT"))
    workplace = next(rest for word, rest in reversed(dockerfile()) if word == "WORKDIR")
    section = PAGES["ci.md"].split("## Container")[1]
    commands = re.findall(r"^docker run (.*?) auditor (.*)$", section, re.MULTILINE)
    with FakeGitlab().listening() as gitlab:
        assert isinstance(gitlab, FakeGitlab)
        variables = {"GITLAB_URL": gitlab.base, "GITLAB_TOKEN": gitlab.token}
        done = [
            repository.bash(" ".join([*entry, rest.replace("group/project!7", "vision/signs!3")]), **variables, CI="1")
            for _, rest in commands
        ]

    assert len(commands) == 2
    assert all(f'--volume "$PWD:{workplace}"' in options for options, _ in commands)
    assert [one.code for one in done] == [1, 0], done[-1].err
    assert REASON in gitlab.notes[0]["body"]
    assert (repository.root / "audit" / "report.pdf").stat().st_mode & stat.S_IRUSR
