"""What an audit's parts cost, in plain forwards of the same pictures.

    python -m benchmarks.audit SPEC [--json FILE]

Times a plain eager forward of the spec's sample, then runs the audit, and prints each part's seconds and their ratio to
that forward, with peak memory. Ratios of one run compare; seconds of different machines do not.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from auditor.engine.device import choose_device
from auditor.pipeline import RunRequest, run
from auditor.plan import Plan, make_plan
from auditor.subjects.loading import load_model
from auditor.subjects.sampling import load_sample


def plain_forward(plan: Plan, batch: int = 16) -> float:
    """Seconds of one plain fp32 `inference_mode` forward of the whole sample; the best of three."""
    spec = plan.spec
    device = choose_device(spec.runtime.device)
    model = load_model(spec.model, source=plan.model_source, folder=plan.folder, device=device)
    sample, _ = load_sample(spec.dataset, plan.dataset_source, plan.folder, model.preprocessing, model.classes)
    inputs = model.preprocessing.to_input(sample.images.to(device))
    seconds = []
    with torch.inference_mode():
        model.module(inputs[:batch])
        for _ in range(3):
            before = time.perf_counter()
            for start in range(0, len(inputs), batch):
                model.module(inputs[start : start + batch])
            if device.type == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - before)
    return min(seconds)


def main() -> None:
    """Print a table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    plan = make_plan(arguments.spec)
    unit = plain_forward(plan)
    with tempfile.TemporaryDirectory() as folder:
        audit = run(plan, RunRequest(Path(folder) / "run"))
    count = audit.sample.readable
    rows = [{"name": name, "seconds": s, "forwards": round(s / unit, 1)} for name, s in audit.seconds.items()]
    print(f"{audit.model.name}, {count} pictures, one plain forward of them: {unit:.2f} s")
    for row in rows:
        print(f"  {row['name']:22} {row['seconds']:8.2f} s {row['forwards']:8.1f} forwards")
    made = audit.runtime["forwards"]
    print(
        f"  {made} pictures went through the predictor ({made / count:.1f} an image); peak {audit.peak_memory_mib} MiB"
    )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"unit_seconds": unit, "pictures": count, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
