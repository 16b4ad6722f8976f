"""A runbook as an OASIS CACAO Security Playbook 2.0, for the tools of other houses.

Section numbers are those of the specification. The workflow is a tree (4.7, 4.8): steps done
together are branches of a parallel step, a stop condition is an if-condition whose false branch is
the rest; each branch ends with an end step (4.4). Every id is a UUID of version 5 over the
runbook's id (10.10), so that two exports of one edition are the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from uuid import UUID, uuid5

from sentinel.domain.incident import Role
from sentinel.domain.runbook import LANGUAGES, Runbook, Step
from sentinel.errors import ContentError

NAMESPACE = UUID("5f6f1c3e-0d0b-5c0e-9b7a-2a4f3c1d8e60")
TLP = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")

_TYPES = ["investigation", "mitigation", "notification", "remediation"]
_ACTIVITIES = {
    "triage": "match-indicator",
    "preserve": "analyze-collected-data",
    "contain": "restrict-access",
    "qualify": "identify-audience",
    "decide": "analyze-collected-data",
    "notify": "compose-content",
    "persons": "deliver-content",
    "recover": "restore-capabilities",
    "close": "eliminate-risk",
}
_ROLES = {
    "fr": {
        Role.ANALYST: "Analyste",
        Role.COMMANDER: "Pilote de l’incident",
        Role.SCRIBE: "Secrétaire de l’incident",
        Role.DPO: "Délégué à la protection des données",
        Role.LEGAL: "Juriste",
        Role.DIRECTOR: "Direction",
        Role.COMMS: "Communication",
    },
    "en": {
        Role.ANALYST: "Analyst",
        Role.COMMANDER: "Incident commander",
        Role.SCRIBE: "Scribe",
        Role.DPO: "Data protection officer",
        Role.LEGAL: "Legal counsel",
        Role.DIRECTOR: "Director",
        Role.COMMS: "Communications",
    },
}
_SAYS = {
    "fr": ("Délai : {} depuis le démarrage ; preuve : {}", "La procédure s’arrête ici si : {}"),
    "en": ("Within {} of the start; evidence: {}", "The runbook ends here if: {}"),
}


def to_cacao(book: Runbook, *, tlp: str = "TLP:GREEN") -> dict[str, object]:
    """Return the playbook as data for JSON. Placeholders show the names of settings, not values.

    Raises ContentError where the front matter has no days, which the specification needs (3.1).
    """
    return _Playbook(book, tlp).build()


class _Playbook:
    def __init__(self, book: Runbook, tlp: str) -> None:
        heading = book.heading
        if heading.created is None or heading.modified is None:
            raise ContentError(f"{heading.id}: a playbook needs the days created and modified")
        self._book = book.filled({})
        self._created = f"{heading.created.isoformat()}T00:00:00.000Z"
        self._modified = f"{heading.modified.isoformat()}T00:00:00.000Z"
        self._author = f"identity--{uuid5(NAMESPACE, 'author')}"
        self._tlp = tlp
        self._workflow: dict[str, dict[str, object]] = {}

    def build(self) -> dict[str, object]:
        heading = self._book.heading
        end = self._end("playbook")
        start = self._id("start", "start")
        groups = [list(steps) for _, steps in groupby(self._book.steps, key=_apart)]
        self._workflow[start] = {"type": "start", "on_completion": self._chain(groups, end)}
        marking = f"marking-tlp--{uuid5(NAMESPACE, self._tlp)}"
        return {
            "type": "playbook",
            "spec_version": "cacao-2.0",
            "id": _playbook_id(heading.id, heading.language),
            "name": heading.title,
            "description": self._book.introduction,
            "playbook_types": _TYPES,
            "playbook_activities": sorted({_activity(step) for step in self._book.steps}),
            "playbook_processing_summary": self._summary(),
            "created_by": self._author,
            "created": self._created,
            "modified": self._modified,
            "related_to": [
                _playbook_id(heading.id, code) for code in LANGUAGES if code != heading.language
            ],
            "labels": [
                f"sentinel:{heading.id}",
                f"version:{heading.version}",
                f"language:{heading.language}",
                *(f"rule:{slug}" for slug in heading.triggers),
            ],
            "external_references": [
                {
                    "name": "Regulation (EU) 2016/679 (GDPR), articles 33 and 34",
                    "url": "https://eur-lex.europa.eu/eli/reg/2016/679/oj",
                }
            ],
            "markings": [marking],
            **self._variables(),
            "workflow_start": start,
            "workflow": self._workflow,
            "agent_definitions": {
                _agent(role): {"type": "group", "name": _ROLES[heading.language][role]}
                for role in heading.roles
            },
            "data_marking_definitions": {
                marking: {
                    "type": "marking-tlp",
                    "id": marking,
                    "created_by": self._author,
                    "created": self._created,
                    "tlpv2_level": self._tlp,
                }
            },
        }

    def _chain(self, groups: list[list[Step]], end: str) -> str:
        """Write the steps of ``groups`` up to ``end``; return the id of the first."""
        if not groups:
            return end
        group, *rest = groups
        asking = [step for step in group if step.stop]
        follow: Callable[[], str] = lambda: self._asked(asking, rest, end)  # noqa: E731
        if len(group) == 1:
            return self._action(group[0], follow())
        parallel = self._id("parallel", group[0].id)
        self._workflow[parallel] = {
            "type": "parallel",
            "name": " + ".join(step.id for step in group),
            "on_completion": follow(),
            "next_steps": [self._action(step, self._end(step.id)) for step in group],
        }
        return parallel

    def _asked(self, asking: list[Step], rest: list[list[Step]], end: str) -> str:
        """Write the stop conditions of a group, then what follows where none of them holds."""
        if not asking:
            return self._chain(rest, end)
        step, *others = asking
        condition = self._id("if-condition", step.id)
        self._workflow[condition] = {
            "type": "if-condition",
            "name": f"{step.id}?",
            "description": self._says(1).format(step.stop),
            "condition": f"{_variable(step)}:value = true",
            "on_true": self._end(f"{step.id}/true"),
            "on_false": self._asked(others, rest, self._end(f"{step.id}/false")),
            "on_completion": end,
        }
        return condition

    def _action(self, step: Step, follow: str) -> str:
        action = self._id("action", step.id)
        arguments = {"out_args": [_variable(step)]} if step.stop else {}
        self._workflow[action] = {
            "type": "action",
            "name": f"{step.id} · {step.title}",
            "description": self._says(0).format(step.within, step.evidence),
            "on_completion": follow,
            "commands": [
                {"type": "manual", "command": step.text, "playbook_activity": _activity(step)}
            ],
            "agent": _agent(step.role),
            **arguments,
        }
        return action

    def _end(self, of: str) -> str:
        end = self._id("end", of)
        self._workflow[end] = {"type": "end"}
        return end

    def _id(self, kind: str, of: str) -> str:
        heading = self._book.heading
        return f"{kind}--{uuid5(NAMESPACE, f'{heading.id}/{heading.language}/{kind}/{of}')}"

    def _says(self, which: int) -> str:
        return _SAYS[self._book.heading.language][which]

    def _variables(self) -> dict[str, object]:
        """Return what a person answers at each stop condition (10.18)."""
        found = {
            _variable(step): {
                "type": "bool",
                "description": step.stop,
                "value": "false",
                "constant": False,
                "external": False,
            }
            for step in self._book.steps
            if step.stop
        }
        return {"playbook_variables": found} if found else {}

    def _summary(self) -> dict[str, bool]:
        return {
            "manual_playbook": True,
            "external_playbooks": False,
            "parallel_processing": any(step.together for step in self._book.steps),
            "if_logic": any(step.stop for step in self._book.steps),
            "while_logic": False,
            "switch_logic": False,
            "temporal_logic": False,
            "data_markings": True,
            "digital_signatures": False,
            "countersigned_signatures": False,
            "extensions": False,
        }


def _playbook_id(slug: str, language: str) -> str:
    return f"playbook--{uuid5(NAMESPACE, f'{slug}/{language}')}"


def _agent(role: Role) -> str:
    return f"group--{uuid5(NAMESPACE, f'role/{role}')}"


def _variable(step: Step) -> str:
    return f"__stop_{step.id.lower()}__"


def _activity(step: Step) -> str:
    return _ACTIVITIES.get(step.phase, "identify-steps")


def _apart(step: Step) -> str:
    return step.together or step.id
