"""What is to be sent, to whom, and how it ended: what the mailer is given and gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from sentinel.domain.directory import DirectoryEntry
from sentinel.domain.dispatch import Dispatch, Failure
from sentinel.notify.campaign.compose import Text

OpenPerson = Callable[[str], DirectoryEntry | None]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent.

    ``open_to``: highest number. ``texts``: by variant and language; ``default``: the language of
    who has none. ``mark``: before the subject. ``mail_key``: keyed hash of an address.
    """

    campaign: str
    open_to: int
    texts: Mapping[tuple[str, str], Text]
    default: str
    open_person: OpenPerson
    mail_key: Callable[[str], str]
    mark: str = ""


class Sent(msgspec.Struct, kw_only=True):
    """How a batch ended. ``shut``: the gate closed. ``no_way``: no server answers.

    ``suspicious``: many refusals that are not about persons, the last of them.
    """

    counts: Counter[str]
    shut: bool = False
    no_way: bool = False
    suspicious: str = ""

    @property
    def stops(self) -> bool:
        """Tell whether no further letter is to be tried now."""
        return self.shut or self.no_way or bool(self.suspicious)


def text_for(batch: Batch, letter: Dispatch) -> Text | None:
    """Return the letter for a person's data, in their language or the default one."""
    wanted = ((letter.variant, letter.language), (letter.variant, batch.default))
    return next((batch.texts[one] for one in wanted if one in batch.texts), None)


def unreachable(entry: DirectoryEntry | None, text: Text | None) -> Failure | None:
    """Return why nobody can be written to, or nothing."""
    if entry is None:
        return Failure.NOT_FOUND
    if entry.closed:
        return Failure.ACCOUNT_CLOSED
    if not entry.email:
        return Failure.NO_EMAIL
    return Failure.NO_LANGUAGE if text is None else None
