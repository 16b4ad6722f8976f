"""What the purge and the backups must tell a person: each alarm once a day, by their routes.

The journal tells that it rang even where no channel is set.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from sentinel.domain.outbox import Message
from sentinel.respond.own_alarm import OwnAlarm, Route, enqueue
from sentinel.store.ports import CaseTx

KIND = "retention_alarm"
WATCH = "sentinel:retention"
RUNG = "retention:rung"

TITLES = {
    "clock": {
        "fr": "La purge n’a pas eu lieu : l’horloge est douteuse",
        "en": "The purge did not run: the clock is doubtful",
    },
    "failed": {"fr": "La purge a échoué", "en": "The purge failed"},
    "review": {
        "fr": "Un gel juridique attend sa revue",
        "en": "A legal hold waits for its review",
    },
    "backup": {"fr": "La sauvegarde a échoué", "en": "The backup failed"},
    "ledger": {
        "fr": "Le registre des effacements ne peut pas être copié auprès des sauvegardes",
        "en": "The purge ledger cannot be copied to the backups",
    },
}
TODO = {
    "clock": {
        "fr": "Vérifiez l’heure du serveur, puis : sentinel purge --clock-is-right",
        "en": "Check the server’s time, then: sentinel purge --clock-is-right",
    },
    "failed": {
        "fr": "Lisez le journal du service ; puis : sentinel retention status",
        "en": "Read the service’s log; then: sentinel retention status",
    },
    "review": {
        "fr": "sentinel hold review NOM, ou sentinel hold release NOM",
        "en": "sentinel hold review NAME, or sentinel hold release NAME",
    },
    "backup": {
        "fr": "Lisez le journal du service ; puis : sentinel backup create",
        "en": "Read the service’s log; then: sentinel backup create",
    },
    "ledger": {
        "fr": "Rendez accessible le dossier des sauvegardes",
        "en": "Make the folder of the backups reachable",
    },
}


def ring(
    tx: CaseTx, alarm: str, detail: str, *, today: date, now: datetime, route: Route, key: str = ""
) -> list[Message]:
    """Tell of ``alarm`` (see `TITLES`) once a day; ``key``: what it is about, where several are."""
    stored = tx.state.get(RUNG)
    rung = msgspec.json.decode(stored, type=dict[str, str]) if stored else {}
    name = f"{alarm}:{key}"
    if rung.get(name) == today.isoformat():
        return []
    rung = {known: day for known, day in rung.items() if day == today.isoformat()}
    tx.state.put(RUNG, msgspec.json.encode(rung | {name: today.isoformat()}))
    about = f"retention:{alarm}"
    tx.journal.append(
        occurred_at=now,
        actor=WATCH,
        action="retention.alarm",
        object_id=about,
        payload={"detail": detail, "about": key},
    )
    told = OwnAlarm(
        kind=KIND,
        about=about,
        key=f"retention:{name}:{today}",
        obligation="RETENTION",
        basis="R-55",
        context={
            "alarm": alarm,
            "title": TITLES[alarm],
            "todo": TODO[alarm],
            "detail": detail,
            "day": today.isoformat(),
        },
    )
    return enqueue(tx, told, route, now)
