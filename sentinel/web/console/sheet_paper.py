"""What the printed sheet of clocks says, in the words and formats of the console."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sentinel.domain.deadline import Deadline
from sentinel.domain.incident import Incident
from sentinel.web.console.i18n import mark
from sentinel.web.console.pages import Pages
from sentinel.web.console.words import word_for

COLUMNS = (mark("Clock"), mark("Due"), mark("Alarms to come"), mark("Done on, by"))
SAYS = {
    "title": mark("Clock sheet"),
    "printed": mark("Printed:"),
    "drill": mark("DRILL"),
    "reference": mark("Reference"),
    "case": mark("Case"),
    "aware": mark("The controller became aware"),
    "advice": mark(
        "Clocks never pause, neither at night nor at week-ends nor on holidays. An instant that "
        "passes without its act is written down with the reason; the act is done all the same."
    ),
    "late": mark("passed"),
    "none": mark("No clock runs in this case."),
}


def sheet_data(
    incident: Incident, clocks: Sequence[Deadline], pages: Pages, language: str, now: datetime
) -> dict[str, object]:
    """Return the data of `sentinel.notify.clock_sheet`, in ``fr`` or ``en``."""
    words, formats = pages.words[language], pages.formats[language]

    def said(table: str, code: str) -> str:
        return words.gettext(word_for(table, code))

    def row(clock: Deadline) -> dict[str, object]:
        done = formats.long(clock.met_at) if clock.met_at else ""
        if clock.waived_at:
            done = f"{words.gettext('waived')} {formats.long(clock.waived_at)}"
        return {
            "name": said("obligation", clock.obligation),
            "basis": said("basis", clock.basis),
            "due": formats.long(clock.due_at),
            "utc": formats.iso(clock.due_at),
            "late": clock.open and clock.due_at < now,
            "alarms": [formats.short(alarm) for alarm in clock.alarms],
            "done": done,
        }

    texts: dict[str, object] = {name: words.gettext(text) for name, text in SAYS.items()}
    return {
        "language": language,
        "reference": incident.reference,
        "title": incident.title,
        "drill": incident.drill,
        "aware": formats.long(incident.aware_at) if incident.aware_at else "–",
        "printed": formats.long(now),
        "words": texts | {"columns": [words.gettext(one) for one in COLUMNS]},
        "rows": [row(one) for one in sorted(clocks, key=lambda one: (not one.open, one.due_at))],
    }
