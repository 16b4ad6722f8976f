"""What a dossier says of when nothing was seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel.app.casework import limits_of
from sentinel.clock import ManualClock
from sentinel.config import Organisation
from sentinel.domain.blind import BlindWindow, Cause, spans, uncovered
from sentinel.domain.blind_words import MEANINGS, TITLES
from sentinel.domain.incident import Incident
from sentinel.domain.reason import Reason
from sentinel.notify.dossier_build import build_dossier
from sentinel.notify.dossier_limits import limits_text
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(cause: Cause, begin: int, end: int | None, source: str = "") -> BlindWindow:
    return BlindWindow(
        id=f"{cause}-{begin}",
        cause=cause,
        source=source,
        begin=NOW + begin * HOUR,
        seen=NOW + (begin if end is None else end) * HOUR,
        end=None if end is None else NOW + end * HOUR,
    )


def test_each_cause_is_told_once_with_its_intervals() -> None:
    windows = [
        window(Cause.SILENCE, -3, -2, "crm"),
        window(Cause.STOPPED, -5, -4),
        window(Cause.SILENCE, -1, None, "crm"),
        *(window(Cause.OVERLOAD, -20 + n, -20 + n, "www") for n in range(5)),
    ]
    french = limits_text(windows, "fr", NOW)
    assert len(french) == 3
    assert french[0].startswith("Une source a été priée d’attendre (source www) 5 fois entre le ")
    assert french[1].startswith("Sentinel ne fonctionnait pas du 2\u00a0mars\u00a02026")
    assert french[1].endswith("ce que les expéditeurs n’ont pas renvoyé ensuite n’a pas été reçu.")
    assert ", depuis le 2\u00a0mars\u00a02026" in french[2]
    english = limits_text(windows, "en", NOW)
    assert english[1].startswith("Sentinel was not running from ")
    assert limits_text([], "fr", NOW) == []


def test_the_dossier_prints_those_that_touch_the_case(tmp_path: Path) -> None:
    store = SqlCaseStore.open(tmp_path / "c.sqlite", AesGcmSealer(bytes(32)), ManualClock(NOW))
    incident = Incident(
        id="i1",
        reference="INC-2026-0001",
        title="Export",
        kind="bulk_export",
        created_at=NOW,
        created_by="a",
        occurred_from=NOW - 2 * HOUR,
        occurred_to=NOW - HOUR,
    )
    with store.begin() as tx:
        for one in (
            window(Cause.STOPPED, -30, -29),
            window(Cause.DISK_FULL, -3, -1),
            window(Cause.SILENCE, 1, 2, "crm"),
        ):
            tx.blind.put(one)
        limits = limits_of(tx, incident)
    store.close()
    assert [one.cause for one in limits] == [Cause.DISK_FULL]
    dossier = build_dossier(
        incident,
        deadlines=(),
        affected=None,
        organisation=Organisation(),
        now=NOW,
        limits=limits,
    )
    told = str(dossier.answers["b.description"])
    assert "Limites de ces constats" in told
    assert "Le disque est plein" in told
    assert "Sentinel ne fonctionnait pas" not in told
    without = build_dossier(
        incident, deadlines=(), affected=None, organisation=Organisation(), now=NOW
    )
    assert "Limites" not in str(without.answers["b.description"])


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words(cause: Cause) -> None:
    for table in (TITLES, MEANINGS):
        assert table[cause].keys() == {"en", "fr"}
        assert "'" not in table[cause]["fr"]
        for mark in ":;?!":
            assert f" {mark}" not in table[cause]["fr"], "a no-break space stands before"
    reason = Reason(f"blind.{cause.value}", {"source": "crm", "since": "2026-03-02"})
    assert "crm" in reason.text("fr")


def test_what_the_ledger_does_not_cover() -> None:
    ledger = spans(
        [window(Cause.STOPPED, 0, 2), window(Cause.GAP, 1, 3), window(Cause.LATE, 5, 6)], NOW
    )
    assert ledger == [(NOW, NOW + 3 * HOUR), (NOW + 5 * HOUR, NOW + 6 * HOUR)]
    blind = [(NOW - HOUR, NOW + HOUR), (NOW + 2 * HOUR, NOW + 5.5 * HOUR)]
    assert uncovered(blind, ledger) == [
        (NOW - HOUR, NOW),
        (NOW + 3 * HOUR, NOW + 5 * HOUR),
    ]
