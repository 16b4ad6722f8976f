"""The report of an evaluation as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from sentinel.detect.behaviour.evaluate import Quality, Report


def report_lines(report: Report) -> Iterator[str]:
    """Yield what a person reads: the ranking, the findings at the budget, each kind of attack."""
    yield (
        f"learnt from {report.train_sessions} sessions ({report.train_lines} lines), judged "
        f"{report.test_sessions} sessions ({report.test_lines} lines, {report.test_days:.1f} days)"
    )
    yield _quality("lines", report.lines)
    yield _quality("sessions", report.sessions)
    at = report.at_budget
    yield (
        f"at {report.budget} findings a day: {at.findings} findings ({at.cut} more were cut), "
        f"{at.false_findings} of them without a label; precision {_number(at.precision)}, "
        f"recall {_number(at.recall)} of the sessions, {_number(at.recall_of_lines)} of the lines"
    )
    for name, kind in report.by_label.items():
        yield (
            f"  {name}: {kind.found_lines} of {kind.lines} lines and {kind.found_sessions} of "
            f"{kind.sessions} sessions found, ROC-AUC {_number(kind.roc_auc)}, "
            f"PR-AUC {_number(kind.pr_auc)}"
        )
    for name, measured in report.detectors.items():
        yield f"  {name:>10}  " + "  ".join(_quality(unit, measured[unit]) for unit in measured)


def _quality(unit: str, measured: Quality) -> str:
    return (
        f"{unit}: ROC-AUC {_number(measured.roc_auc)}, PR-AUC {_number(measured.pr_auc)}, "
        f"recall at 1 % false {_number(measured.recall_at_1_percent)}"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
