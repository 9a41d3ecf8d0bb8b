"""measurements.parquet: every number of the audit, typed."""

from __future__ import annotations

from pathlib import Path

from auditor.errors import RenderError
from auditor.records import Audit
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

FILE = "measurements.parquet"


class Parquet(Report):
    """`measurements.parquet`: the rows of `csv` with types; needs the extra `tables` (pyarrow)."""

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise RenderError("parquet needs pyarrow: pip install 'auditor[tables]'; csv works without it") from error
        import io

        from auditor.tidy import COLUMNS, COUNT, NUMBER, rows_of

        types = {NUMBER: pyarrow.float64(), COUNT: pyarrow.int64()}
        schema = pyarrow.schema([(name, types.get(kind, pyarrow.string())) for name, kind in COLUMNS.items()])
        about = {"auditor.schema": audit.schema_version, "auditor.report_id": audit.report_id}
        rows = rows_of(audit.model_dump(mode="json", by_alias=True))
        table = pyarrow.Table.from_pylist(rows, schema.with_metadata(about))
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        file = run / FILE
        write_whole(file, buffer.getvalue())
        return [file]
