"""Audits from Python: `auditor.run`, `auditor.load`, and the audit with its table and its look in a notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import PrivateAttr

from auditor import records
from auditor.runs import default_folder, load_audit

if TYPE_CHECKING:
    import pandas as pd

    from auditor.progress import Progress

__all__ = ["Audit", "load", "run"]

_AS_WRITTEN: Mapping[str, object] = MappingProxyType({})


class Audit(records.Audit):
    """An audit and the run folder that holds its evidence; its fields are the keys of audit.json."""

    _folder: Path = PrivateAttr()

    @classmethod
    def of(cls, audit: records.Audit, folder: Path) -> Audit:
        """The same audit, with its folder."""
        made = cls.model_construct(**{name: getattr(audit, name) for name in type(audit).model_fields})
        made._folder = folder
        return made

    @property
    def folder(self) -> Path:
        """The run folder: reports, evidence and figures."""
        return self._folder

    @property
    def passed(self) -> bool:
        """Whether the gate passed: nothing at or above `fail_on` is open, and nothing that is required is missing."""
        return self.verdict in (records.AuditVerdict.PASS, records.AuditVerdict.PASS_WITH_WAIVERS)

    def to_dataframe(self) -> pd.DataFrame:
        """Every measurement as a row, with interval, count, verdict and digests; needs pandas (extra `tables`).

        Columns are those of measurements.csv (docs/outputs.md); counts are whole numbers that may be missing.

        Raises:
            PartError: pandas is not installed.
        """
        from auditor.errors import PartError
        from auditor.tidy import COLUMNS, COUNT, NUMBER, rows_of

        try:
            import pandas as pd
        except ImportError as error:
            raise PartError("to_dataframe needs pandas: pip install 'auditor[tables]'") from error
        frame = pd.DataFrame(rows_of(self.model_dump(mode="json", by_alias=True)), columns=list(COLUMNS))
        types = {NUMBER: "float64", COUNT: "Int64"}
        return frame.astype({name: types[kind] for name, kind in COLUMNS.items() if kind in types})

    def render(self, formats: Sequence[str], *, language: str | None = None) -> list[Path]:
        """Write further formats into the run folder, with the shipped template that the audit was made with.

        Args:
            formats: As `auditor list reports` names them.
            language: Such as "zh"; None: as the audit was made.

        Raises:
            LanguageError: No such language.
            PartError: No such format.
            RenderError: It could not be rendered completely.
        """
        from auditor.reports._rendering import render
        from auditor.reports._templates import as_made

        return render(self, self.folder, formats, as_made(self, language=language))

    def _repr_html_(self) -> str:
        """Summary, findings and their pictures, for notebooks."""
        from auditor.reports._notebook import fragment

        return fragment(self, self._folder)


def run(
    spec: str | Path,
    *,
    folder: str | Path | None = None,
    overrides: Mapping[str, object] = _AS_WRITTEN,
    resume: bool = False,
    progress: Progress | None = None,
) -> Audit:
    """Audit a model as `auditor run` does, and leave a finished run folder.

    Args:
        spec: The YAML spec.
        folder: The run folder; audits/NAME/TIME otherwise.
        overrides: Values of the spec to set, by dotted key: {"runtime.device": "cpu"}.
        resume: Go on with a run that broke off in `folder`.
        progress: Told of every step; silent otherwise.

    Raises:
        SpecError: The spec has mistakes; each with its line.
        AuditorError: The model, the data or the folder cannot be used.
    """
    from auditor.plan import make_plan

    plan = make_plan(Path(spec), [f"{key}={json.dumps(value)}" for key, value in overrides.items()])

    from auditor.pipeline import RunRequest
    from auditor.pipeline import run as run_plan

    chosen = default_folder(plan.spec.name, datetime.now(UTC)) if folder is None else Path(folder)
    return Audit.of(run_plan(plan, RunRequest(chosen, resume=resume), progress), chosen)


def load(run_dir: str | Path) -> Audit:
    """The audit of a finished run folder; needs neither torch nor the model.

    Raises:
        RunFolderError: Not a finished run.
    """
    return Audit.of(load_audit(Path(run_dir)), Path(run_dir))
