"""Score the sessions of log files with a trained model, as the service would have told them.

Events stream through: what is held is bounded as in the service, whatever the files' length. Logs
that are out of order beyond the lateness are scored as they come, and counted as late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import islice

from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.domain.event import Event
from sentinel.domain.finding import Finding

SLICE = 1_000


async def findings_in(events: Iterable[Event], watch: Behaviour) -> AsyncIterator[Finding]:
    """Yield the findings of ``events`` as their sessions end; starts and stops ``watch``.

    `Behaviour.health` has the counts afterwards. Raises MissingExtra, ContentError, UnreadableFile.
    """
    await watch.start()
    try:
        stream = iter(events)
        while part := list(islice(stream, SLICE)):
            await watch.process(part)
            for finding in watch.take():
                yield finding
        for finding in await watch.flush():
            yield finding
    finally:
        await watch.stop()
