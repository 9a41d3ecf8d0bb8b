"""How long commands take that need no model, beside a Python that does nothing.

python -m benchmarks.startup RUN_DIR [SPEC] [--against RUN_DIR] [--repeat N] [--json FILE]

Renders into a copy of the run folder. Each row is the best of several runs: seconds from start to end, seconds of
processor time, and both as multiples of `python -c pass`. On a busy machine only processor time says anything.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FORMATS = ("json", "sarif", "junit", "markdown")
MOST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One command.

    Attributes:
        seconds, processor: Wall clock and processor time of the best run.
        exit_code: What it left with.
    """

    command: str
    seconds: float
    processor: float
    exit_code: int


def timed(words: str, arguments: Sequence[str], repeat: int) -> Row:
    """The best of several runs, by wall clock and by processor time apart."""
    seconds, processor, code = [], [], 0
    for _ in range(repeat):
        before, began = os.times(), time.perf_counter()
        done = subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
        seconds.append(time.perf_counter() - began)
        after = os.times()
        used = after.children_user - before.children_user + after.children_system - before.children_system
        processor.append(used)
        code = done.returncode
    return Row(words, min(seconds), min(processor), code)


def rows_of(run_dir: Path, spec: Path, repeat: int, other: Path | None = None) -> list[Row]:
    """The empty Python first, then the commands."""
    commands: dict[str, list[str]] = {
        "list": ["list"],
        "check": ["check", str(spec)],
        "schema audit": ["schema", "audit"],
    }
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "run"
        shutil.copytree(run_dir, copy)
        chosen = [word for name in FORMATS for word in ("-f", name)]
        commands[f"render {' '.join(chosen)}"] = ["render", str(copy), *chosen]
        commands["verify"] = ["verify", str(run_dir)]
        commands["compare"] = ["compare", str(run_dir), str(run_dir if other is None else other)]
        rows = [timed("python -c pass", ["-c", "pass"], repeat)]
        rows.append(timed("import auditor", ["-c", "import auditor"], repeat))
        rows += [timed(f"auditor {words}", ["-m", "auditor", *command], repeat) for words, command in commands.items()]
    return rows


def table(rows: Sequence[Row]) -> str:
    """One line a command, each time also as a multiple of the first row's."""
    first = rows[0]
    lines = [f"{'command':<60} {'seconds':>8} {'×':>6} {'cpu s':>8} {'×':>6}  exit"]
    for row in rows:
        times = (row.seconds, row.seconds / first.seconds, row.processor, row.processor / max(first.processor, 0.01))
        lines.append(
            f"{row.command:<60} {times[0]:>8.2f} {times[1]:>6.1f} {times[2]:>8.2f} {times[3]:>6.1f}  {row.exit_code}"
        )
    slow = [row.command for row in rows if row.seconds > MOST_SECONDS]
    return "\n".join([*lines, f"over {MOST_SECONDS:g} s: {', '.join(slow) or 'none'}"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a command took more than a second or failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "run_dir", type=Path, metavar="RUN_DIR", help="a finished run folder; `auditor demo` makes some"
    )
    parser.add_argument("spec", type=Path, metavar="SPEC", nargs="?", help="for check; RUN_DIR's own otherwise")
    parser.add_argument(
        "--against", type=Path, metavar="RUN_DIR", help="the newer run for compare; the same one otherwise"
    )
    parser.add_argument("--repeat", type=int, default=5, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    rows = rows_of(given.run_dir, given.spec or given.run_dir / "spec.yaml", given.repeat, given.against)
    print(table(rows))
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return int(any(row.seconds > MOST_SECONDS for row in rows))


if __name__ == "__main__":
    sys.exit(main())
