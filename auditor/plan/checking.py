"""Checks of a spec that need its parts: every mistake at once, with line and what instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from auditor import registry
from auditor.brand import LogoError, read_logo
from auditor.clauses import MapError, read_map
from auditor.errors import PartError, Problem
from auditor.media import Medium
from auditor.plan.naming import class_names, is_weights_path
from auditor.plan.planned import PlannedPart
from auditor.registry import Part, unknown_name
from auditor.shipped import BASE, template_base, template_names
from auditor.spec.audit_spec import DatasetSpec, ModelSpec, Preset
from auditor.spec.reading import Location, SpecFile, problems_of
from auditor.spec.standing import Standing, read_standing
from auditor.spec.target import PREDICTED, Target, TargetSpec, class_index

PartT = TypeVar("PartT", bound=Part)


class Checker:
    """Collects every mistake; works on the raw tree, so that one broken section does not hide the others."""

    def __init__(self, spec_file: SpecFile, problems: list[Problem]) -> None:
        self.file = spec_file
        self.tree = spec_file.tree
        self.problems = problems
        self.target = _default_target(spec_file.tree)
        self.named_targets: list[tuple[Location, TargetSpec]] = [(("target",), self.target)]
        self.medium = Medium.PICTURE

    def add(self, location: Location, what: str) -> None:
        self.problems.append(self.file.problem(location, what))

    def source(self, key: str, kind: str, fields: type[ModelSpec] | type[DatasetSpec]) -> Any:
        """The source's part, with the keys that are its own."""
        section = self.tree.get(key)
        if not isinstance(section, dict) or not isinstance(section.get("source"), str):
            return None
        try:
            part = registry.load(kind, section["source"])
        except PartError as error:
            self.add((key, "source"), str(error))
            return None
        own = {name: value for name, value in section.items() if name not in fields.model_fields}
        known = [*fields.model_fields, *part.model_fields]
        try:
            return part.model_validate(own)
        except ValidationError as error:
            for problem in problems_of(error, self.file, (key,), part):
                self.problems.append(_with_hint(problem, known, key))
        try:  # without the keys that nobody knows, its files can be looked for all the same
            return part.model_validate({name: value for name, value in own.items() if name in part.model_fields})
        except ValidationError:
            return None

    def parts(self, key: str, kind: str) -> tuple[PlannedPart, ...]:
        """A preset, or a list of presets, names and {use: name, option: value}."""
        value = self.tree.get(key, "standard")
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list):
            return ()
        found: dict[str, PlannedPart] = {}
        presets = [entry for entry in entries if isinstance(entry, str) and entry in ("quick", "standard", "full")]
        budget = presets[0] if presets else "standard"
        for index, entry in enumerate(entries):
            location: Location = (key,) if isinstance(value, str) else (key, index)
            if entry in ("quick", "standard", "full"):
                found.update({item.key: item for item in self._preset(kind, cast(Preset, entry), location)})
                continue
            planned = self._named(kind, entry, budget, bool(presets), location)
            if planned is not None and planned.part.own_name and planned.key in found:
                self.add(location, f"two are named '{planned.part.own_name}'; give each a `name` of its own")
            elif planned is not None:
                found[planned.key] = planned
        # a sort keeps equals in place: only probes have an order of their own
        return tuple(sorted(found.values(), key=lambda item: getattr(item.part, "order", 0)))

    def _preset(self, kind: str, preset: Preset, location: Location) -> Iterator[PlannedPart]:
        for name in registry.names(kind):
            part = registry.load(kind, name)
            if preset in part.budgets and part.media & {self.medium, Medium.PICTURE}:
                options, line = {**part.budgets[preset], **self._general(part)}, self.file.line(location)
                yield PlannedPart(name, part(**options), True, preset, line)

    def _general(self, part: type[Part]) -> dict[str, Any]:
        """Options that the spec sets for all maps at once."""
        return {"target": self.target} if getattr(part, "of_class", False) else {}

    def _named(
        self, kind: str, entry: object, budget: str, with_preset: bool, location: Location
    ) -> PlannedPart | None:
        if isinstance(entry, str):
            name, options, required = entry, {}, True
        elif isinstance(entry, dict) and isinstance(entry.get("use"), str):
            options = {k: v for k, v in entry.items() if k not in ("use", "required")}
            name, required = entry["use"], entry.get("required", True)
            if not isinstance(required, bool):
                self.add((*location, "required"), f"expected true or false, got {required!r}")
                required = True
        else:
            self.add(location, "expected a name, or a mapping with `use` and options")
            return None
        try:
            part = registry.load(kind, name)
        except PartError as error:
            self.add(location, str(error))
            return None
        defaults = part.budgets.get(budget, {})
        try:
            made = part(**{**defaults, **self._general(part), **options})
        except ValidationError as error:
            self.problems.extend(problems_of(error, self.file, location, part))
            return None
        for option, what in made.mistakes(self.file.folder):
            if option in options or option != "target":  # one for all maps is told once, where it stands
                self.add((*location, option), what)
        if "target" in options and isinstance(target := getattr(made, "target", None), TargetSpec):
            self.named_targets.append(((*location, "target"), target))
        if required and self.medium not in part.media:
            self.add(location, registry.unfit_words(part, self.medium) + "; remove it, or write required: false")
        return PlannedPart(name, made, required, budget if with_preset else None, self.file.line(location))

    def targets(self, planned: Sequence[PlannedPart], dataset_source: Any) -> None:
        """Classes that the model does not have, labels that the data does not have, and callables that are not there.

        Class names that only the loaded model knows are checked when it is loaded.
        """
        follow = [item.part for item in planned if getattr(item.part, "target", None) == self.target]
        wrong = [what for part in follow[:1] for option, what in part.mistakes(self.file.folder) if option == "target"]
        if self.target != PREDICTED:
            for what in wrong:
                self.add(("target",), what)
        names = class_names(self.file, dataset_source)
        for location, target in self.named_targets:
            for one in target.classes:
                try:
                    if names:
                        class_index(one, names, len(names))
                except ValueError as error:
                    self.add(location, str(error))
            unlabelled = dataset_source is not None and not dataset_source.labelled(folder=self.file.folder)
            if target.kind == "label" and unlabelled:
                self.add(location, "the data set has no labels; name a label column, a class, or `predicted`")

    def formats(self) -> tuple[PlannedPart, ...]:
        """The report formats; audit.json is always written."""
        given = self.tree.get("report")
        report = given if isinstance(given, dict) else {}
        formats, found = report.get("formats", ["html", "pdf", "json"]), []
        for index, name in enumerate(formats if isinstance(formats, list) else []):
            location: Location = ("report", "formats", index)
            try:
                part = registry.load("reports", str(name))
                found.append(PlannedPart(str(name), part(), True, None, self.file.line(location)))
            except PartError as error:
                self.add(location, str(error))
        if isinstance(report.get("template"), str):
            name, own = report["template"], self.file.folder / report["template"]
            if name not in template_names() and not own.is_dir():
                words = unknown_name("template", name, template_names())
                self.add(("report", "template"), f"{words}, nor is it a folder beside the spec")
            elif name not in template_names() and template_base(own) not in template_names():
                words = unknown_name("template", template_base(own), template_names())
                self.add(("report", "template"), f"{name}/{BASE}: {words}")
        return tuple(found)

    def brand(self) -> None:
        """The logo can be shown, and every profile is a clause map."""
        given = self.tree.get("report")
        report = given if isinstance(given, dict) else {}
        if isinstance(report.get("logo"), str):
            try:
                read_logo(self.file.folder / report["logo"])
            except LogoError as error:
                self.add(("report", "logo"), str(error))
        profile = report.get("profile", [])
        for index, name in enumerate([profile] if isinstance(profile, str) else profile or []):
            try:
                read_map(str(name), self.file.folder)
            except MapError as error:
                self.add(
                    ("report", "profile") if isinstance(profile, str) else ("report", "profile", index), str(error)
                )

    def files(self, model_source: Any, dataset_source: Any) -> None:
        """Files that the spec names and that are not there."""
        model = self.tree.get("model")
        if isinstance(model, dict):
            weights, classes = model.get("weights"), model.get("classes")
            whole = model_source is not None and model_source.whole
            if isinstance(weights, str) and is_weights_path(weights) and not whole:
                self._exists(("model", "weights"), weights)
            if isinstance(classes, str):
                self._exists(("model", "classes"), classes)
            section = model.get("input")
            if isinstance(section, dict) and isinstance(section.get("transform"), str):
                self._exists(("model", "input", "transform"), section["transform"].rpartition(":")[0])
        if model_source is not None and isinstance(model, dict):
            weights = model.get("weights") if isinstance(model.get("weights"), str) else None
            for name, what in model_source.problems(folder=self.file.folder, weights=weights):
                self.add(("model", name), what)
            for name in ("weights", "options") if model_source.whole else ():
                if model.get(name):
                    self.add(("model", name), f"a model of source {model.get('source')} comes whole; remove the key")
        if dataset_source is not None:
            for name, what in dataset_source.problems(folder=self.file.folder):
                self.add(("dataset", name), what)

    def input_size(self) -> None:
        """Inputs of clips and volumes have a depth, those of pictures none."""
        model = self.tree.get("model")
        section = model.get("input") if isinstance(model, dict) else None
        size = section.get("size") if isinstance(section, dict) else None
        location: Location = ("model", "input", "size") if size is not None else ("model", "input")
        if self.medium is Medium.PICTURE:
            if isinstance(size, list) and len(size) == 3:
                what = f"{size} has a depth, which pictures have not; expected [height, width], or a source of clips"
                self.add(location, f"{what} or volumes")
            return
        wanted = f"[{self.medium.layers}, height, width]"
        if not isinstance(size, list) or len(size) != 3:
            got = "nothing" if size is None else str(size)
            self.add(location, f"{self.medium.several} need a size of three numbers, {wanted}, got {got}")
        if isinstance(section, dict) and section.get("transform") is not None:
            self.add(
                (*location[:2], "transform"), f"takes one picture; for {self.medium.several} give size, mean and std"
            )

    def _exists(self, location: Location, name: str) -> None:
        if not (self.file.folder / name).is_file():
            self.add(location, f"no such file: {name} (looked in the spec's folder)")

    def standing(self) -> Standing:
        """Waivers and baseline, read whole: a mistake in them costs no audit."""
        found, problems = read_standing(self.file, datetime.now(UTC).date())
        self.problems.extend(problems)
        return found

    def policy(self) -> None:
        """Limits and declarations must name kinds that exist."""
        policy = self.tree.get("policy")
        if not isinstance(policy, dict):
            return
        kinds = registry.names("probes")
        limits = policy.get("limits")
        for name in limits if isinstance(limits, dict) else ():
            kind, dot, measured = str(name).partition(".")
            if not dot or not measured:
                self.add(("policy", "limits", name), "expected <kind>.<measurement> or metrics.<name>")
            elif kind not in (*kinds, "metrics"):
                self.add(("policy", "limits", name), registry.unknown_name("kind of check", kind, [*kinds, "metrics"]))
        declared = policy.get("legitimate")
        for index, item in enumerate(declared if isinstance(declared, list) else ()):
            if isinstance(item, dict) and isinstance(item.get("kind"), str) and item["kind"] not in kinds:
                self.add(
                    ("policy", "legitimate", index, "kind"), registry.unknown_name("kind of check", item["kind"], kinds)
                )


def _default_target(tree: dict[str, Any]) -> TargetSpec:
    """The spec's own, or the predicted class where it is wrong: that is told with the spec's other fields."""
    try:
        return TypeAdapter(Target).validate_python(tree.get("target", PREDICTED))
    except ValidationError:
        return PREDICTED


def _with_hint(problem: Problem, known: Sequence[str], key: str) -> Problem:
    """An unknown key of a section: suggest among the section's and the source's keys alike."""
    from difflib import get_close_matches

    marker = "unknown key; "
    if marker not in problem.what:
        return problem
    name = problem.what.split(":", 1)[0].removeprefix(f"{key}.")
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
    return Problem(problem.file, problem.line, problem.what.split(marker, 1)[0] + marker + hint)
