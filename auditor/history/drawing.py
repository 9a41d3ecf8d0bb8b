"""The history as a chart."""

from __future__ import annotations

from auditor.figures import Chart
from auditor.figures.trends import MOST_POINTS, TrendPanel, trend_chart
from auditor.records import History, Trend, Verdict

MOST_PANELS = 6
SHOWN_CHANGES = ("model", "data", "spec")


def drawable_trends(history: History) -> list[Trend]:
    """Trends with at least two numbers among the audits that are shown, the first few."""
    kept = [trend for trend in history.trends if sum(p.value is not None for p in trend.points[-MOST_POINTS:]) > 1]
    return kept[:MOST_PANELS]


def draw_history(history: History) -> Chart | None:
    """Trends with intervals over the newest audits; None where no number was measured twice."""
    trends = drawable_trends(history)
    if not trends:
        return None
    shown = history.audits[-MOST_POINTS:]
    changes = [tuple(what for what in audit.changed if what in SHOWN_CHANGES) for audit in shown]
    changes[0] = ()
    dates = [audit.model_version or audit.started[:10] for audit in shown]
    if len(set(dates)) < len(dates):
        dates = [audit.started[:10] for audit in shown]
    if len(set(dates)) < len(dates):
        dates = [audit.started[5:16].replace("T", " ") for audit in shown]
    return trend_chart(dates, changes, [_panel(trend) for trend in trends])


def _panel(trend: Trend) -> TrendPanel:
    points = trend.points[-MOST_POINTS:]
    return TrendPanel(
        title=trend.words
        if trend.id.startswith("metrics.")
        else f"{trend.words}: {trend.measurement.replace('_', ' ')}",
        values=[point.value for point in points],
        lows=[point.low for point in points],
        highs=[point.high for point in points],
        found=[point.verdict == Verdict.CONFIRMED for point in points],
        share=trend.unit == "1",
    )


def alt_words(history: History) -> str:
    """The chart for those who do not see it: first and last number of each trend."""
    parts = []
    for trend in drawable_trends(history):
        numbers = [point.value for point in trend.points[-MOST_POINTS:] if point.value is not None]
        parts.append(f"{trend.words}: from {numbers[0]:.2f} to {numbers[-1]:.2f}")
    return f"Trends over {min(len(history.audits), MOST_POINTS)} audits. " + "; ".join(parts) + "."
