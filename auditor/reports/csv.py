"""measurements.csv: every number of the audit, a row each."""

from __future__ import annotations

from pathlib import Path

from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

FILE = "measurements.csv"
_FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would run."""


class Csv(Report):
    """`measurements.csv`: all measurements with intervals, counts, verdicts and digests, UTF-8, one table.

    Text that a spreadsheet would take for a formula has an apostrophe before it; `parquet` keeps it as it is.
    """

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        import csv
        import io

        from auditor.tidy import COLUMNS, rows_of

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows_of(audit.model_dump(mode="json", by_alias=True)):
            writer.writerow([_cell(row[column]) for column in COLUMNS])
        file = run / FILE
        write_whole(file, text.getvalue().encode("utf-8"))
        return [file]


def _cell(value: str | float | int | None) -> str | float | int:
    from auditor.reports._words import plain

    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    line = plain(value)
    return f"'{line}" if line.startswith(_FORMULA) else line
