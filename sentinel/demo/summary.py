"""Hold what was found against what was told: which alert is which story, and what must not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from sentinel.clock import isoformat
from sentinel.demo.story import LOOK_ALIKES, STORIES
from sentinel.demo.telling import Source, Story
from sentinel.domain.alert import Alert


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of the demo. ``story``: the story that its events belong to, empty for none.

    ``steps``: the story's own name for each event (``site_scanner/17``): the same for every seed,
    whatever traffic lies between, where ``event_refs`` name places in this run's streams.
    """

    id: str
    story: str
    rule: str
    title: str
    level: str
    actor: str
    subjects: tuple[str, ...]
    event_refs: tuple[str, ...]
    steps: tuple[str, ...]
    first: str
    last: str


class Steps:
    """Finds the story's name of an event from its reference."""

    def __init__(self, story: Story) -> None:
        self._by_ref: dict[str, tuple[str, str]] = {}
        self._by_ordinal: dict[tuple[str, int], tuple[str, str]] = {}
        for key, truth in story.truth.items():
            for number, own_id in enumerate(truth.ids, start=1):
                self._by_ref[f"{truth.source}#{own_id}"] = (key, f"{key}/{number}")
            if not truth.ids:
                for number, ordinal in enumerate(truth.ordinals, start=1):
                    self._by_ordinal[truth.source, ordinal] = (key, f"{key}/{number}")

    def posted(self, source: Source, first_ordinal: int, first_offset: int, count: int) -> None:
        """Learn where a batch lies in the spool: references over the network are offsets."""
        for index in range(count):
            found = self._by_ordinal.get((source, first_ordinal + index))
            if found is not None:
                self._by_ref[f"{source}#{first_offset + index}"] = found

    def of(self, refs: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """Return the story of most of ``refs`` (empty if of none) and the steps' names."""
        named = [self._by_ref[ref] for ref in refs if ref in self._by_ref]
        keys = [key for key, _ in named]
        story = max(sorted(set(keys)), key=keys.count, default="")
        return story, tuple(step for key, step in named if key == story)


def rows(alerts: Sequence[Alert], steps: Steps) -> list[AlertRow]:
    """Return the alerts in the order of their first event, each with its story."""
    return [_row(alert, steps) for alert in sorted(alerts, key=lambda a: (a.first, a.rule.slug))]


def _row(alert: Alert, steps: Steps) -> AlertRow:
    story, names = steps.of(alert.refs)
    return AlertRow(
        id=alert.id,
        story=story,
        rule=alert.rule.slug,
        title=alert.rule.title,
        level=alert.rule.level.value,
        actor=alert.actor,
        subjects=alert.subjects,
        event_refs=alert.refs,
        steps=names,
        first=isoformat(alert.first),
        last=isoformat(alert.last),
    )


def by_story(found: Sequence[AlertRow]) -> Mapping[str, list[str]]:
    """Return for each of the five stories the ids of its alerts: by the rule that must find it."""
    return {
        key: [row.id for row in found if row.story == key and row.rule == cue.rule]
        for key, (cue, _) in STORIES.items()
    }


def look_alikes(found: Sequence[AlertRow]) -> list[str]:
    """Return the look-alikes that raised an alert: must be empty."""
    return sorted({row.story for row in found if row.story in LOOK_ALIKES})


def others(found: Sequence[AlertRow]) -> list[str]:
    """Return the ids of alerts that belong to no story."""
    return [row.id for row in found if row.story not in STORIES and row.story not in LOOK_ALIKES]
