"""Runs a plan: subject, maps, metrics, probes, verdicts, figures, reports; each part saved as it appears."""

from auditor.pipeline.running import RunRequest, run

__all__ = ["RunRequest", "run"]
