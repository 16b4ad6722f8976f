"""Only letters that are fit to be sent go into a campaign: the linter has the last word, twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sentinel.domain.campaign import CampaignKind
from sentinel.errors import InvalidValue, Refused
from sentinel.notify.campaign.compose import Text
from sentinel.notify.lint.linter import lint_letter


def require_sendable(
    kind: CampaignKind, texts: Mapping[tuple[str, str], Text], notifiers: Path
) -> None:
    """Raise Refused where a letter about a breach lacks something or says what it must not.

    A notice of a change tells of no breach: what art. 34 asks for is not asked of it.
    """
    if not texts:
        raise Refused("there is no letter")
    if kind is CampaignKind.CHANGE_NOTICE:
        return
    for text in texts.values():
        whole = f"{text.subject}\n\n{text.text}".encode()
        try:
            found = lint_letter(whole, text.language, notifiers=notifiers)
        except InvalidValue as error:
            raise Refused(f"the letter in {text.language}: {error.detail}") from error
        if not found.sendable:
            wrong = [*found.missing, *(f"{one.code} at line {one.line}" for one in found.findings)]
            raise Refused(
                f"the letter in {text.language} is not fit to be sent: {', '.join(wrong)}",
                hint="sentinel letter lint says where and why",
            )
