"""The Python API, by its own documentation, and the pytest plugin."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

import auditor
from auditor.api import Audit
from auditor.records import AuditVerdict
from tests.models import SPEC, save_pictures
from tests.pipeline.test_run import NET
from tests.reports.sample_audit import build

PAGE = Path(__file__).resolve().parent.parent / "docs" / "api.md"
ASKED = """\
visualizations: [saliency]
probes: [corner]
metrics: [performance]
report: {formats: [json]}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec, and a network that reads only the corner."""
    root = tmp_path_factory.mktemp("project")
    (root / "net.py").write_text(NET)
    (root / "audit.yaml").write_text(SPEC + ASKED)
    save_pictures(root / "pictures")
    return root


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("made")
    build(folder, images=4, hostile=True)
    (folder / "manifest.json").write_text("{}")
    return auditor.load(folder)


def test_every_example_of_the_documentation_runs_and_says_what_it_prints(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    blocks = re.findall(r"```python\n(>>>.*?)```", PAGE.read_text(), flags=re.DOTALL)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)

    result = doctest.DocTestRunner().run(example)

    assert result.attempted > 10
    assert result.failed == 0, capsys.readouterr().out


def test_the_package_offers_what_is_documented_and_nothing_else() -> None:
    assert sorted(auditor.__all__) == ["Audit", "capture", "load", "run"]
    assert all(getattr(auditor, name) is not None for name in auditor.__all__)
    assert all(f"auditor.{name}" in PAGE.read_text() for name in auditor.__all__ if name != "Audit")


def test_importing_and_loading_bring_no_torch(made: Audit) -> None:
    program = (
        "import sys, auditor\nslow = {'torch', 'numpy', 'pydantic', 'scipy', 'cv2'}\n"
        "assert not slow & set(sys.modules)\n"
        f"audit = auditor.load({str(made.folder)!r})\naudit._repr_html_()\naudit.to_dataframe()\n"
        "print('torch' in sys.modules)"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout == "False\n"


def test_a_cell_shows_findings_and_pictures_and_runs_nothing(made: Audit) -> None:
    cell = etree.HTML(made._repr_html_())

    assert len(cell.findall(".//section")) == len(made.findings)
    assert all(image.get("src").startswith("data:image/") for image in cell.iter("img"))
    assert not list(cell.iter("script"))
    assert not [element for element in cell.iter() if "onerror" in element.attrib]
    assert len(list(cell.iter("img"))) >= 2


def test_a_cell_goes_without_pictures_where_the_folder_is_gone(made: Audit, tmp_path: Path) -> None:
    cell = Audit.of(made, tmp_path / "gone")._repr_html_()

    assert "<img" not in cell
    assert "FAIL" in cell


def test_an_audit_keeps_everything_of_the_record(made: Audit) -> None:
    assert Audit.from_json(made.to_json()).to_json() == made.to_json()
    assert made.to_json() == (made.folder / "audit.json").read_text()
    assert made.verdict is AuditVerdict.FAIL
    assert not made.passed


def test_assert_audit_fails_with_the_reasons_and_keeps_the_folder(project: Path, tmp_path: Path) -> None:
    (project / "test_model.py").write_text(
        "def test_cheat(assert_audit):\n    assert_audit('audit.yaml')\n\n"
        "def test_tolerated(assert_audit):\n"
        "    audit = assert_audit('audit.yaml', overrides={'policy.fail_on': 'never'})\n"
        "    assert len(audit.findings) == 1\n\n"
        "def test_typo(assert_audit):\n    assert_audit('audit.yaml', overrides={'probs': 'quick'})\n"
    )
    plugins = ["-p", "auditor.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:randomly"]
    options = ["-rA", "-q", "--rootdir", str(project), "--audit-output", str(tmp_path / "kept")]
    command = [sys.executable, "-m", "pytest", *plugins, *options, "test_model.py"]

    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "2 failed" in done.stdout
    assert "FAIL · toy · 1 finding confirmed" in done.stdout
    assert "relies on the top-left corner" in done.stdout
    assert "did you mean 'probes'" in done.stdout
    assert len(list((tmp_path / "kept" / "audit").glob("*/manifest.json"))) == 2
