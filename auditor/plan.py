"""From a spec to a plan: every name resolved, every option checked, cost known. Loads nothing, imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from auditor import registry
from auditor.errors import PartError, Problem, SpecError
from auditor.media import Medium
from auditor.records import PlannedCheck
from auditor.registry import Part
from auditor.shipped import shipped_folder
from auditor.spec.audit_spec import AuditSpec, DatasetSpec, ModelSpec, Preset
from auditor.spec.reading import Location, SpecFile, problems_of, read_spec_file, validate

WEIGHT_SUFFIXES = (".pth", ".pt", ".bin", ".safetensors", ".ckpt")
FORWARDS = {"quick": 25.0, "standard": 120.0}
"""Forwards an image that all probes of a preset may spend together."""
AUTO_LAYERS = 2
"""Layers that `layers: auto` takes at most."""
SHARED_PASS = 4.0
"""Cost of the shared pass in forwards, as an upper bound: one forward, and one backward over the whole network."""

PartT = TypeVar("PartT", bound=Part)


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part with all its options filled in.

    Attributes:
        required: Whether the audit is incomplete without it.
        preset: The preset that it came with, or None when it was named.
        line: Of the spec.
    """

    name: str
    part: Any
    required: bool
    preset: str | None
    line: int | None

    @property
    def key(self) -> str:
        """Its name, and the name that the spec gave it where the part may be planned several times: custom.NAME."""
        return ".".join(filter(None, (self.name, self.part.own_name)))


@dataclass(frozen=True)
class Plan:
    """Everything that will run, decided before anything is loaded."""

    spec: AuditSpec
    spec_file: SpecFile
    model_source: Any
    dataset_source: Any
    visualizers: tuple[PlannedPart, ...]
    probes: tuple[PlannedPart, ...]
    metrics: tuple[PlannedPart, ...]
    reports: tuple[PlannedPart, ...]
    unfit: Mapping[str, tuple[PlannedPart, ...]] = field(default_factory=dict)
    """Kind → what a preset brought that means nothing on such data: it does not run, and the report says so."""

    @property
    def medium(self) -> Medium:
        """What the data set consists of."""
        medium: Medium = self.dataset_source.medium
        return medium

    @property
    def folder(self) -> Path:
        """Where the spec's relative paths start."""
        return self.spec_file.folder

    @property
    def test_plan(self) -> tuple[PlannedCheck, ...]:
        """Every check, fixed before the run."""
        rows = [item.part.planned().model_copy(update={"required": item.required}) for item in self.probes]
        if self.medium is Medium.PICTURE:
            return tuple(rows)
        through = f"; the same place in all {self.medium.layers}"
        return tuple(row.model_copy(update={"what": row.what + through}) for row in rows)

    def probe_forwards(self) -> float:
        """Upper bound of forwards an image that the probes spend."""
        own = sum(item.part.forwards() for item in self.probes if not item.part.shares_budget)
        return self.shared_forwards() + float(own)

    def shared_forwards(self) -> float:
        """What the probes of places may spend together, forwards an image, within the preset's budget."""
        total = float(sum(item.part.forwards() for item in self.probes if item.part.shares_budget))
        presets = {item.preset for item in self.probes}
        if len(presets) == 1 and (preset := presets.pop()) in FORWARDS:
            return min(total, FORWARDS[preset])
        return total

    def costs(self) -> Iterator[tuple[str, str, float]]:
        """(kind, name, forwards an image as an upper bound) in the order of running.

        A pattern in `layers` counts as one layer: what it fits is not known before the model is loaded.
        """
        layers = AUTO_LAYERS if self.spec.layers == "auto" else len(self.spec.layers)
        height, width = ((self.spec.model.input.size or [224, 224]) if self.spec.model.input else [224, 224])[-2:]
        yield "subject", "predictions on the sample", 1.0
        if any(item.part.needs for item in self.visualizers):
            yield "visualizations", "one shared pass for all gradient maps", SHARED_PASS
        for item in self.visualizers:
            times = layers if item.part.per_layer else 1
            yield "visualizations", item.name, float(times * item.part.forwards(height, width))
        for item in self.metrics:
            yield "metrics", item.name, float(item.part.forwards())
        for item in self.probes:
            yield "probes", item.name, float(item.part.forwards())


def make_plan(path: Path, overrides: Sequence[str] = ()) -> Plan:
    """Read and check a spec.

    Raises:
        SpecError: With every mistake that shows without loading the model or a picture.
    """
    spec_file = read_spec_file(path, overrides)
    spec, problems = validate(spec_file)
    checker = _Checker(spec_file, problems)
    model_source = checker.source("model", "models", ModelSpec)
    dataset_source = checker.source("dataset", "datasets", DatasetSpec)
    medium = checker.medium = getattr(dataset_source, "medium", Medium.PICTURE)
    parts = {kind: checker.parts(key, kind) for key, kind in _PART_KEYS.items()}
    fit = {kind: tuple(one for one in items if medium in one.part.media) for kind, items in parts.items()}
    unfit = {kind: tuple(one for one in items if medium not in one.part.media) for kind, items in parts.items()}
    reports = checker.formats()
    checker.files(model_source, dataset_source)
    checker.input_size()
    checker.policy()
    if problems or spec is None:
        unique = {(p.line or 0, p.what): p for p in problems}
        raise SpecError([unique[key] for key in sorted(unique)])
    return Plan(
        spec,
        spec_file,
        model_source,
        dataset_source,
        fit["visualizers"],
        fit["probes"],
        fit["metrics"],
        reports,
        unfit,
    )


_PART_KEYS = {"visualizations": "visualizers", "probes": "probes", "metrics": "metrics"}


class _Checker:
    """Collects every mistake; works on the raw tree, so that one broken section does not hide the others."""

    def __init__(self, spec_file: SpecFile, problems: list[Problem]) -> None:
        self.file = spec_file
        self.tree = spec_file.tree
        self.problems = problems
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
                options, line = part.budgets[preset], self.file.line(location)
                yield PlannedPart(name, part(**options), True, preset, line)

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
            made = part(**{**defaults, **options})
        except ValidationError as error:
            self.problems.extend(problems_of(error, self.file, location, part))
            return None
        for option, what in made.mistakes(self.file.folder):
            self.add((*location, option), what)
        if required and self.medium not in part.media:
            self.add(location, registry.unfit_words(part, self.medium) + "; remove it, or write required: false")
        return PlannedPart(name, made, required, budget if with_preset else None, self.file.line(location))

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
            templates = shipped_folder("templates")
            own = self.file.folder / report["template"]
            if not (templates / report["template"]).is_dir() and not own.is_dir():
                names = ", ".join(sorted(p.name for p in templates.iterdir() if p.is_dir()))
                self.add(
                    ("report", "template"), f"no template '{report['template']}'; shipped: {names}, or a folder's path"
                )
        return tuple(found)

    def files(self, model_source: Any, dataset_source: Any) -> None:
        """Files that the spec names and that are not there."""
        model = self.tree.get("model")
        if isinstance(model, dict):
            weights, classes = model.get("weights"), model.get("classes")
            if isinstance(weights, str) and is_weights_path(weights):
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


def is_weights_path(weights: str) -> bool:
    """Whether `model.weights` is a file rather than a name that the source knows."""
    return "/" in weights or "\\" in weights or weights.lower().endswith(WEIGHT_SUFFIXES)


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
