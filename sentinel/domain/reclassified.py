"""Events that a case needs, copied into it: from then on they are of class ``security_incident``.

R-51: 36 months from the detection, with a written justification. The originals stay normal
accesses and go after 12 months; the copies lie under the case's own key, so that destroying it
takes them all.
"""

from __future__ import annotations

from datetime import datetime

from sentinel.domain.record import CaseRecord


class CaseEvents(CaseRecord, kw_only=True):
    """Copies of events, sealed. ``justification``: why they are kept longer, by language.

    ``event_ids``: what is in it. ``first``, ``last``: of the events, UTC. ``sha256``: over the
    events as they were copied, hex.
    """

    justification: dict[str, str]
    detected_at: datetime
    event_ids: tuple[str, ...]
    first: datetime
    last: datetime
    sha256: str
    sealed: bytes
