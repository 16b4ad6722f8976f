"""Put the watches of behaviour together: navigation, and staff where that may be watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from sentinel.app import parts
from sentinel.app.scope_review import load_pseudo_rule
from sentinel.clock import Clock
from sentinel.config import Settings
from sentinel.detect.behaviour.features import FEATURES
from sentinel.detect.behaviour.manifest import MANIFEST, read_manifest
from sentinel.detect.behaviour.staff_acts import Act, act_of
from sentinel.detect.behaviour.staff_features import STAFF_FEATURES
from sentinel.detect.behaviour.staff_findings import STAFF_SLUG
from sentinel.detect.behaviour.staff_model import (
    FOLDER,
    StaffManifest,
    StaffModel,
    read_staff_manifest,
)
from sentinel.detect.behaviour.staff_relations import SMALLEST_GROUP
from sentinel.detect.behaviour.staff_train import train_staff
from sentinel.detect.behaviour.staff_watch import StaffWatch
from sentinel.detect.behaviour.watches import Watches, WithStaff
from sentinel.domain.event import Event
from sentinel.errors import ConfigError
from sentinel.notify.behaviour_note import Learnt, behaviour_note
from sentinel.store.ports import Sealer


def staff_path(settings: Settings) -> Path:
    """Return where the baselines of staff stand."""
    return settings.model_path / FOLDER


def make_watches(settings: Settings, sealer: Sealer) -> Watches | None:
    """Return what watches behaviour in the service; None where nothing does.

    Raises ContentError, UnreadableFile, StorageError where baselines are there and cannot be used.
    """
    navigation = parts.make_behaviour(settings)
    staff = make_staff_watch(settings, sealer)
    return navigation if staff is None else WithStaff(staff, navigation)


def make_staff_watch(settings: Settings, sealer: Sealer) -> StaffWatch | None:
    """Return the watch of staff, or None where it is off, may not be, or has no baselines."""
    chosen = settings.behaviour
    if not (chosen.enabled and chosen.staff and settings.scope.staff.live):
        return None
    if not (staff_path(settings) / MANIFEST).exists():
        return None
    return StaffWatch(
        StaffModel.load(staff_path(settings), sealer),
        load_pseudo_rule(settings, STAFF_SLUG),
        lateness=timedelta(minutes=settings.detect.lateness_minutes),
        findings_a_day=chosen.staff_findings_per_day,
    )


def train_staff_from_store(
    settings: Settings, clock: Clock, *, days: int, budget: float
) -> StaffManifest:
    """Learn the baselines of staff from the stored events of the last ``days``.

    The store knows pseudonyms only, the same that the service will see. Raises ConfigError where
    staff may not be watched, ContentError where no role is large enough.
    """
    if not settings.scope.staff.live:
        raise ConfigError(
            "staff monitoring is not live: nothing about staff is learnt",
            where="scope.staff",
            hint=f"missing: {', '.join(settings.scope.staff.missing) or 'monitoring'}",
        )
    sealer = parts.open_sealer(settings)
    events = parts.open_events(settings, sealer)
    try:
        return train_staff(
            _acts(events.search, clock.now() - timedelta(days=days)),
            staff_path(settings),
            sealer,
            timezone=settings.timezone,
            budget=budget,
            clock=clock,
        )
    finally:
        events.close()


def note_of(settings: Settings, language: str, today: date) -> str:
    """Return the data-protection note, from the settings and the models in force."""
    navigation = staff = None
    if (settings.model_path / MANIFEST).exists():
        one = read_manifest(settings.model_path)
        navigation = Learnt(
            window_from=one.window_from, window_to=one.window_to, count=one.sessions
        )
    if (staff_path(settings) / MANIFEST).exists():
        other = read_staff_manifest(staff_path(settings))
        staff = Learnt(
            window_from=other.window_from,
            window_to=other.window_to,
            count=other.acts,
            roles=other.roles,
            left_out=other.left_out,
        )
    return behaviour_note(
        settings,
        language,
        today=today,
        navigation=navigation,
        staff=staff,
        features=FEATURES,
        staff_features=STAFF_FEATURES,
        smallest_group=SMALLEST_GROUP,
    )


def _acts(search: Callable[..., Iterator[Event]], since: datetime) -> Iterator[Act]:
    for event in search(since=since):
        if (act := act_of(event)) is not None:
            yield act
