"""Lists the sentences that end in audits and that a catalogue does not know: `python -m docs.recorded_messages`.

It reads the sources: every text with words in it that a part, a judge or a drawer of figures writes is a message; what
an f-string puts in is a named place. Texts that no reader of an audit meets are left out by rule: docstrings, errors
that end the run, progress, descriptions of options, keys, patterns, words drawn into pictures. With `--po` the missing
ones are printed as entries to be translated.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.languages.entries import CONTEXT
from auditor.languages.recorded import Phrases
from docs.source_messages import messages_of

__all__ = ["Message", "catalogue", "messages", "missing"]

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "attacks.py",
    "attention.py",
    "clauses/evidence.py",
    "engine",
    "experiments",
    "explain",
    "figures",
    "findings",
    "foreground.py",
    "history/trends.py",
    "interventions",
    "map_sets.py",
    "metrics",
    "overlays",
    "pipeline",
    "plan",
    "probes",
    "regions.py",
    "registry.py",
    "statistics",
    "studies.py",
    "subjects",
    "targets.py",
    "trust",
    "visualizers",
)
"""What writes texts into audits, within the package."""

UNRECORDED_FILES = frozenset(
    {
        "engine/device.py",
        "plan/checking.py",
        "subjects/class_folders.py",
        "subjects/datasets/csv.py",
        "subjects/datasets/folder.py",
        "subjects/model_server.py",
        "subjects/models/mlflow.py",
        "subjects/stored_models.py",
        "subjects/user_code.py",
    }
)
"""Files among them whose sentences are all errors that end the run."""
CLAUSE_FIELDS = ("title", "source", "note")
ROW_FIELDS = ("asks", "people")

HOLE = "\ue000"
"""Stands for what a place holds, until the message is looked up."""
_GLUED = re.compile(r"(?<=[A-Za-z.')])\ue000(?=[ .;]|$)|\ue000(?=[A-Za-z])|^\ue000 ?(?=[A-Z])")
"""A place that may be empty: more of a sentence, or a further one."""
_WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
_KEPT_WORDS = re.compile(r"`[^`]*`|\([^()]*\)|auditor [a-z]+ [a-z]+|pip install")
"""What stays as it is in every language: commands, names of functions."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text of ours; `where` is file:line, `text` has named places."""

    text: str
    where: str


def messages() -> list[Message]:
    """Every message of the sources and of the shipped clause maps, each once."""
    found: dict[str, Message] = {}
    for file in _files():
        short = file.relative_to(ROOT / "auditor").as_posix()
        for text, line in messages_of(short, file.read_text(encoding="utf-8")):
            found.setdefault(text, Message(text, f"{short}:{line}"))
    for text, where in _clauses():
        found.setdefault(text, Message(text, where))
    return list(found.values())


def missing(phrases: Phrases) -> list[Message]:
    """Messages that the catalogue does not say wholly."""
    return [item for item in messages() if item.text not in EXCLUDED and not known(item.text, phrases)]


def known(text: str, phrases: Phrases) -> bool:
    """Whether a message is said wholly: with something in each place, or without those that are glued to a word."""
    touching = re.sub(r"(\{[a-z_0-9]+\})+", HOLE, text.strip(" ;,"))
    if touching.startswith("(") and touching.endswith(")"):
        touching = touching[1:-1]
    samples = (touching, _GLUED.sub("", touching))
    return any(_said_wholly(one.replace(HOLE, value), phrases) for one in samples for value in ("7", "Qx7"))


def _said_wholly(sample: str, phrases: Phrases) -> bool:
    sample = sample.strip(" ;,")
    return not phrases.unknown_in(sample) and not _WORDS.search(_KEPT_WORDS.sub("", phrases.translated(sample)))


def catalogue(language: str) -> Path:
    """The file of a language."""
    return ROOT / "auditor" / "languages" / f"{language}.po"


def _files() -> Iterator[Path]:
    package = ROOT / "auditor"
    for name in SOURCES:
        path = package / name
        found = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        yield from (file for file in found if file.relative_to(package).as_posix() not in UNRECORDED_FILES)


def _clauses() -> Iterator[tuple[str, str]]:
    from auditor.clauses import names, read_map

    for name in names():
        one = read_map(name, ROOT)
        yield from ((getattr(one, field), name) for field in CLAUSE_FIELDS if getattr(one, field))
        for row in one.clauses:
            yield from ((getattr(row, field), f"{name} {row.clause}") for field in ROW_FIELDS if getattr(row, field))


_STEP = "progress on the terminal"
_ENDS = "an error that ends the run"
_PLANNED = "a line of `auditor plan`"
_DRAWN = "drawn into a picture, or the key of a curve"
_FRAGMENT = "never alone: the code puts it between two words that are entries"
EXCLUDED: dict[str, str] = {
    "not enough memory": "what torch says, to be compared",
    "can't allocate memory": "what torch says, to be compared",
    "out of memory": "what torch says, to be compared",
    "cannot allocate memory": "what torch says, to be compared",
    "predictions on the sample": _PLANNED,
    "choosing what runs fast, and the layers": _PLANNED,
    "the causal map": _PLANNED,
    "a shared pass for each target": _PLANNED,
    "one shared pass for all gradient maps": _PLANNED,
    "trying shorter number formats": _PLANNED,
    "no {what} is named '{name}'; {hint}": _ENDS,
    "taking gradients": _STEP,
    "guided backpropagation": _STEP,
    "propagating relevance": _STEP,
    "maps: one shared pass": _STEP,
    "maps: shared pass {number} of {orders}": _STEP,
    "{started} to {finished}: {name}: {value}, exit code {exit_code}": "a line of the log",
    "gradient fell": _DRAWN,
    "<style>@media screen and (prefers-color-scheme: dark){{rules}}</style>": "a style sheet",
    "clips (folders of frames, or video files)": _ENDS,
    "name the folder that holds the clips": _ENDS,
    "volumes (.npy, .nii, .nii.gz, or folders with a DICOM series)": _ENDS,
    "name the folder that holds the volumes": _ENDS,
    "{weights} is a folder; name the file in it": _ENDS,
    "{part_name} is the same whatever is explained; remove the key": _ENDS,
    "model.input needs {what}: these weights bring no preprocessing of their own (x = (u8 / 255 · scale − mean) / std; "
    "e.g. size: [224, 224], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])": _ENDS,
    "{under}, {kept}; the least is {lowest} % under {words}.": "an entry holds it together with how it begins",
    " and the ": _FRAGMENT,
    "too few": _FRAGMENT,
    "too many": _FRAGMENT,
    "of another shape": _FRAGMENT,
}
"""Messages that no reader of an audit meets and no rule finds, each with the reason."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m docs.recorded_messages", description=__doc__)
    parser.add_argument("language", nargs="?", default="zh")
    parser.add_argument("--po", action="store_true", help="print them as entries of the catalogue")
    asked = parser.parse_args(arguments)
    left = missing(Phrases.read(catalogue(asked.language)))
    for item in left:
        if asked.po:
            from babel.messages.pofile import normalize

            print(f'#: {item.where}\nmsgctxt "{CONTEXT}"\nmsgid {normalize(item.text)}\nmsgstr ""\n')
        else:
            print(f"{item.where}: {item.text}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
