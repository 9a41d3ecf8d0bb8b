"""Reads the messages of one source file: what its literals, its f-strings and their sums can say, with named places."""

from __future__ import annotations

import ast
import itertools
import re

__all__ = ["messages_of"]

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
        "_names", "Region", "unknown_name", "rng",
        # marks and numbers in pictures
        "annotate", "set_xlabel", "set_ylabel",
    }
)  # fmt: skip
"""Functions and methods whose texts no reader of an audit meets."""
SINGLE_WORDS = frozenset({"key", "title", "across", "upwards"})
"""Calls whose texts are words of a picture even where they are one word."""
UNRECORDED_KEYWORDS = frozenset({"key", "sep", "encoding", "textcoords", "description"})
"""Arguments that hold no sentence."""
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


def messages_of(file: str, source: str) -> list[tuple[str, int]]:
    """Each message with its line.

    Args:
        file: Its path within the package.
        source: Its text.
    """
    return _Reader(file).read(ast.parse(source))


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
        if isinstance(node, ast.Compare | ast.Assert):
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
        if name in SINGLE_WORDS and ast.unparse(node.func).startswith("words.") and node.args:
            self.found += [(text, node.lineno) for text in _plain(node.args[-1])]
        for keyword in node.keywords:
            if keyword.arg not in UNRECORDED_KEYWORDS:
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
            "percent",
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


def _of_call(node: ast.Call) -> str:
    called = _last_name(node.func)
    if isinstance(node.func, ast.Name) and called in _OF_ARGUMENT and node.args:
        return _place(node.args[0])
    if isinstance(node.func, ast.Attribute) and called in _OF_OBJECT:
        return _place(node.func.value)
    if called in ("join", "median") and node.args:
        return _place(node.args[0])
    return called


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


_OF_ARGUMENT = frozenset({"len", "str", "int", "float", "sum", "max", "min", "abs", "repr", "place", "_points"})
_OF_OBJECT = frozenset({"item", "max", "min", "mean", "sum", "replace", "removeprefix", "get", "lower", "upper"})
"""Calls that say less of what they give than what they are given does."""
