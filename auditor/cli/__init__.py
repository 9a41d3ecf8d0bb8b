"""The command line: parses, calls, prints; decides nothing."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

# Before OpenMP is loaded: threads that spin while they wait are the fastest on an idle machine, and make a busy
# one several times slower: there they had better sleep.
if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5 * (os.cpu_count() or 1):
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Looking for pydantic's plugins reads the metadata of every installed package, which takes longer than a command does.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from auditor.cli import asking, past, proving, publishing, reference, rendering, running, standing
from auditor.errors import AuditorError

# typer brings its own copy of click, whose base class of usage errors has no public name
_USAGE_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
OWN_BUG = 70
INTERRUPTED = 130

app = typer.Typer(
    name="auditor",
    help="Audit reports for PyTorch vision models: which regions a model judges by, proven by intervention.\n\n"
    "Start with `auditor demo`, or `auditor init` for a spec of your own.\n\n"
    "Exit codes: 0 the gate passed · 1 a finding at or above fail_on · 2 could not run (spec, usage, model, data) · "
    "3 incomplete · 4 `verify` found a difference · 70 a bug of ours · 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
running.register(app)
rendering.register(app)
asking.register(app)
proving.register(app)
publishing.register(app)
reference.register(app)
standing.register(app)
past.register(app)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(invoke(arguments))


def invoke(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code. A user's mistake prints without a traceback, ours with one."""
    try:
        code = app(args=arguments, standalone_mode=False)
    except typer.Exit as leave:
        code = leave.exit_code
    except _USAGE_ERROR as error:
        error.show(sys.stderr)
        return 2
    except AuditorError as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        print("this is a bug in auditor; please report it with the lines above", file=sys.stderr)
        return OWN_BUG
    if code == INTERRUPTED:
        print("interrupted; a run that was begun goes on with `auditor run SPEC --resume`", file=sys.stderr)
    return code if isinstance(code, int) else 0
