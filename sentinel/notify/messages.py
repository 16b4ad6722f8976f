"""Messages to the team: an alert was opened, a clock rings.

``notifiers/messages/<kind>.<language>.{subject,txt,html}.j2``. They carry pseudonyms and counts,
never personal data (promise R-57), since they travel through systems that are not ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sentinel.clock import isoformat
from sentinel.domain.outbox import Message
from sentinel.errors import ContentError
from sentinel.notify import wording
from sentinel.notify.channel import Rendered
from sentinel.notify.templates import Templates, one_line


class Renderer(Protocol):
    """What the outbox needs: words for a message."""

    def render(self, message: Message) -> Rendered:
        """Return the message in the language of its channel. Raises ContentError."""
        ...


class MessageRenderer:
    """Renders from the templates below ``notifiers/messages``.

    ``languages``: channel id -> language; ``public_url``: where the console is reached, or empty.
    """

    def __init__(
        self,
        root: Path,
        *,
        languages: Mapping[str, str],
        default_language: str = "fr",
        public_url: str = "",
        zone: str = "Europe/Paris",
    ) -> None:
        self._templates = Templates(root, finalize=one_line)
        self._languages = languages
        self._default = default_language
        self._public_url = public_url.rstrip("/")
        self._zone = zone
        self._templates.add_filter("instant", self._instant)
        self._templates.add_filter("number", wording.number)
        self._templates.add_filter("minutes", _minutes)
        self._templates.add_filter("title_in", title_in)

    def render(self, message: Message) -> Rendered:
        """Return subject, text, HTML and JSON. Raises ContentError."""
        language = self._languages.get(message.channel, self._default)
        context = {**message.context, "console": self._public_url, "language": language}
        stem = f"{message.kind}.{language}"
        subject, text, html = (
            self._templates.render(f"{stem}.{part}.j2", context)
            for part in ("subject", "txt", "html")
        )
        subject = wording.typographic(subject.strip(), language)
        return Rendered(
            subject=subject,
            text=wording.typographic(text.strip() + "\n", language),
            html=html.strip() + "\n",
            payload={
                **message.context,
                "kind": message.kind,
                "key": message.key,
                "subject": subject,
                "created_at": isoformat(message.created_at),
            },
            language=language,
        )

    def _instant(self, value: object, language: str) -> str:
        if not isinstance(value, str):
            raise ContentError("an instant is written as text in ISO 8601")
        return wording.instant(datetime.fromisoformat(value), language, self._zone)


def _minutes(minutes: int, language: str) -> str:
    return wording.duration(timedelta(minutes=minutes), language)


def title_in(titles: object, language: str) -> str:
    """Return a title of ``{"fr": ..., "en": ...}``, in the other language where one is missing."""
    if isinstance(titles, Mapping):
        return str(titles.get(language) or next(iter(titles.values()), ""))
    return str(titles)
