"""What reads finished runs starts without torch, SciPy or matplotlib."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.findings.audits import audit_of, run_folder
from tests.findings.findings import finding, silent

HEAVY = ("torch", "torchvision", "scipy", "statsmodels", "matplotlib", "cv2", "mlflow")
PROGRAM = """
import sys
from auditor.cli import invoke
code = invoke(sys.argv[1:])
print(code, *(name for name in {heavy} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "1", "2"),
        ("history", "."),
        ("site", "."),
        ("baseline", "write", "1", "-o", "b.json", "--force"),
        ("waivers", "list", "1"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_nothing_heavy_is_imported(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run_folder(tmp_path / "1", audit_of([silent()]))
    run_folder(tmp_path / "2", audit_of([finding()], day="2026-03-02", model="b"))
    program = PROGRAM.format(heavy=HEAVY)

    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stderr.splitlines()[-1] == ("1" if arguments[0] == "compare" else "0"), done.stderr
