"""How fast the auditor is, in plain forwards of the same pictures, beside other libraries.

    python -m benchmarks.speed --json speed.json
    python -m benchmarks.speed --models resnet18 --figures grad_cam gradient_cams --runs 3

One forward is a plain eager fp32 `inference_mode` forward of the same batch on one thread. Each piece of work is timed
between two such forwards, in CPU time, in one process; the figure is the median of the ratios. So it hardly depends on
what else the machine does. Memory and whole audits are measured in processes of their own.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from auditor.engine.device import choose_device, describe
from auditor.engine.integrity import untouched
from benchmarks.speed import audits, cams, gpu, memory, panels, perturbations
from benchmarks.speed.bench import MODELS, Bench, make_bench, single_thread
from benchmarks.speed.rows import Row, as_records, table

TIMED: dict[str, Callable[[Bench, int], Iterator[Row]]] = {
    "grad_cam": cams.grad_cam,
    "gradient_cams": cams.gradient_cams,
    "ablation": cams.ablation,
    "integrated_gradients": perturbations.integrated_gradients,
    "occlusion": perturbations.occlusion,
    "curves": perturbations.curves,
}
ONCE = ("panels", "memory", "audits", "gpu")
RUNS = 7


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON where asked."""
    options = _parser().parse_args(arguments)
    device = choose_device(options.device)
    began = time.perf_counter()
    rows: list[Row] = []
    for row in _rows(options.models, options.figures, options.runs, device):
        rows.append(row)
        print(f"{time.perf_counter() - began:5.0f} s  {row.model}: {row.name}", file=sys.stderr)
    print(table(rows))
    for row in rows:
        for peer, words in row.peer_notes.items():
            print(f"  {row.model}: {row.name}: {peer}: {words}")
    if options.json is not None:
        machine = _machine(device)
        records = [{**record, "machine": machine} for record in as_records(rows)]
        options.json.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _rows(models: Sequence[str], wanted: Sequence[str], runs: int, device: torch.device) -> Iterator[Row]:
    with single_thread():
        for name in models:
            chosen = [figure for key, figure in TIMED.items() if key in wanted]
            once = "panels" in wanted and name == models[0]
            if not chosen and not once:
                continue
            bench = make_bench(name, device)
            with untouched(bench.module):  # as every audit lends its model out once for all its parts
                for figure in chosen:
                    yield from figure(bench, runs)
                if once:
                    yield from panels.panels(bench, runs)
    if "memory" in wanted:
        yield from memory.memory("resnet50" if "resnet50" in models else models[0], device)
    if "audits" in wanted:
        yield from audits.audits(device)
    if "gpu" in wanted:
        yield from gpu.gpu(device)


def _machine(device: torch.device) -> dict[str, str]:
    return {
        "device": describe(device),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    figures = [*TIMED, *ONCE]
    parser.add_argument("--figures", nargs="+", choices=figures, default=figures)
    parser.add_argument("--runs", type=int, default=RUNS, help="paired runs a figure")
    parser.add_argument("--device", default="auto")
    return parser


if __name__ == "__main__":
    main()
