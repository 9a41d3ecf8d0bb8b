"""Callables that a spec names: `file.py:callable` beside the spec, or `package.module:callable`.

Loading one runs the user's own code, as `python file.py` would; nothing else in a spec does.
"""

from __future__ import annotations

import ast
import importlib
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from hashlib import sha256
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from auditor.errors import ModelError

FORM = "write file.py:callable (the file relative to the spec) or package.module:callable"


def reference_problem(reference: str, folder: Path) -> str | None:
    """What is wrong with a reference, found without running any code; None where nothing shows.

    Args:
        reference: `file.py:callable` or `package.module:callable`.
        folder: The spec's folder.
    """
    where, colon, name = reference.rpartition(":")
    if not colon or not where or not all(part.isidentifier() for part in name.split(".")):
        return f"'{reference}' names no callable; {FORM}"
    if where.endswith(".py"):
        return _file_problem(folder / where, where, name.split(".")[0])
    if not all(part.isidentifier() for part in where.split(".")):
        return f"'{where}' is neither a .py file nor a module; {FORM}"
    package = where.split(".")[0]
    beside = (folder / f"{package}.py").is_file() or (folder / package).is_dir()
    if not beside and package not in sys.modules and find_spec(package) is None:
        return f"no package '{package}' is installed or lies beside the spec"
    return None


def load_callable(reference: str, folder: Path) -> Callable[..., Any]:
    """Import the callable, which runs its file or module.

    Raises:
        ModelError: The reference is wrong, its code fails, or the name is not a callable.
    """
    problem = reference_problem(reference, folder)
    if problem is not None:
        raise ModelError(problem)
    where, _, name = reference.rpartition(":")
    with importing_beside(reference, folder):
        try:
            module = _run_file(folder / where) if where.endswith(".py") else importlib.import_module(where)
        except (Exception, SystemExit) as error:
            raise ModelError(f"{where} cannot be imported: {describe_error(error, folder)}") from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise ModelError(f"{where} has no '{name}'{_hint(part, list(vars(found)))}")
        found = getattr(found, part)
    if not callable(found):
        raise ModelError(f"{reference} is a {type(found).__name__}, not something that can be called")
    return found  # type: ignore[no-any-return]


@contextmanager
def importing_beside(reference: str, folder: Path) -> Iterator[None]:
    """Let the user's code import its neighbours, and forget them afterwards.

    Modules that were found beside the code leave `sys.modules` again, so that two specs may each have their own
    `blocks.py`. Not for several threads at once.
    """
    where = reference.rpartition(":")[0]
    place = (folder / where).resolve().parent if where.endswith(".py") else folder.resolve()
    known = set(sys.modules)
    importlib.invalidate_caches()
    sys.path.insert(0, str(place))
    try:
        yield
    finally:
        sys.path.remove(str(place))
        for name in set(sys.modules) - known:
            if _lies_beside(sys.modules[name], name, place):
                del sys.modules[name]


def describe_error(error: BaseException, folder: Path | None = None) -> str:
    """Type, message and, where a spec's folder is given, the innermost place below it: one line, no traceback."""
    text = str(error).strip().split("\n", 1)[0]
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if folder is None:
        return said
    below = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(Path(frame.filename), folder)]
    return f"{said} ({Path(below[-1].filename).name}:{below[-1].lineno})" if below else said


def _is_own(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder.resolve()) and "site-packages" not in file.parts


def _file_problem(path: Path, shown: str, name: str) -> str | None:
    if not path.is_file():
        near = sorted(item.name for item in path.parent.glob("*.py")) if path.parent.is_dir() else []
        return f"no file {shown} beside the spec{_hint(path.name, near)}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        return f"{shown}{f':{line}' if line else ''} is not valid Python: {getattr(error, 'msg', error)}"
    defined = _defined_names(tree.body)
    if "*" in defined or name in defined:
        return None
    return f"{shown} defines no '{name}'{_hint(name, sorted(defined))}"


def _defined_names(body: list[ast.stmt]) -> set[str]:
    """Names that a module's top level binds; "*" where an import or a call may bind any name."""
    names: set[str] = set()
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update((alias.asname or alias.name).split(".")[0] for alias in aliases)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                names.update(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
            case ast.Expr():
                if "globals" in {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}:
                    names.add("*")
            case _:
                nested = [item for item in ast.iter_child_nodes(statement) if isinstance(item, ast.stmt)]
                names |= _defined_names(nested)
                for handler in getattr(statement, "handlers", []):
                    names |= _defined_names(handler.body)
                names.update(
                    node.id
                    for node in ast.walk(statement)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                )
    return names


def _run_file(path: Path) -> ModuleType:
    path = path.resolve()
    name = f"audited_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _lies_beside(module: ModuleType, name: str, place: Path) -> bool:
    file = getattr(module, "__file__", None)
    if file is None:
        return False
    stem = place.joinpath(*name.split("."))
    return Path(file) in (stem.with_suffix(".py"), stem / "__init__.py")


def _hint(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
