"""A runbook: what to do, by whom, how soon, with which proof."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import msgspec

from sentinel.domain.incident import Role

LANGUAGES = ("fr", "en")
EVIDENCE = ("none", "log", "file", "decision", "receipt")
PHASES = (
    "triage",
    "preserve",
    "contain",
    "qualify",
    "decide",
    "notify",
    "persons",
    "recover",
    "close",
)
"""What a step is for. ``decide``: awareness (EDPB Guidelines 9/2022); ``recover``: what may
destroy traces, so that a ``preserve`` stands before it."""

STOP = {"fr": "**Arrêtez-vous si** ", "en": "**Stop if** "}
"""What opens the paragraph of a step that says when the runbook ends there."""

PLACEHOLDERS = {
    "organisation": "organisation.name",
    "dpo": "organisation.dpo.name",
    "dpo_phone": "organisation.dpo.phone",
    "dpo_email": "organisation.dpo.email",
    "declarant": "organisation.declarant.name",
    "declarant_phone": "organisation.declarant.phone",
}
"""``{{dpo_phone}}`` in a text is the setting that stands beside it here."""

PLACEHOLDER = re.compile(r"\{\{ ?([^{}]*?) ?\}\}")


class Heading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Front matter.

    ``triggers``: rule slugs. ``max_duration``: ISO 8601. ``clocks``: obligations. ``created`` and
    ``modified``: days on which it was first written, and on which this version was.
    """

    id: str
    version: str
    language: str
    title: str
    triggers: tuple[str, ...]
    roles: tuple[Role, ...]
    max_duration: str
    clocks: tuple[str, ...]
    created: date | None = None
    modified: date | None = None

    @property
    def facts(self) -> tuple[object, ...]:
        """What no translation changes."""
        return (
            self.id,
            self.version,
            self.triggers,
            self.roles,
            self.max_duration,
            self.clocks,
            self.created,
            self.modified,
        )


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. ``within``: ISO 8601, from the runbook's start. ``evidence``: one of EVIDENCE.

    ``phase``: one of PHASES. ``clock``: the obligation that this step meets. ``together``: a word
    that neighbouring steps share which are done at the same time by different people.
    """

    id: str
    title: str
    text: str
    role: Role
    within: str
    evidence: str = "none"
    phase: str = ""
    clock: str = ""
    together: str = ""

    @property
    def stop(self) -> str:
        """The condition on which the runbook ends at this step; empty where it never does."""
        for paragraph in re.split(r"\n\s*\n", self.text):
            for opening in STOP.values():
                if paragraph.startswith(opening):
                    return " ".join(paragraph.removeprefix(opening).split())
        return ""

    @property
    def facts(self) -> tuple[str, ...]:
        """What no translation changes."""
        facts = (self.id, self.role.value, self.within, self.evidence)
        more = (self.phase, self.clock, self.together, "stop" if self.stop else "")
        return (*facts, *(fact for fact in more if fact))


class Runbook(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook in one language. ``introduction`` and step texts are Markdown."""

    heading: Heading
    introduction: str
    steps: tuple[Step, ...]

    def step(self, step_id: str) -> Step | None:
        """Return the step with this id."""
        return next((step for step in self.steps if step.id == step_id), None)

    def filled(self, values: Mapping[str, str]) -> Runbook:
        """Return the runbook with its placeholders replaced; an empty value shows its setting."""
        return msgspec.structs.replace(
            self,
            introduction=fill(self.introduction, values),
            steps=tuple(
                msgspec.structs.replace(step, text=fill(step.text, values)) for step in self.steps
            ),
        )


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with each placeholder replaced by its value, or by ``[its setting]``."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return values.get(name) or f"[{PLACEHOLDERS.get(name, name)}]"

    return PLACEHOLDER.sub(value, text)
