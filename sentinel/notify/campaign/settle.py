"""Settle letters whose answer was lost, without ever sending one twice.

In this order: a report that came (`reports`), the server's log, and, after a time, the post. A log
that covers the whole time and names the letter nowhere is the only thing that lets it be sent
again; silence is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from sentinel.config.mail import MailSettings, RelaySettings
from sentinel.domain.dispatch import Dispatch, DispatchState, Failure, Step
from sentinel.notify.campaign.relay_log import Found, RelayLog
from sentinel.notify.campaign.ways import PRIMARY, SECOND
from sentinel.store.campaign_ledger import CampaignLedger


class Settler:
    """Settles the unknown letters of campaigns."""

    def __init__(self, mail: MailSettings, ledger: CampaignLedger) -> None:
        self._mail = mail
        self._ledger = ledger

    def settle(self, campaign: str, now: datetime) -> Counter[str]:
        """Look once at each unknown letter; return how they were settled."""
        if not self._ledger.counts(campaign)[DispatchState.UNKNOWN]:
            return Counter()
        logs = self._logs(now)
        told: Counter[str] = Counter()

        def change(one: Dispatch) -> Dispatch | None:
            changed = self._settled(one, logs, now)
            told[changed.settled_by if changed else "unknown"] += 1
            return changed

        self._ledger.change_all(campaign, DispatchState.UNKNOWN, change)
        return told

    def _settled(
        self, one: Dispatch, logs: Mapping[str, RelayLog], now: datetime
    ) -> Dispatch | None:
        begun = one.begun_at
        if begun is None:
            return None
        log = logs.get(one.path)
        if log is not None:
            seen = log.look(one.token, begun, timedelta(seconds=self._mail.settle_seconds))
            if seen.found is Found.TAKEN:
                return msgspec.structs.replace(
                    one,
                    state=DispatchState.HANDED_OVER,
                    handed_at=begun,
                    queue_id=seen.queue_id,
                    settled_by="log",
                    steps=(*one.steps, Step(now, f"{one.path}: its log has it: {seen.queue_id}")),
                )
            if seen.found is Found.NOT_TAKEN:
                return msgspec.structs.replace(
                    one,
                    state=DispatchState.QUEUED,
                    next_at=now,
                    settled_by="log: not taken",
                    steps=(*one.steps, Step(now, f"{one.path}: its log never had it")),
                )
        if now - begun < timedelta(hours=self._mail.unknown_hours):
            return None
        return msgspec.structs.replace(
            one,
            state=DispatchState.FAILED,
            failure=Failure.HANDOVER_UNKNOWN,
            settled_by="time",
            steps=(*one.steps, Step(now, "neither log nor report tells: to the post")),
        )

    def _logs(self, now: datetime) -> dict[str, RelayLog]:
        found = {}
        ways: dict[str, RelaySettings] = {PRIMARY: self._mail.primary, SECOND: self._mail.second}
        for name, relay in ways.items():
            if relay.log is not None:
                try:
                    found[name] = RelayLog(relay.log, now)
                except OSError:
                    continue  # it tells nothing; reports and time go on
        return found


def decided(one: Dispatch, *, taken: bool, by: str, now: datetime) -> Dispatch | None:
    """Return an unknown letter as a person decided; None where it is not unknown.

    ``taken``: the server has it. Otherwise it waits to be sent: the person vouches that it left
    nothing.
    """
    if one.state is not DispatchState.UNKNOWN:
        return None
    return msgspec.structs.replace(
        one,
        state=DispatchState.HANDED_OVER if taken else DispatchState.QUEUED,
        handed_at=one.begun_at if taken else None,
        next_at=None if taken else now,
        settled_by="person",
        steps=(*one.steps, Step(now, f"{by} decided: {'taken' if taken else 'not taken'}")),
    )
