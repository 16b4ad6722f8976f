"""Read delivery status notifications (RFC 3464, multipart/report RFC 6522), whoever wrote them.

The letter is found by the envelope id that we gave (RFC 3461), else by the Message-ID of what came
back, else by the token in the address that the report went to. Anything else that arrives (an
answer, an absence note) is told apart and left where it lies.
"""

from __future__ import annotations

import email
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from email import policy
from email.message import EmailMessage, Message
from enum import StrEnum

import msgspec

from sentinel.domain.dispatch import Dispatch, DispatchState, Failure, Report, Step
from sentinel.notify.campaign.bounces import failure_of
from sentinel.notify.campaign.relay import clean

_TOKEN = re.compile(r"(?<![0-9a-f])([0-9a-f]{32})(?![0-9a-f])")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_CODE = re.compile(r"\b([245]\d\d)\b")
ACTIONS = ("failed", "delayed", "delivered", "relayed", "expanded")


class Kind(StrEnum):
    """What a mail that came back is."""

    REPORT = "report"
    ANSWER = "answer"
    UNREADABLE = "unreadable"


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that came back. ``tokens``: letters that it may be about. ``reports``: what it says.

    ``why``: why it is no report.
    """

    kind: Kind
    sha256: str
    tokens: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()
    why: str = ""


def read_report(raw: bytes, at: datetime) -> Read:
    """Return what a mail says of a letter. Raises nothing: whatever a stranger wrote is read."""
    digest = hashlib.sha256(raw).hexdigest()
    try:
        message = email.message_from_bytes(raw, policy=policy.compat32)
        status = next(_parts(message, "message/delivery-status"), None)
        if status is None:
            return Read(kind=Kind.ANSWER, sha256=digest, why="no delivery status in it")
        blocks = [block for block in _blocks(status) if block.keys()]
        head, persons = _split(blocks)
        reports = tuple(_report(head, person, digest, at) for person in persons)
        tokens = tuple(dict.fromkeys(_tokens(message, head)))
    except Exception as error:  # a stranger's bytes: any of the parser's own faults
        return Read(kind=Kind.UNREADABLE, sha256=digest, why=type(error).__name__)
    named = tuple(one for one in reports if one.action in ACTIONS)
    if not named or not tokens:
        why = "it names no letter of ours" if named else "it states no action"
        return Read(kind=Kind.UNREADABLE, sha256=digest, tokens=tokens, why=why)
    return Read(kind=Kind.REPORT, sha256=digest, tokens=tokens, reports=named)


def apply(letter: Dispatch, report: Report) -> Dispatch | None:
    """Return the letter after a report; None where it was read before.

    A report proves that the letter was taken, whatever we knew: it is not sent again.
    """
    if any((one.sha256, one.action) == (report.sha256, report.action) for one in letter.reports):
        return None
    told = f"report: {report.action} {report.status}".strip()
    changes: dict[str, object] = {
        "reports": (*letter.reports, report),
        "steps": (*letter.steps, Step(report.at, told)),
    }
    doubtful = (
        letter.state
        in (
            DispatchState.QUEUED,
            DispatchState.HANDING_OVER,
            DispatchState.UNKNOWN,
        )
        or letter.failure is Failure.HANDOVER_UNKNOWN
    )
    if doubtful:
        changes |= {"state": DispatchState.HANDED_OVER, "failure": None, "settled_by": "report"}
        changes["handed_at"] = letter.handed_at or letter.begun_at or report.at
    live = doubtful or letter.state in (DispatchState.HANDED_OVER, DispatchState.DELIVERED)
    if live and report.action in ("delivered", "expanded"):
        changes |= {"state": DispatchState.DELIVERED}
    if live and report.action == "failed":
        code = int(found[1]) if (found := _CODE.search(report.detail)) else 0
        failure = failure_of(report.status, code)
        changes |= {"state": DispatchState.FAILED, "failure": failure}
    return msgspec.structs.replace(letter, **changes)


def _parts(message: Message, wanted: str) -> Iterator[Message]:
    """Yield parts of a type, without looking into what came back."""
    if message.get_content_type() == wanted:
        yield message
        return
    if message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _parts(part, wanted)


def _blocks(status: Message) -> list[Message]:
    payload = status.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    raw = status.get_payload(decode=True)
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    return [email.message_from_string(block) for block in re.split(r"\r?\n\r?\n", text)]


def _split(blocks: list[Message]) -> tuple[Message, list[Message]]:
    """Return the block about the message, and those about recipients."""
    persons = [block for block in blocks if block["Action"] or block["Final-Recipient"]]
    heads = [block for block in blocks if not (block["Action"] or block["Final-Recipient"])]
    return (heads[0] if heads else EmailMessage()), persons


def _report(head: Message, person: Message, digest: str, at: datetime) -> Report:
    status = _STATUS.search(str(person["Status"] or ""))
    detail = str(person["Diagnostic-Code"] or "").partition(";")[2] or str(person["Status"] or "")
    reporter = str(head["Reporting-MTA"] or "").partition(";")[2].strip()
    return Report(
        at=at,
        action=str(person["Action"] or "").strip().lower(),
        status=status[0] if status else "",
        detail=clean(detail),
        reporter=clean(reporter)[:100],
        sha256=digest,
    )


def _tokens(message: Message, head: Message) -> Iterator[str]:
    yield from _TOKEN.findall(str(head["Original-Envelope-Id"] or "").lower())
    for wanted in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
        for part in _parts(message, wanted):
            yield from _TOKEN.findall(_message_id(part))
    for name in ("Delivered-To", "X-Original-To", "To"):
        yield from _TOKEN.findall(str(message[name] or "").lower())


def _message_id(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        inner = payload[0] if payload else None
        return str(inner["Message-ID"] or "").lower() if isinstance(inner, Message) else ""
    raw = part.get_payload(decode=True)
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    return str(email.message_from_string(text)["Message-ID"] or "").lower()
