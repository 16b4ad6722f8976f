"""What Sentinel itself processes here, read from the settings in force."""

from __future__ import annotations

from datetime import datetime

from yarl import URL

from sentinel.config import Settings
from sentinel.notify import wording
from sentinel.notify.art30 import Facts, art30
from sentinel.notify.paper import Paper


def art30_paper(settings: Settings, language: str, now: datetime) -> Paper:
    """Return the entry for the register of processing (GDPR art. 30), in ``fr`` or ``en``."""
    return art30(facts_of(settings), language, wording.instant(now, language))


def facts_of(settings: Settings) -> Facts:
    """Return what the settings say of the processing."""
    organisation, officer = settings.organisation, settings.organisation.dpo
    relays = [settings.smtp.host, settings.mail.primary.host, settings.mail.second.host]
    console = settings.console
    return Facts(
        controller=organisation.name,
        address=organisation.address,
        officer=officer.name,
        contact=", ".join(one for one in (officer.email, officer.phone) if one),
        sources=tuple(source.name for source in settings.sources),
        behaviour=settings.behaviour.enabled,
        hosts=tuple(settings.notify.egress_allow),
        relays=tuple(dict.fromkeys(one for one in relays if one)),
        stamping=URL(settings.journal.timestamp_url).host or "",
        backups=settings.backup.dir is not None,
        tls=console.tls_certificate is not None or console.behind_tls_proxy,
        signed=settings.keys.anchor is not None,
    )
