"""Tables for auditor plan, layers and doctor."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from rich.table import Table

from auditor.cli.console import out
from auditor.shares import percent

if TYPE_CHECKING:
    from auditor.doctor import Fit
    from auditor.plan import Plan
    from auditor.spec.audit_spec import LimitSpec

_PACKAGES = ("auditor", "torch", "torchvision", "numpy", "scipy", "opencv-python-headless", "weasyprint", "safetensors")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def print_plan(plan: Plan) -> None:
    """Every part in order with its options and cost, the architecture, and what the sample can detect."""
    from auditor.statistics.testing import minimum_detectable_effect, recipients_needed

    spec = plan.spec
    out.print(f"{spec.title or spec.name} · {spec.name}", style="bold", markup=False)
    out.print(_architecture(plan), markup=False)
    size = spec.dataset.sample.size
    table = _table("Cost, as an upper bound", "kind", "part", "forwards an image", f"forwards for {size} images")
    total = 0.0
    for kind, name, forwards in plan.costs():
        total += 0.0 if kind == "probes" else forwards
        table.add_row(kind, name, f"{forwards:.4g}", f"{forwards * size:,.0f}")
    total += plan.probe_forwards()
    table.add_row(
        "", "all probes, within their budget", f"{plan.probe_forwards():.4g}", f"{plan.probe_forwards() * size:,.0f}"
    )
    table.add_row("", "in all", f"{total:.4g}", f"{total * size:,.0f}", style="bold")
    out.print(table)
    options = _table("Options", "kind", "part", "required", "options")
    for kind, parts in (("visualizations", plan.visualizers), ("metrics", plan.metrics), ("probes", plan.probes)):
        for item in parts:
            shown = json.dumps(item.part.model_dump(mode="json"))
            options.add_row(kind, item.name, "yes" if item.required else "no", shown)
    out.print(options)
    for kind, parts in plan.unfit.items():
        if parts:
            names = ", ".join(item.name for item in parts)
            out.print(f"{kind} left out, because they mean nothing on {plan.medium.several}: {names}", markup=False)
    checks = _table("Test plan", "kind", "what", "control", "limit")
    for row in plan.test_plan:
        checks.add_row(row.kind, row.what, row.control, row.limit)
    out.print(checks)
    _print_policy(plan)
    half = size // 2
    effect = minimum_detectable_effect(half)
    seen = "nothing can be detected" if effect is None else f"an effect of {percent(effect, 1)} is seen with 80 % power"
    out.print(f"With {size} images, {half} a half: {seen} (exact one-sided McNemar, .05, before correction).")
    for wanted in (0.25, 0.15, 0.10):
        needed = 2 * recipients_needed(wanted)
        out.print(f"  to see {percent(wanted)}: {needed} images{' (you have them)' if needed <= size else ''}")


def _print_policy(plan: Plan) -> None:
    """What findings will be held against: limits, waivers with the days they have left, and the baseline."""
    policy, today = plan.spec.policy, datetime.now(UTC).date()
    out.print(f"Fails on: {policy.fail_on}")
    if policy.limits:
        limits = _table("Limits", "measurement", "bound", "severity", "rationale")
        for name, limit in policy.limits.items():
            limits.add_row(name, _bounds(limit), limit.severity, limit.rationale)
        out.print(limits)
    if plan.standing.waivers:
        waivers = _table(f"Waivers · {policy.waivers}", "id", "check", "approver", "ticket", "expires")
        for placed in plan.standing.waivers:
            one, left = placed.waiver, (placed.waiver.expires - today).days
            days = f"{one.expires}, {left} days left" if left >= 0 else f"{one.expires}: EXPIRED, will not be applied"
            waivers.add_row(one.id, one.check, one.approver, one.ticket, days)
        out.print(waivers)
    known = plan.standing.baseline
    if known is not None:
        model = f", model {known.model_version}" if known.model_version else ""
        words = f"{len(known.findings)} known findings of {known.report_id}, written {known.written}{model}"
        out.print(f"Baseline · {plan.standing.baseline_file}: {words}", markup=False)
    elif any(limit.relative for limit in policy.limits.values()):
        out.print("Baseline: none, so limits that are relative to it hold nothing; policy.baseline names one")
    nothing = [name for name, there in (("limits", policy.limits), ("waivers", plan.standing.waivers)) if not there]
    nothing += [] if known is not None else ["baseline"]
    if nothing:
        out.print(f"Not set: {', '.join(nothing)}")


def _bounds(limit: LimitSpec) -> str:
    bounds = [
        ("at least {:g}", limit.min),
        ("at most {:g}", limit.max),
        ("at most {:g} above the baseline", limit.max_increase),
        ("at most {:g} below the baseline", limit.max_decrease),
    ]
    return ", ".join(words.format(value) for words, value in bounds if value is not None)


def _architecture(plan: Plan) -> str:
    """Name and size of the network, built on the meta device: no memory, no weights."""
    from auditor.errors import ModelError
    from auditor.subjects.loading import build_on_meta

    try:
        module = build_on_meta(plan.spec.model, plan.model_source, plan.folder)
    except ModelError as error:
        return f"{plan.model_source.display_name()}: cannot be built without weights ({error})"
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return f"{plan.model_source.display_name()}: {type(module).__name__}, {parameters:,} parameters"


def print_layers(plan: Plan) -> None:
    """Every layer with its output on one picture, and the choice of `layers`."""
    import torch

    from auditor.engine import layers
    from auditor.engine.device import choose_device
    from auditor.subjects.loading import load_model

    device = choose_device(plan.spec.runtime.device)
    model = load_model(plan.spec.model, source=plan.model_source, folder=plan.folder, device=device)
    preprocessing = model.preprocessing
    channels = 1 if preprocessing.channels == "grey" else 3
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (2, channels, *preprocessing.extent), generator=generator)
    example = preprocessing.to_input(noise.to(device))
    chosen = layers.target_layers(model.module, plan.spec.layers, example)
    table = _table(f"Layers of {model.name}", "layer", "kind", "output", "maps", "calls", "chosen")
    for info in layers.available_layers(model.module, example):
        shape = "×".join(str(size) for size in info.output_shape[1:])
        mark = "●" if info.name in chosen.names else ""
        table.add_row(info.name, info.kind, shape, "yes" if info.is_grid else "", str(info.calls), mark)
    out.print(table)
    for note in chosen.notes:
        out.print(note, markup=False)


def print_environment() -> bool:
    """Versions, devices, Pango and CJK fonts; returns whether an audit can run here."""
    from auditor.system_packages import missing_cjk_font, missing_pango

    table = _table("Environment", "what", "found")
    table.add_row("python", sys.version.split()[0])
    table.add_row("system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    healthy = True
    for package in _PACKAGES:
        try:
            table.add_row(package, version(package))
        except PackageNotFoundError:
            table.add_row(package, "missing: install auditor again")
            healthy = False
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    table.add_row("GPUs", ", ".join(gpus) or "none; audits run on the CPU")
    pango = missing_pango()
    table.add_row("Pango (for PDF)", pango or "found")
    table.add_row("CJK font (for PDF)", missing_cjk_font() or "found")
    out.print(table)
    return healthy and pango is None


def print_variants(fits: Sequence[Fit]) -> None:
    """Accuracy of each preprocessing, and which one to write into the spec."""
    from auditor.doctor import better

    table = _table(
        "Preprocessing against the labels", "variant", "accuracy", "95 % interval", "images", "p against own"
    )
    for fit in fits:
        p = "" if fit.p is None else f"{fit.p:.2g}"
        table.add_row(fit.name, f"{fit.accuracy:.3f}", f"{fit.low:.3f} to {fit.high:.3f}", str(fit.count), p)
    out.print(table)
    best = better(list(fits))
    if best is None:
        out.print("The preprocessing in the spec fits the labels: no variant is significantly better.")
        return
    chosen = best.preprocessing
    out.print(f"'{best.name}' fits better than the spec. Write:", style="bold", markup=False)
    written = {
        "size": [chosen.height, chosen.width],
        "resize": chosen.resize,
        "crop_ratio": round(chosen.crop_ratio, 4),
        "mean": [round(value, 6) for value in chosen.mean],
        "std": [round(value, 6) for value in chosen.std],
        "scale": chosen.scale,
        "channels": chosen.channels,
    }
    out.print("  input: " + json.dumps(written).replace('"', ""), markup=False, soft_wrap=True)
