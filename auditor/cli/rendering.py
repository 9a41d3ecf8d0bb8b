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
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Such as en or zh; default: as the audit was made.")
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
    """Render a finished run again, in other formats, templates or languages; needs neither torch nor the model."""
    from auditor.languages import DEFAULT as ENGLISH
    from auditor.reports._rendering import render as render_formats
    from auditor.reports._templates import options_for
    from auditor.runs import load_audit
    from auditor.shipped import DEFAULT

    if sample == (run_dir is not None):
        raise typer.BadParameter("name a finished run folder, or give --sample")
    if folder is not None and not sample:
        raise typer.BadParameter("-o goes with --sample; a run is rendered into its own folder")
    if run_dir is not None:
        audit = load_audit(run_dir)
        options = _options(template, language, audit, images)
    else:
        run_dir = folder or SAMPLE_FOLDER
        options = options_for(
            template or DEFAULT, Path(), language=language or ENGLISH, images=images
        )  # before anything is drawn
        audit = _sample(run_dir, verdict)
    for path in render_formats(audit, run_dir, formats or ["html", "pdf"], options):
        print(path)
    return 0


def _sample(folder: Path, verdict: str) -> Audit:
    from auditor.sample import VERDICTS, write_sample

    if verdict not in VERDICTS:
        raise typer.BadParameter(f"a sample ends with {', '.join(VERDICTS)}, not with '{verdict}'")
    return write_sample(folder, verdict)


def _options(template: str | None, language: str | None, audit: Audit, images: bool) -> RenderOptions:
    from auditor.reports._templates import as_made, made_in, options_for
    from auditor.shipped import template_names

    if template is not None:
        return options_for(template, Path(), language=language or made_in(audit), images=images)
    made_with = audit.report_options.get("template")
    if made_with and made_with not in template_names():
        print(f"note: made with the template {made_with}; name it with --template to use it again", file=sys.stderr)
    return as_made(audit, language=language, images=images)
