"""auditor check, plan, layers, explain, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.running import BaselineOption, SetOption, SpecArgument, with_baseline


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("check")(check)
    app.command("plan")(plan)
    app.command("layers")(layers)
    app.command("explain")(explain)
    app.command("doctor")(doctor)


def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="YAML specs.")], overrides: SetOption = None
) -> int:
    """Check specs without running anything: every mistake at once, one line each (file:line: what, what instead)."""
    from auditor.errors import AuditorError
    from auditor.plan import make_plan

    mistaken = False
    for spec in specs:
        try:
            make_plan(spec, overrides or [])
        except AuditorError as error:
            print(error, file=sys.stderr)
            mistaken = True
        else:
            print(f"{spec}: no mistakes", file=sys.stderr)
    return 2 if mistaken else 0


def plan(spec: SpecArgument, overrides: SetOption = None, baseline: BaselineOption = None) -> int:
    """Show what would run: every part with all its options, the cost in forwards, and what the sample can detect.

    Then what findings will be held against: limits, waivers with the days they have left, and the baseline.
    """
    from auditor.cli.planning import print_plan
    from auditor.plan import make_plan

    print_plan(make_plan(spec, with_baseline(overrides, spec, baseline)))
    return 0


def layers(spec: SpecArgument, overrides: SetOption = None) -> int:
    """List the model's layers with their output shapes, and those that `layers: auto` would choose."""
    from auditor.cli.planning import print_layers
    from auditor.plan import make_plan

    print_layers(make_plan(spec, overrides or []))
    return 0


def explain(
    spec: SpecArgument,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Pictures to explain.")],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the pages go.")] = Path(
        "explained"
    ),
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="TARGET", help="What is explained, as in a spec; the spec's own otherwise."),
    ] = None,
    forwards: Annotated[
        int, typer.Option("--forwards", min=1, metavar="N", help="What all maps of a picture may cost together.")
    ] = 120,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write each page as PDF too.")] = False,
    overrides: SetOption = None,
) -> int:
    """Explain single pictures: maps, the causal map, and what decides ("which regions did you judge by?")."""
    from auditor.cli.console import ConsoleProgress
    from auditor.explain import explain_pictures
    from auditor.plan import make_plan

    # neither probes nor metrics look at a single picture: nobody waits for what they bring along
    without = ["probes=[]", "metrics=[]"]
    planned = make_plan(spec, [*(overrides or []), *without, *([] if target is None else [f"target={target}"])])
    with ConsoleProgress() as progress:
        pages = explain_pictures(planned, images, folder, progress, most_forwards=forwards, pdf=pdf)
    for page in pages:
        print(page)
    return 0


def doctor(
    spec: Annotated[
        Path | None, typer.Argument(metavar="[SPEC]", help="With a spec: is its preprocessing right?")
    ] = None,
    overrides: SetOption = None,
) -> int:
    """Look at the environment; with a spec, find the preprocessing (channels, scale, mean) that fits the labels."""
    from auditor.cli.planning import print_environment, print_variants

    healthy = print_environment()
    if spec is not None:
        from auditor.cli.console import ConsoleProgress
        from auditor.doctor import preprocessing_fit
        from auditor.plan import make_plan

        planned = make_plan(spec, overrides or [])
        with ConsoleProgress() as progress:
            fits = preprocessing_fit(planned, progress)
        print_variants(fits)
    return 0 if healthy else 2
