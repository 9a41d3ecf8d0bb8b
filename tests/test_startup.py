"""Commands that need no model import nothing that is slow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.startup import Row, table
from tests.reports.sample_audit import build

SLOW = {"torch", "torchvision", "scipy", "sklearn", "statsmodels", "cv2", "pandas", "matplotlib", "weasyprint", "PIL"}


def imported(*arguments: str) -> set[str]:
    program = (
        "import sys\nfrom auditor.cli import invoke\ninvoke(sys.argv[1:])\n"
        "print(' '.join(name for name in sys.modules if '.' not in name), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["list"], ["show", "probes", "overlay"], ["schema", "audit"]])
def test_looking_things_up_is_light(arguments: list[str]) -> None:
    assert not SLOW & imported(*arguments)


def test_checking_a_spec_is_light(tmp_path: Path) -> None:
    spec = tmp_path / "audit.yaml"
    spec.write_text(
        "version: 1\nname: toy\nmodel: {source: torchvision, name: resnet18}\n"
        "dataset: {source: folder, path: .}\nprobes: full\nmetrics: full\nvisualizations: full\n"
    )

    assert not SLOW & imported("check", str(spec))


def test_rendering_machine_formats_is_light(tmp_path: Path) -> None:
    build(tmp_path, images=4)
    (tmp_path / "manifest.json").write_text("{}")
    formats = [word for name in ("json", "sarif", "junit", "markdown", "gitlab", "csv") for word in ("-f", name)]

    assert not (SLOW | {"numpy", "rich"}) & imported("render", str(tmp_path), *formats)


def test_the_table_gives_times_as_multiples_of_an_empty_python() -> None:
    rows = [Row("python -c pass", 0.1, 0.02, 0), Row("auditor list", 1.5, 0.4, 0)]

    lines = table(rows).splitlines()

    assert lines[2].split() == ["auditor", "list", "1.50", "15.0", "0.40", "20.0", "0"]
    assert lines[-1] == "over 1 s: auditor list"
