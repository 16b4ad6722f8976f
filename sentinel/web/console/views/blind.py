"""The blind-window ledger: when nothing was seen, why, and what that means."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sentinel.domain import blind_words
from sentinel.domain.blind import BlindWindow
from sentinel.domain.dead_letter import LetterState
from sentinel.store.ports import CaseTx
from sentinel.web.auth.gatekeeper import CONSOLE
from sentinel.web.console.pages import language_of, page

SHOWN = 500


class Row(msgspec.Struct, frozen=True):
    """A window with its words."""

    window: BlindWindow
    title: str
    means: str
    source: str


async def show(request: web.Request) -> web.Response:
    """``GET /blind-windows``: what goes on first, then newest first. No personal data in it."""

    def query(tx: CaseTx) -> tuple[list[BlindWindow], dict[str, int]]:
        letters = {
            source: count
            for (source, state), count in sorted(tx.dead_letters.counts().items())
            if state is LetterState.WAITING
        }
        return tx.blind.find(limit=SHOWN), letters

    windows, letters = await request.app[CONSOLE].in_store(query)
    language = language_of(request)
    windows.sort(key=lambda window: window.end is not None)
    return page(
        request,
        "blind.html",
        rows=[
            Row(
                window,
                blind_words.title(window.cause, language),
                blind_words.meaning(window.cause, language),
                blind_words.source_name(window, language),
            )
            for window in windows
        ],
        letters=letters,
    )
