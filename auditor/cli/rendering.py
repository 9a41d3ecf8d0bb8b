"""auditor render."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auditor.records import Audit
    from auditor.reports import RenderOptions

SAMPLE_FOLDER = Path("sample-audit")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("render")(render)


def render(
    run_dir: Annotated[Path | None, typer.Argument(metavar="[RUN_DIR]", help="A finished run folder.")] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "-f", "--format", metavar="FORMAT", help="As `auditor list reports` prints it; may be given again."
        ),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="As `auditor list templates` prints it, or a folder of your own; default: as the audit was made.",
        ),
    ] = None,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Leave pictures of the sample out.")] = True,
    sample: Annotated[
        bool, typer.Option("--sample", help="Render a made-up audit instead, to see what a template gives.")
    ] = False,
    verdict: Annotated[str, typer.Option(metavar="fail|pass|incomplete", help="With --sample: how it ends.")] = "fail",
    folder: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help=f"With --sample: its folder; default {SAMPLE_FOLDER}."),
    ] = None,
) -> int:
    """Render a finished run again, in other formats or templates; needs neither torch nor the model."""
    from auditor.reports._rendering import render as render_formats
    from auditor.runs import load_audit

    if sample == (run_dir is not None):
        raise typer.BadParameter("name a finished run folder, or give --sample")
    if folder is not None and not sample:
        raise typer.BadParameter("-o goes with --sample; a run is rendered into its own folder")
    if run_dir is not None:
        audit = load_audit(run_dir)
        options = _options(template, audit, images)
    else:
        run_dir = folder or SAMPLE_FOLDER
        options = _options(template or "default", None, images)  # a wrong name costs no drawing
        audit = _sample(run_dir, verdict)
    for path in render_formats(audit, run_dir, formats or ["html", "pdf"], options):
        print(path)
    return 0


def _sample(folder: Path, verdict: str) -> Audit:
    from auditor.sample import VERDICTS, write_sample

    if verdict not in VERDICTS:
        raise typer.BadParameter(f"a sample ends with {', '.join(VERDICTS)}, not with '{verdict}'")
    return write_sample(folder, verdict)


def _options(template: str | None, audit: Audit | None, images: bool) -> RenderOptions:
    """Without a choice, the shipped template that the audit was made with; folders of one's own have to be named."""
    from auditor.reports._templates import options_for
    from auditor.shipped import DEFAULT, template_names

    made_with = str(audit.report_options.get("template") or DEFAULT) if audit is not None else DEFAULT
    if template is None and made_with not in template_names():
        print(f"note: made with the template {made_with}; name it with --template to use it again", file=sys.stderr)
        made_with = DEFAULT
    return options_for(template or made_with, Path(), images=images)
