"""The wheel carries templates and specs, and works from another directory."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from auditor.shipped import shipped_folder

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as pip does it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(installed: Path, elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True, check=True
    )


def test_templates_and_specs_are_found_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = "from auditor.shipped import shipped_folder as f; print(f('templates')); print(f('audit_specs'))"

    templates, specs = run(installed, tmp_path, "-c", program).stdout.splitlines()

    assert Path(templates) == installed / "auditor" / "templates"
    assert Path(specs) == installed / "auditor" / "audit_specs"
    assert (Path(templates) / "default" / "report.html.j2").is_file()
    assert sorted(path.stem for path in (Path(specs) / "demo").glob("*.yaml")) == ["frame", "honest", "tag"]


def test_type_checkers_believe_the_packages_types(installed: Path) -> None:
    assert (installed / "auditor" / "py.typed").is_file()  # PEP 561


def test_the_command_works_from_another_directory(installed: Path, tmp_path: Path) -> None:
    run(installed, tmp_path, "-c", "from auditor.cli import main; main(['init', 'audit.yaml'])")

    assert (tmp_path / "audit.yaml").read_text().startswith("# A spec to start from")


def test_templates_and_specs_are_found_in_a_checkout() -> None:
    assert shipped_folder("templates") == ROOT / "templates"
    assert shipped_folder("audit_specs") == ROOT / "audit_specs"


def test_a_missing_folder_says_install_again() -> None:
    with pytest.raises(FileNotFoundError, match="install it again"):
        shipped_folder("nothing")


def test_the_lock_names_no_index_and_hashes_everything() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = [line for line in lines if "==" in line]

    assert not [line for line in lines if "://" in line or line.startswith(("-i", "--index"))]
    assert not [line for line in pinned if line.startswith("opencv-python=")]
    assert len(pinned) > 50
    assert all(line.endswith("\\") for line in pinned)
