"""auditor render."""

from __future__ import annotations

import sys
from dataclasses import replace
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
    images: Annotated[
        bool,
        typer.Option(
            "--images/--no-images",
            help="A copy without pictures of the sample and their file names, in RUN_DIR/no-images.",
        ),
    ] = True,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="With --no-images: keep pictures in the gallery, 48 pixels at most.")
    ] = False,
    max_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Of report.html and of report.pdf, such as 10MB; default: as the audit was made."
        ),
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Render a made-up audit instead, to see what a template gives.")
    ] = False,
    verdict: Annotated[str, typer.Option(metavar="fail|pass|incomplete", help="With --sample: how it ends.")] = "fail",
    folder: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help=f"A copy there; with --sample its folder ({SAMPLE_FOLDER})."
        ),
    ] = None,
) -> int:
    """Render a finished run again, in other formats, templates or languages; needs neither torch nor the model."""
    from auditor.languages import DEFAULT as ENGLISH
    from auditor.reports._rendering import COPY, render_copy
    from auditor.reports._rendering import render as render_here
    from auditor.reports._templates import options_for
    from auditor.runs import load_audit
    from auditor.shipped import DEFAULT

    if sample == (run_dir is not None):
        raise typer.BadParameter("name a finished run folder, or give --sample")
    if thumbnails and images:
        raise typer.BadParameter("--thumbnails goes with --no-images")
    asked = _bytes(max_size)
    if run_dir is not None:
        audit = load_audit(run_dir)
        options = _options(template, language, audit, images)
    else:
        run_dir, folder = folder or SAMPLE_FOLDER, None
        options = options_for(
            template or DEFAULT, Path(), language=language or ENGLISH, images=images
        )  # before anything is drawn
        audit = _sample(run_dir, verdict)
    options = replace(options, thumbnails=thumbnails, max_size=asked or options.max_size)
    wanted = formats or ["html", "pdf"]
    if folder is None and images:
        written = render_here(audit, run_dir, wanted, options)
    else:
        _, written = render_copy(audit, run_dir, wanted, options, folder or run_dir / COPY)
    for path in written:
        print(path)
    return 0


def _bytes(text: str | None) -> int | None:
    """'10MB' as a number."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    if text is None:
        return None
    try:
        size = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError:
        size = 0
    if size <= 0:
        raise typer.BadParameter(f"--max-size {text}: expected a size such as 10MB, 500kB or 8MiB")
    return size


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
