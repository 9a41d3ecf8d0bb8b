"""A repository as docs/ci.md has it in mind: a spec in its root, a model that cheats; installs are recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.models import SPEC, save_pictures
from tests.pipeline.test_run import NET

ASKED = """\
visualizations: []
probes: [corner]
metrics: [performance]
"""
WHEEL = "https://packages.example/auditor.whl"
OURS = ("GIT", "CI", "JIRA", "MLFLOW", "AUDITOR", "RUNNER")
"""Beginnings of variables that a build server sets, which the tests' own must not leak into."""
RECORDS = 'echo "$(basename "$0") $*" >> "$INSTALLED"\n'
AUDITOR = f'exec "{sys.executable}" -m auditor "$@"\n'
VENV = f"""\
if [ "$1" = -m ] && [ "$2" = venv ]; then
  mkdir -p "$3/bin" && cp "$(dirname "$0")/pip" "$(dirname "$0")/auditor" "$3/bin" && exit
fi
exec "{sys.executable}" "$@"
"""


@dataclass
class Done:
    """What a step of a pipeline left behind."""

    code: int
    out: str
    err: str


@dataclass
class Repository:
    """Steps run in `root`, with `auditor` installed; what they install beside it is recorded and not done."""

    root: Path
    machine: Path

    @property
    def installed(self) -> list[str]:
        record = self.machine / "installed"
        return record.read_text().splitlines() if record.exists() else []

    def run(self, command: list[str], folder: Path | None = None, **variables: str) -> Done:
        """One command in the environment that the build server gives it, and nothing of ours."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        path = f"{self.machine / 'bin'}:{os.environ['PATH']}"
        environment = {**kept, "PATH": path, "INSTALLED": str(self.machine / "installed"), **variables}
        done = subprocess.run(
            command, cwd=folder or self.root, env=environment, capture_output=True, text=True, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def bash(self, script: str, **variables: str) -> Done:
        """As GitHub's and GitLab's runners call bash: the first command that fails ends the step."""
        return self.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], **variables)

    def sh(self, script: str, **variables: str) -> Done:
        """As Jenkins calls sh."""
        return self.run(["sh", "-xe", "-c", script], **variables)


def make_repository(place: Path) -> Repository:
    """The repository, and a machine with the commands that pipelines call."""
    root, machine = place / "signs", place / "machine"
    (machine / "bin").mkdir(parents=True)
    scripts = {"sudo": 'exec "$@"\n', "apt-get": RECORDS, "pip": RECORDS, "auditor": AUDITOR, "python3": VENV}
    for name, body in scripts.items():
        file = machine / "bin" / name
        file.write_text(f"#!/bin/sh\n{body}")
        file.chmod(0o755)
    root.mkdir()
    (root / "audit.yaml").write_text(SPEC.replace("toy", "signs") + ASKED)
    (root / "net.py").write_text(NET)
    save_pictures(root / "pictures")
    return Repository(root, machine)
