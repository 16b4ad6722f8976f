"""Take in what came back by mail: a Maildir that our mail server delivers into, or files.

A report moves from ``new`` to ``cur`` only after what it says is written. Nothing is deleted: what
is not a report is for a person to read.
"""

from __future__ import annotations

import mailbox
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from sentinel.errors import UnreadableFile
from sentinel.notify.campaign.reports import Kind, Read, apply, read_report
from sentinel.store.campaign_ledger import CampaignLedger

MOST_BYTES = 1_000_000


def take_in(ledger: CampaignLedger, raw: bytes, now: datetime) -> str:
    """Take in one mail; return ``report``, ``known``, ``answer``, ``unreadable`` or ``stranger``.

    ``stranger``: a report on a letter that is not ours.
    """
    read = read_report(raw[:MOST_BYTES], now)
    if read.kind is not Kind.REPORT:
        return read.kind.value
    token = _ours(ledger, read)
    if not token:
        return "stranger"
    changed = [ledger.change(token, partial(apply, report=one)) for one in read.reports]
    return "report" if any(changed) else "known"


def drain_maildir(ledger: CampaignLedger, path: Path, now: datetime) -> Counter[str]:
    """Take in what is new in a Maildir; return how many mails of each kind."""
    told: Counter[str] = Counter()
    new = path / "new"
    if not new.is_dir():
        return told
    (path / "cur").mkdir(exist_ok=True)
    for one in sorted(new.iterdir()):
        if not one.is_file():
            continue
        told[take_in(ledger, one.read_bytes(), now)] += 1
        one.rename(path / "cur" / f"{one.name}:2,S")
    return told


def mails_in(path: Path) -> Iterator[bytes]:
    """Yield the mails of a file: one mail, an mbox, or every mail of a Maildir.

    Raises UnreadableFile.
    """
    try:
        if path.is_dir():
            for folder in ("new", "cur"):
                for one in sorted((path / folder).glob("*")):
                    yield one.read_bytes()
            return
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error), where=str(path)) from error
    if not raw.startswith(b"From "):
        yield raw
        return
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.keys():  # noqa: SIM118 - it is no mapping
            yield box.get_bytes(key)
    finally:
        box.close()


def _ours(ledger: CampaignLedger, read: Read) -> str:
    return next((token for token in read.tokens if ledger.find(token) is not None), "")
