"""Lists sentences of ours that end in audits and that a catalogue does not know: `python -m docs.recorded_messages`.

It reads the sources: every text with words in it that a part, a judge or a drawer of figures writes is a message; what
an f-string puts in is a named place. Texts that no reader of an audit meets are left out by rule: docstrings, errors
that end the run, progress, descriptions of options, keys, patterns, words drawn into pictures. With `--po` the missing
ones are printed as entries to be translated.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.languages.recorded import CONTEXT, Phrases

__all__ = ["Message", "catalogue", "messages", "missing"]

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "attacks.py",
    "attention.py",
    "clauses/evidence.py",
    "engine",
    "experiments",
    "explain",
    "findings",
    "foreground.py",
    "history/trends.py",
    "interventions",
    "map_sets.py",
    "metrics",
    "overlays",
    "pipeline",
    "probes",
    "regions.py",
    "statistics",
    "studies.py",
    "subjects",
    "targets.py",
    "trust",
    "visualizers",
)
"""What writes texts into audits, within the package."""

CLAUSE_FIELDS = ("title", "source", "note")
ROW_FIELDS = ("asks", "people")

UNRECORDED_CALLS = frozenset(
    {
        # options and types
        "Field", "Literal", "TypeVar", "getattr", "hasattr", "import_module", "load", "names",
        # what the terminal shows while it runs
        "progress", "step", "message", "report", "in_chunks", "predict", "swap", "scores", "_scores", "_predicted",
        "right", "follow", "part", "_affordable_step", "warn", "keep_picture", "clock",
        # keys, patterns, digests
        "compile", "fullmatch", "match", "search", "sub", "findall", "startswith", "endswith", "removeprefix",
        "removesuffix", "partition", "rpartition", "split", "replace", "strip", "rstrip", "lstrip", "sha256", "encode",
        "_names", "_Design", "Region", "unknown_name", "rng",
        # words in pictures
        "annotate", "text", "set_xlabel", "set_ylabel",
    }
)  # fmt: skip
"""Functions and methods whose texts no reader of an audit meets."""
UNRECORDED_KEYWORDS = frozenset({"what", "unit", "x_label", "y_label", "of", "update"})
"""Arguments that hold a step's name, or words drawn into a picture, of the calls in `_DRAWN`."""
RECORDED_ERRORS = frozenset({"NotApplicableError"})
"""Errors whose words become the reason in a record."""
FILES_OF_RECORDED_ERRORS = (
    "engine/",
    "experiments/",
    "interventions/",
    "subjects/decoding.py",
    "subjects/clips.py",
    "subjects/pixel_formats.py",
    "subjects/volumes.py",
)
"""Where a `DataError` or `ModelError` ends as the reason why a picture, a map or a test is missing."""

_WORD = re.compile(r"[A-Za-z]{2,}")
_FORMAT = re.compile(r"\{([a-z_]+)(?::[^{}]*)?\}")
HOLE = "\ue000"
"""Stands for what a place holds, until the message is looked up."""
_GLUED = re.compile(r"(?<=[A-Za-z.])\ue000(?=[ .]|$)|^\ue000(?=[A-Z])|(?<=[a-z])\ue000(?=[.;])")
"""A place that may be empty: more of a sentence, or a further one."""
_WORDS = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
_KEPT_WORDS = re.compile(r"`[^`]*`|\([^()]*\)")


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
        for text, line in _Reader(short).read(ast.parse(file.read_text(encoding="utf-8"))):
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
    return any(_said_wholly(re.sub(r"\ue000", "7", sample), phrases) for sample in (touching, _GLUED.sub("", touching)))


def _said_wholly(sample: str, phrases: Phrases) -> bool:
    sample = sample.strip(" ;,")
    return not phrases.unknown_in(sample) and not _WORDS.search(_KEPT_WORDS.sub("", phrases.translated(sample)))


def catalogue(language: str) -> Path:
    """The file of a language."""
    return ROOT / "auditor" / "languages" / f"{language}.po"


def _files() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / "auditor" / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _clauses() -> Iterator[tuple[str, str]]:
    from auditor.clauses import names, read_map

    for name in names():
        one = read_map(name, ROOT)
        yield from ((getattr(one, field), name) for field in CLAUSE_FIELDS if getattr(one, field))
        for row in one.clauses:
            yield from ((getattr(row, field), f"{name} {row.clause}") for field in ROW_FIELDS if getattr(row, field))


class _Reader:
    """Collects the messages of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[tuple[str, int]] = []

    def read(self, tree: ast.Module) -> list[tuple[str, int]]:
        self._visit(tree)
        return self.found

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node, ast.Compare | ast.Assert | ast.match_case if False else ast.Compare | ast.Assert):
            return
        if isinstance(node, ast.Raise):
            if node.exc is not None and self._recorded(node.exc):
                self._children(node)
            return
        if isinstance(node, ast.Subscript):
            self._visit(node.value)
            return
        if isinstance(node, ast.AnnAssign | ast.arg):
            if isinstance(node, ast.AnnAssign) and node.value is not None:
                self._visit(node.value)
            return
        if isinstance(node, ast.Dict):
            for value in node.values:
                self._visit(value)
            return
        if isinstance(node, ast.Call):
            self._call(node)
            return
        texts = _texts(node)
        if texts is not None:
            self._keep(texts, node)
            for inner in ast.walk(node):
                if isinstance(inner, ast.FormattedValue) and not _alternatives(inner.value):
                    self._visit(inner.value)
            return
        self._children(node)

    def _children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self._visit(child)

    def _call(self, node: ast.Call) -> None:
        name = _last_name(node.func)
        self._visit(node.func)
        if name in UNRECORDED_CALLS or name.endswith("Error"):
            return
        for argument in node.args:
            self._visit(argument)
        drawn = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "figures"
        for keyword in node.keywords:
            if not (drawn or keyword.arg in ("key", "sep", "encoding", "textcoords", "description")):
                self._visit(keyword.value)

    def _recorded(self, raised: ast.expr) -> bool:
        name = _last_name(raised.func) if isinstance(raised, ast.Call) else ""
        if name in RECORDED_ERRORS:
            return self._arguments(raised)
        if name in ("DataError", "ModelError") and self.file.startswith(FILES_OF_RECORDED_ERRORS):
            return self._arguments(raised)
        return False

    def _arguments(self, raised: ast.expr) -> bool:
        if isinstance(raised, ast.Call):
            for argument in raised.args:
                self._visit(argument)
        return False

    def _keep(self, texts: list[str], node: ast.AST) -> None:
        for text in texts:
            words = _WORD.findall(re.sub(r"\{[a-z_0-9]+\}", "", text))
            sentence = " " in text.strip() and words
            if sentence and not text.startswith("\n"):
                self.found.append((text, getattr(node, "lineno", 0)))


def _texts(node: ast.AST) -> list[str] | None:
    """What a literal, an f-string or a sum of them can say; None where it is none of these."""
    parts = _parts(node)
    if parts is None:
        return None
    found = []
    for chosen in itertools.islice(itertools.product(*parts), 64):
        text, taken = "", {}
        for piece in chosen:
            if isinstance(piece, str):
                text += piece
            else:
                name = _place(piece)
                taken[name] = taken.get(name, 0) + 1
                text += "{" + (name if taken[name] == 1 else f"{name}_{taken[name]}") + "}"
        found.append(text)
    return found


def _parts(node: ast.AST) -> list[list[str | ast.expr]] | None:
    """The pieces of a text in order, each with its alternatives."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [[_FORMAT.sub(r"{\1}", node.value)]]
    if isinstance(node, ast.JoinedStr):
        parts: list[list[str | ast.expr]] = []
        for value in node.values:
            if isinstance(value, ast.Constant):
                parts.append([str(value.value)])
            elif isinstance(value, ast.FormattedValue):
                parts.append(list(_alternatives(value.value)) or [value.value])
        return parts
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _parts(node.left), _parts(node.right)
        if left is None and right is None:
            return None
        return (left or [list(_alternatives(node.left)) or [node.left]]) + (
            right or [list(_alternatives(node.right)) or [node.right]]
        )
    return None


def _alternatives(node: ast.expr) -> list[str]:
    """The texts of `a if condition else b`, where both are plain."""
    if isinstance(node, ast.IfExp):
        both = [_alternatives(node.body) or _plain(node.body), _alternatives(node.orelse) or _plain(node.orelse)]
        return [*both[0], *both[1]] if all(both) else []
    return []


def _plain(node: ast.expr) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _place(node: ast.expr) -> str:
    """A name for what stands in a place, taken from the expression."""
    if isinstance(node, ast.Name):
        name = node.id
    elif isinstance(node, ast.Attribute):
        name = node.attr
    elif isinstance(node, ast.Subscript):
        name = _place(node.value)
    elif isinstance(node, ast.Call):
        plain = isinstance(node.func, ast.Name) and node.func.id in (
            "len",
            "str",
            "int",
            "float",
            "sum",
            "max",
            "min",
            "repr",
            "abs",
            "plain",
            "place",
            "type",
            "_points",
        )
        joined = _last_name(node.func) in (
            "join",
            "replace",
            "item",
            "max",
            "min",
            "mean",
            "median",
            "removeprefix",
            "get",
            "lower",
            "upper",
            "sum",
            "tuple",
        )
        if plain and node.args:
            name = _place(node.args[0])
        elif joined:
            inner = node.args[0] if _last_name(node.func) in ("join", "median", "mean") and node.args else node.func
            name = _place(inner.value if isinstance(inner, ast.Attribute) and inner is node.func else inner)
        else:
            name = _last_name(node.func)
    elif isinstance(node, ast.BinOp):
        name = _place(node.left if not isinstance(node.left, ast.Constant) else node.right)
    elif isinstance(node, ast.UnaryOp):
        name = _place(node.operand)
    elif isinstance(node, ast.IfExp):
        name = _place(node.body if not isinstance(node.body, ast.Constant) else node.orelse)
    else:
        name = "value"
    cleaned = re.sub(r"[^a-z0-9_]", "", name.lower()).strip("_")
    return cleaned or "value"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


EXCLUDED: dict[str, str] = {}
"""Messages that are no prose of an audit, each with the reason."""


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
