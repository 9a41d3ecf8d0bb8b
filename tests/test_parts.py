"""What holds for every part: found by its file's name, documented, listed, and imported without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auditor import registry
from auditor.errors import PartError

ALL = [(kind, name) for kind in registry.KINDS for name in registry.names(kind)]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_part_is_documented_and_named_after_its_file(kind: str, name: str) -> None:
    part = registry.load(kind, name)

    assert part.part_name() == name
    assert len(part.summary()) > 20
    assert part.__doc__ is not None
    assert part.__doc__ != registry.Part.__doc__


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in ALL if k in ("visualizers", "probes", "metrics")])
def test_every_preset_gives_valid_options(kind: str, name: str) -> None:
    part = registry.load(kind, name)

    assert set(part.budgets) <= {"quick", "standard", "full"}
    for options in part.budgets.values():
        part(**options)


def test_importing_every_part_imports_no_torch() -> None:
    program = (
        "import sys\nfrom auditor import registry\n"
        "for kind in registry.KINDS:\n    for name in registry.names(kind):\n        registry.load(kind, name)\n"
        "import auditor.plan, auditor.findings.judging, auditor.findings.gate, auditor.runs, auditor.cli\n"
        "print([name for name in ('torch', 'torchvision', 'captum') if name in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(PartError, match="did you mean 'border'"):
        registry.load("probes", "boarder")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(PartError, match="did you mean 'probes'"):
        registry.names("probs")
