"""A runbook: what to do, by whom, how soon, with which proof."""

from __future__ import annotations

import msgspec

from sentinel.domain.incident import Role

LANGUAGES = ("fr", "en")
EVIDENCE = ("none", "log", "file", "decision", "receipt")


class Heading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Front matter.

    ``triggers``: rule slugs. ``max_duration``: ISO 8601. ``clocks``: obligations.
    """

    id: str
    version: str
    language: str
    title: str
    triggers: tuple[str, ...]
    roles: tuple[Role, ...]
    max_duration: str
    clocks: tuple[str, ...]

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
        )


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. ``within``: ISO 8601, from the runbook's start. ``evidence``: one of EVIDENCE."""

    id: str
    title: str
    text: str
    role: Role
    within: str
    evidence: str = "none"

    @property
    def facts(self) -> tuple[str, str, str, str]:
        """What no translation changes."""
        return (self.id, self.role.value, self.within, self.evidence)


class Runbook(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook in one language. ``introduction`` and step texts are Markdown."""

    heading: Heading
    introduction: str
    steps: tuple[Step, ...]

    def step(self, step_id: str) -> Step | None:
        """Return the step with this id."""
        return next((step for step in self.steps if step.id == step_id), None)
