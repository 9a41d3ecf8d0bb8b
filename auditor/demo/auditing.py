"""Runs the demonstration: the same pictures, three networks, three reports."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.demo.radiographs import AUDIT_COUNT, AUDIT_SEED, write_sample
from auditor.errors import PartError
from auditor.pipeline import RunRequest, run
from auditor.plan import make_plan
from auditor.registry import unknown_name
from auditor.shipped import shipped_folder

if TYPE_CHECKING:
    from auditor.progress import Progress
    from auditor.records import Audit

NETWORKS = ("tag", "frame", "honest")


def prepare(folder: Path) -> None:
    """Copy specs and weights, and draw the pictures, so that every spec can be run from there again."""
    shutil.copytree(shipped_folder("audit_specs") / "demo", folder, dirs_exist_ok=True)
    write_sample(folder, AUDIT_COUNT, AUDIT_SEED)


def run_demo(folder: Path, progress: Progress, *, only: str | None = None) -> list[tuple[Audit, Path]]:
    """Audit the networks; each run lies in `folder/NAME`, replacing that of an earlier demonstration.

    Raises:
        PartError: `only` is not one of the networks.
    """
    if only is not None and only not in NETWORKS:
        raise PartError(unknown_name("network of the demonstration", only, NETWORKS))
    progress.step(0, 1, "drawing radiographs")
    prepare(folder)
    finished = []
    for name in NETWORKS if only is None else (only,):
        progress.message(f"auditing the network '{name}'")
        run_folder = folder / name
        if (run_folder / "spec.yaml").exists():
            shutil.rmtree(run_folder)
        plan = make_plan(folder / f"{name}.yaml")
        finished.append((run(plan, RunRequest(run_folder), progress), run_folder))
    return finished
