"""torchvision is imported without torch's compiler, and whoever needs that still gets it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from pathlib import Path

from auditor.subjects.models.torchvision import Torchvision

Torchvision(name="squeezenet1_1").build(folder=Path(), options={"num_classes": 2})
assert "torch._dynamo" not in sys.modules, "the compiler was imported"
assert "torch._dynamo.utils" not in sys.modules, "the stand-in was left behind"

import torch
from torchvision.ops import roi_align

pooled = roi_align(torch.ones(1, 1, 8, 8), torch.tensor([[0, 0.0, 0.0, 4.0, 4.0]]), 2)
assert bool((pooled == 1).all())
from torch._dynamo.utils import counters

assert counters is not None
"""


def test_a_network_is_built_without_the_compiler_and_an_operation_that_wants_it_gets_it() -> None:
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stderr
