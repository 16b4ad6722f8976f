"""What the people of the story do: an alert becomes an incident, the incident a confirmed breach.

They use the commands that the console uses. Sentinel proposes; here, as in life, persons decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sentinel.app.service import Sentinel
from sentinel.clock import isoformat
from sentinel.demo.stage import Player
from sentinel.domain.alert import Alert
from sentinel.domain.incident import Document, Incident

TITLE = "Export de la liste des clients par un salarié sur le départ"
KIND = "bulk_export"
BASIS = (
    "Le journal d’audit montre l’export réussi de la liste des clients par un compte dont le "
    "contrat prend fin dans les jours qui viennent ; son responsable confirme qu’aucune tâche ne "
    "le justifiait."
)
CONTAINED = "Compte suspendu, sessions fermées, poste de travail récupéré."


async def respond(
    service: Sentinel, players: Mapping[str, Player], alert: Alert
) -> tuple[Incident, list[Document]]:
    """Take the leaver's export from alert to confirmed breach, and draft what must be sent."""
    analyst, commander, dpo = (players[name].actor for name in ("analyst", "commander", "dpo"))

    async def do(name: str, actor: Any, **arguments: Any) -> Any:
        return await service.casework.command(name, actor, **arguments)

    await do("acknowledge_alert", analyst, alert_id=alert.id)
    incident: Incident = await do(
        "promote",
        commander,
        alert_ids=[alert.id],
        title=TITLE,
        kind=KIND,
        runbook=alert.rule.runbook,
    )
    await do("start_investigation", commander, incident_id=incident.id)
    await do("contain", commander, incident_id=incident.id, note=CONTAINED)
    aware_at = service.clock.now()
    await do("confirm_breach", dpo, incident_id=incident.id, aware_at=aware_at, basis=BASIS)
    for field, value in _answers(isoformat(aware_at)).items():
        await do("answer", dpo, incident_id=incident.id, field=field, value=value)
    counted = await service.casework.affected(incident)
    if counted is not None:
        await do("record_affected", dpo, incident_id=incident.id, affected=counted)
    documents = await service.casework.draft_dossier(dpo, incident.id)
    documents += await service.casework.draft_letters(dpo, incident.id)
    latest = await service.in_store(lambda tx: tx.incidents.get(incident.id))
    return latest, documents


def _answers(at: str) -> dict[str, object]:
    """Return what the DPO knows after the first look; the rest stays « à déterminer »."""
    return {
        "b.cause": ["int_malicious"],
        "q.impacts": ["control", "fraud"],
        "m.taken": [
            {
                "at": at,
                "fr": "Suspension du compte, fermeture de ses sessions, récupération du poste.",
                "en": "The account was suspended, its sessions closed, its workstation recovered.",
            }
        ],
    }
