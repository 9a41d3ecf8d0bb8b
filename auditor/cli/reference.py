"""auditor list, show, schema, init."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from auditor.errors import RunFolderError

TEMPLATES = "templates"
"""Of reports: folders, and so no parts; listed beside them."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_parts)
    app.command("show")(show)
    app.command("schema")(schema)
    app.command("init")(init)


def list_parts(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="visualizers, probes, …")] = None,
) -> int:
    """List what is installed: visualizers, probes, metrics, models, datasets, reports, publish, templates."""
    from rich.table import Table

    from auditor import registry
    from auditor.cli.console import out

    for each in [kind] if kind else [*registry.KINDS, TEMPLATES]:
        if each == TEMPLATES:
            _list_templates()
            continue
        table = Table(title=each, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in ("name", "presets", "what it does"):
            table.add_column(column, style="cyan" if column == "name" else None, no_wrap=column != "what it does")
        for name in registry.names(each):
            part = registry.load(each, name)
            presets = ", ".join(p for p in ("quick", "standard", "full") if p in part.budgets)
            table.add_row(name, presets if each in ("visualizers", "probes", "metrics") else "", part.summary())
        out.print(table)
        out.print()
    return 0


def _list_templates() -> None:
    from rich.table import Table

    from auditor.cli.console import out
    from auditor.reports._templates import summaries

    table = Table(title=TEMPLATES, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("name", style="cyan", no_wrap=True)
    table.add_column("what it does")
    for name, words in summaries().items():
        table.add_row(name, words)
    out.print(table)
    out.print()


def show(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="visualizers, probes, metrics, models, datasets, reports, publish.")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `auditor list` prints it.")],
) -> int:
    """Show one part: what it does, its options with defaults, and how to write it in a spec."""
    from rich.table import Table

    from auditor import registry
    from auditor.cli.console import out

    part = registry.load(kind, name)
    out.print(f"{name} ({kind})", style="bold", markup=False)
    out.print(inspect.getdoc(part) or "", markup=False)
    if part.model_fields:
        table = Table(title="Options", title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in ("option", "type", "default", "meaning"):
            table.add_column(column)
        for option, field in part.model_fields.items():
            default = (
                "required" if field.is_required() else json.dumps(_plain(field.get_default(call_default_factory=True)))
            )
            table.add_row(option, _type_words(field.annotation), default, field.description or "")
        out.print()
        out.print(table)
    for preset, values in part.budgets.items():
        if values:
            out.print(f"in {preset}: {json.dumps(_plain(dict(values)))}", markup=False)
    return 0


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))


def _type_words(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return text.replace("typing.", "")


def schema(
    what: Annotated[str, typer.Argument(metavar="[spec|audit]", help="Of the spec, or of audit.json.")] = "spec",
) -> int:
    """Print the JSON schema of a spec (for editors) or of audit.json (for readers)."""
    if what == "spec":
        from auditor.spec.json_schema import spec_schema

        text = json.dumps(spec_schema(), indent=2)
    elif what == "audit":
        from auditor.audit_schema import audit_schema

        text = json.dumps(audit_schema(), indent=2)
    else:
        raise typer.BadParameter(f"no schema of '{what}'; spec or audit")
    print(text)
    return 0


def init(
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path("audit.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> int:
    """Write a commented spec to start from."""
    from auditor.runs import write_whole
    from auditor.shipped import shipped_folder

    if path.exists() and not force:
        raise RunFolderError(f"{path}: is there already; --force overwrites it")
    write_whole(path, (shipped_folder("audit_specs") / "starter.yaml").read_bytes())
    print(path)
    return 0
