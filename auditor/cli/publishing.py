"""auditor publish."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from auditor.publish import Parcels, Sending, Target


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("publish")(publish)


def publish(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A finished run folder.")],
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="TARGET[:PLACE]",
            help="jira:KEY-1, gitlab:group/project!7, github:owner/repository#12, mlflow:models:/NAME/3, "
            "webhook:https://…; may be given again. `auditor show publish NAME` explains each.",
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TARGET.OPTION=VALUE", help="Set a target's option, read as YAML."),
    ] = None,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Leave pictures of the sample out.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Put pictures in public places without being asked.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Send nothing; print the requests, tokens masked, as if nothing were there."),
    ] = False,
) -> int:
    """Publish a finished audit: Jira, GitLab, GitHub, MLflow, or a webhook.

    Tokens come from the environment. The same audit published again changes what is there, and adds nothing. Where one
    target fails the others are still tried; the exit code is 2 then.
    """
    from auditor.errors import PublishError
    from auditor.publish._parcels import parcels_of

    targets = [chosen_target(text, overrides or []) for text in to]
    _refuse_stray(overrides or [], targets)
    problems = [f"{target.part_name()}: {what}" for target in targets for what in target.missing()]
    if problems and not (dry_run and all(" is not set" in line or " is not installed" in line for line in problems)):
        raise PublishError("\n".join(problems))
    for problem in problems:
        _say(problem)
    sending = _sending(dry_run)
    failed = False
    with parcels_of(run_dir, images=images) as parcels:
        for target in targets:
            try:
                _ask_about_pictures(target, parcels, sending, yes=yes or dry_run)
                outcome = target.publish(parcels, sending)
            except PublishError as error:
                _say(str(error))
                failed = True
                continue
            if dry_run:
                _say(f"{target.part_name()}: a dry run; nothing was sent")
                continue
            for line in outcome.done:
                _say(f"{target.part_name()}: {line}")
            if outcome.address:
                print(outcome.address)
    return 2 if failed else 0


def chosen_target(text: str, overrides: list[str]) -> Target:
    """`NAME[:PLACE]` with the options that were set for it.

    Raises:
        PartError: No such target, no such option, or a value that it does not take.
    """
    from pydantic import ValidationError

    from auditor import registry
    from auditor.errors import PartError
    from auditor.publish import Target

    name, _, place = text.partition(":")
    kind = registry.load("publish", name)
    options: dict[str, Any] = {"place": place}
    options.update({key: value for owner, key, value in map(_option, overrides) if owner == name})
    try:
        part = kind(**options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([name, *map(str, first["loc"])])
        raise PartError(f"--set {where}: {first['msg']}; its options: {', '.join(kind.model_fields)}") from None
    if not isinstance(part, Target):
        raise PartError(f"{name} is not a place to publish to")
    return part


def _option(text: str) -> tuple[str, str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    address, found, value = text.partition("=")
    target, dot, option = address.partition(".")
    if not (found and dot and option):
        raise typer.BadParameter(f"--set {text}: TARGET.OPTION=VALUE is wanted, such as github.sticky=report")
    try:
        return target, option, YAML(typ="safe").load(value)
    except YAMLError:
        raise typer.BadParameter(f"--set {text}: the value is not YAML") from None


def _refuse_stray(overrides: list[str], targets: list[Target]) -> None:
    known = {target.part_name() for target in targets}
    for text in overrides:
        owner = _option(text)[0]
        if owner not in known:
            raise typer.BadParameter(
                f"--set {text}: nothing is published to '{owner}' (--to: {', '.join(sorted(known))})"
            )


def _ask_about_pictures(target: Target, parcels: Parcels, sending: Sending, *, yes: bool) -> None:
    """Before pictures of the sample go where anybody can see them, somebody must have said yes.

    Raises:
        PublishError: Nobody did.
    """
    from auditor.errors import PublishError
    from auditor.publish import Reach

    files = target.picture_files(parcels)
    if not files or target.reach(sending) is not Reach.PUBLIC:
        return
    place = f"{target.part_name()}:{target.place}" if target.place else target.part_name()
    what = f"{place} is a public place, and {' and '.join(files)} hold pictures of the sample"
    _say(f"warning: {what}")
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()) or not typer.confirm(
        "Put them there?", default=False, err=True
    ):
        raise PublishError(f"{place}: nothing was published there; --no-images leaves pictures out, --yes agrees")


def _sending(dry_run: bool) -> Sending:
    from auditor.publish import Sending

    show: Callable[[str], None] | None = print if dry_run else None
    return Sending(show=show, warn=lambda text: _say(f"warning: {text}"))


def _say(text: str) -> None:
    print(text, file=sys.stderr)
