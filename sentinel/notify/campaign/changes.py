"""What becomes of a letter, step by step. Each returns the letter changed, or None: as it was."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from sentinel.domain.dispatch import Dispatch, DispatchState, Failure, Step
from sentinel.notify.campaign.relay import Declined, Taken

LONGEST_PAUSE = timedelta(hours=4)


def begun(one: Dispatch, *, way: str, mail_key: str, now: datetime) -> Dispatch:
    """Write that the letter leaves now, by ``way``."""
    return msgspec.structs.replace(
        one,
        state=DispatchState.HANDING_OVER,
        path=way,
        mail_key=mail_key,
        begun_at=now,
        first_tried_at=one.first_tried_at or now,
        attempts=one.attempts + 1,
    )


def taken(one: Dispatch, answer: Taken, now: datetime) -> Dispatch | None:
    """Write that the server has it. A report that was faster has written so already."""
    if one.state is not DispatchState.HANDING_OVER:
        return None
    promised = "reports promised" if answer.reports else "no reports promised"
    return msgspec.structs.replace(
        one,
        state=DispatchState.HANDED_OVER,
        handed_at=now,
        reply=answer.reply,
        queue_id=answer.queue_id,
        settled_by="answer",
        steps=(*one.steps, Step(now, f"{one.path}: {answer.reply} ({promised})")),
    )


def unknown(one: Dispatch, why: str, now: datetime) -> Dispatch | None:
    """Write that nobody knows whether the server has it."""
    if one.state is not DispatchState.HANDING_OVER:
        return None
    step = Step(now, f"{one.path}: no answer came back ({why})")
    return msgspec.structs.replace(one, state=DispatchState.UNKNOWN, steps=(*one.steps, step))


def failed(one: Dispatch, failure: Failure, why: str, now: datetime) -> Dispatch | None:
    """Write a named failure."""
    if one.state.settled:
        return None
    # `begun` has counted an attempt already where the letter itself was declined.
    return msgspec.structs.replace(
        one,
        state=DispatchState.FAILED,
        failure=failure,
        reply=why,
        attempts=one.attempts + (one.state is DispatchState.QUEUED),
        steps=(*one.steps, Step(now, f"failed: {failure}: {why}")),
    )


def put_off(
    one: Dispatch,
    *,
    way: str,
    answer: Declined,
    now: datetime,
    first_pause: timedelta,
    patience: timedelta,
) -> Dispatch | None:
    """Write that the server said "later": the pause doubles, and ends in a named failure."""
    if one.state.settled:
        return None
    first = one.first_tried_at or now
    late = now - first >= patience
    attempts = one.attempts + (one.state is DispatchState.QUEUED)
    pause = first_pause * 2 ** min(attempts - 1, 10)
    return msgspec.structs.replace(
        one,
        state=DispatchState.FAILED if late else DispatchState.QUEUED,
        failure=Failure.PUT_OFF_TOO_LONG if late else None,
        first_tried_at=first,
        attempts=attempts,
        next_at=now + min(pause, LONGEST_PAUSE),
        reply=answer.detail,
        steps=(*one.steps, Step(now, f"{way}: put off: {answer.detail}")),
    )
