"""How instants, durations and numbers are written, in the account's language and our zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal

_LONG = {"fr": "d MMMM y 'à' H 'h' mm", "en": "d MMMM y 'at' HH:mm"}
_SHORT = {"fr": "dd/MM/y HH:mm:ss", "en": "dd MMM y HH:mm:ss"}
_DAY = {"fr": "j", "en": "d"}
NO_BREAK = "\u00a0"


class Formats:
    """Writes for one language and one zone. Every instant given is aware."""

    def __init__(self, language: str, zone: str) -> None:
        self.language = language
        self.zone = ZoneInfo(zone)

    def long(self, instant: datetime) -> str:
        """Write an instant in full, with its offset: ``2 janvier 2026 à 4 h 05 (UTC+1)``."""
        text = format_datetime(
            instant, _LONG[self.language], tzinfo=self.zone, locale=self.language
        )
        if self.language == "fr" and text.startswith("1 "):
            text = f"1er{text[1:]}"
        return f"{text} ({self.offset(instant)})".replace(" h ", f"{NO_BREAK}h{NO_BREAK}")

    def short(self, instant: datetime) -> str:
        """Write an instant for a table, to the second."""
        return format_datetime(
            instant, _SHORT[self.language], tzinfo=self.zone, locale=self.language
        )

    def offset(self, instant: datetime) -> str:
        """Write the zone's offset at that instant: ``UTC+1``."""
        delta = instant.astimezone(self.zone).utcoffset() or timedelta()
        minutes = int(delta.total_seconds()) // 60
        sign = "+" if minutes >= 0 else "-"
        hours, rest = divmod(abs(minutes), 60)
        return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")

    def iso(self, instant: datetime) -> str:
        """Write an instant for a machine: RFC 3339, UTC, to the second."""
        return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def duration(self, length: timedelta) -> str:
        """Write a length without its sign: ``2 j 03 h 05 min``; seconds below one hour."""
        seconds = abs(int(length.total_seconds()))
        days, rest = divmod(seconds, 86_400)
        hours, rest = divmod(rest, 3_600)
        minutes, rest = divmod(rest, 60)
        parts = [(days, _DAY[self.language])] if days else []
        if days or hours:
            parts += [(hours, "h"), (minutes, "min")]
        else:
            parts += [(minutes, "min"), (rest, "s")] if rest or not minutes else [(minutes, "min")]
        # The first figure stands without a leading zero: "6 h 05 min".
        told = [
            f"{value:0{2 if at else 1}d}{NO_BREAK}{unit}" for at, (value, unit) in enumerate(parts)
        ]
        return " ".join(told)

    def number(self, value: float) -> str:
        """Write a number with the language's separators."""
        return format_decimal(value, locale=self.language)
