"""The post-mortem as a paper: what the record tells, and the questions that people must answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sentinel.legal.qualification import question
from sentinel.notify import wording
from sentinel.notify.dossier_words import role_name
from sentinel.notify.paper import Paper, Section
from sentinel.respond.postmortem import PostMortem

Word = Callable[[str, str], str]
"""Table and code -> words in the language of the paper."""

WORDS: dict[str, dict[str, Any]] = {
    "fr": {
        "title": "Retour d’expérience", "drill": "[EXERCICE] ",
        "intro": "Projet tiré du journal. Les faits sont là ; les causes et les mesures restent à "
        "écrire par celles et ceux qui ont traité le dossier. Aucune personne n’y est nommée.",
        "due": "À terminer avant le {}.", "delays": "Durées", "stage": "Étape", "took": "Durée",
        "clocks": "Délais", "clock": "Délai", "ends": "Échéance", "result": "Résultat",
        "met": "tenu", "late": "EN RETARD", "waived": "levé", "open": "en cours",
        "decisions": "Décisions", "when": "Quand", "who": "Rôle", "what": "Acte", "why": "Motif",
        "timeline": "Chronologie", "occurred": "Survenu", "recorded": "Consigné",
        "backdated": "Consigné plus d’une heure après", "unknown": "Questions sans réponse",
        "actions": "Mesures à prendre", "task": "Mesure", "owner": "Responsable", "by": "Pour le",
        "done": "Preuve", "none": "Aucun.", "none_f": "Aucune.", "write": "À écrire",
        "asked": (
            "Pourquoi l’incident a-t-il été possible ? (cinq pourquoi, jusqu’à une cause sur "
            "laquelle on peut agir)",
            "Pourquoi n’a-t-il pas été vu plus tôt ?",
            "Qu’est-ce qui a bien fonctionné, et qu’il faut garder ?",
            "Quelle règle, quelle fiche réflexe, quel droit d’accès doit changer ?",
            "Chaque mesure : un responsable, une date, une preuve de clôture.",
        ),
        "moments": {
            "occurred": "survenue", "detected": "détection", "investigated": "investigation",
            "aware": "connaissance", "filed": "notification", "informed": "personnes informées",
            "contained": "endiguement", "closed": "clôture",
        },
    },
    "en": {
        "title": "Post-mortem", "drill": "[DRILL] ",
        "intro": "A draft from the journal. The facts are here; causes and measures are to be "
        "written by those who worked the case. No person is named.",
        "due": "To be finished by {}.", "delays": "Durations", "stage": "Stage", "took": "Took",
        "clocks": "Clocks", "clock": "Clock", "ends": "Due", "result": "Result",
        "met": "met", "late": "LATE", "waived": "waived", "open": "running",
        "decisions": "Decisions", "when": "When", "who": "Role", "what": "Act", "why": "Reason",
        "timeline": "Timeline", "occurred": "Occurred", "recorded": "Recorded",
        "backdated": "Recorded more than an hour later", "unknown": "Questions without an answer",
        "actions": "Measures to be taken", "task": "Measure", "owner": "Owner", "by": "By",
        "done": "Proof", "none": "None.", "none_f": "None.", "write": "To be written",
        "asked": (
            "Why was the incident possible? (five whys, down to a cause that can be acted upon)",
            "Why was it not seen earlier?",
            "What worked well and must be kept?",
            "Which rule, which runbook, which right of access must change?",
            "For each measure: an owner, a date, a proof of closure.",
        ),
        "moments": {
            "occurred": "occurrence", "detected": "detection", "investigated": "investigation",
            "aware": "awareness", "filed": "notification", "informed": "persons informed",
            "contained": "containment", "closed": "closing",
        },
    },
}  # fmt: skip


def paper_of(found: PostMortem, language: str, word: Word, now: datetime, zone: str) -> Paper:
    """Return the draft in ``fr`` or ``en``; ``zone``: of the instants that it shows."""
    told = _Teller(language, zone, found, word)
    say = told.say
    incident = found.incident
    due = (say("due").format(told.at(found.due)),) if found.due else ()
    asked = WORDS[language]["asked"]
    return Paper(
        title=f"{say('drill') if incident.drill else ''}{say('title')} {incident.reference}",
        language=language,
        intro=(say("intro"), *due),
        sections=(
            _table(say("delays"), (say("stage"), say("took")), told.delays()),
            _table(
                say("clocks"), (say("clock"), say("ends"), say("result")), told.clocks(now)
            ),
            _table(
                say("decisions"),
                (say("when"), say("who"), say("what"), say("why")),
                told.decisions(),
                say("none"),
            ),
            _list(say("unknown"), told.unknown(), say("none_f")),
            _list(say("backdated"), told.backdated(), say("none")),
            Section(
                heading=say("write"), items=asked if isinstance(asked, tuple) else ()
            ),
            _table(
                say("actions"),
                (say("task"), say("owner"), say("by"), say("done")),
                told.tasks(),
                say("none_f"),
            ),
            _table(
                say("timeline"),
                (say("occurred"), say("recorded"), say("who"), say("what")),
                told.timeline(),
            ),
        ),
    )  # fmt: skip


class _Teller:
    """Puts the record into words of one language."""

    def __init__(self, language: str, zone: str, found: PostMortem, word: Word) -> None:
        self._language = language
        self._zone = zone
        self._found = found
        self._word = word

    def say(self, name: str) -> str:
        return str(WORDS[self._language][name])

    def at(self, moment: datetime | None) -> str:
        return wording.instant(moment, self._language, self._zone) if moment else "–"

    def delays(self) -> list[tuple[str, ...]]:
        names: dict[str, str] = WORDS[self._language]["moments"]
        return [
            (
                f"{names[one.since]} → {names[one.until]}",
                _span(one.took, self._language) if one.took is not None else "–",
            )
            for one in self._found.delays
        ]

    def clocks(self, now: datetime) -> list[tuple[str, ...]]:
        late = {one.id for one in self._found.late}
        rows: list[tuple[str, ...]] = []
        for one in self._found.clocks:
            stopped = one.met_at or one.waived_at
            state = "met" if one.met_at else "waived" if one.waived_at else "open"
            result = self.say(state)
            if one.id in late:
                result += (
                    f", {self.say('late')} ({_span((stopped or now) - one.due_at, self._language)})"
                )
            rows.append((self._word("obligation", one.obligation), self.at(one.due_at), result))
        return rows

    def decisions(self) -> list[tuple[str, ...]]:
        return [
            (self.at(one.at), self._role(one.by), self._word("action", one.action), one.reason)
            for one in self._found.decisions
        ]

    def backdated(self) -> list[str]:
        return [
            f"{self._word('action', one.action)} : {self.at(one.occurred_at)} → "
            f"{self.at(one.recorded_at)}"
            for one in self._found.backdated
        ]

    def unknown(self) -> list[str]:
        return [question(one).label(self._language) for one in self._found.unknown]

    def tasks(self) -> list[tuple[str, ...]]:
        return [
            (one.title, self._role(one.owner), self.at(one.due_at), one.result or "–")
            for one in self._found.tasks
        ]

    def timeline(self) -> list[tuple[str, ...]]:
        return [
            (
                self.at(one.occurred_at),
                self.at(one.recorded_at),
                self._role(one.actor),
                one.text or self._word("action", one.action),
            )
            for one in self._found.moments
        ]

    def _role(self, actor: str) -> str:
        roles = self._found.roles.get(actor, actor)
        return ", ".join(role_name(one, self._language) for one in roles.split(", "))


def _span(span: timedelta, language: str) -> str:
    minutes = int(span.total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    unit = "j" if language == "fr" else "d"
    return f"{f'{days} {unit} ' if days else ''}{rest // 60} h {rest % 60:02d}"


def _table(
    heading: str, head: tuple[str, ...], rows: list[tuple[str, ...]], none: str = ""
) -> Section:
    lines = () if rows or not none else (none,)
    return Section(heading=heading, head=head, rows=tuple(rows), lines=lines)


def _list(heading: str, items: list[str], none: str) -> Section:
    return Section(heading=heading, items=tuple(items), lines=() if items else (none,))
