"""Our own log: JSON lines on stderr, no personal data.

A line says what Sentinel did, with counts and pseudonyms. Event fields never go through here.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog

from sentinel.obs.fault import describe


class _Stderr:
    """The process's stderr as it is at each line. A log that cannot be written stops nothing."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def configure(level: str = "info", *, human: bool = False) -> None:
    """Send log lines of ``level`` and above to stderr, as JSON or, for a person, as text."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer()
    )
    logging.basicConfig(handlers=[_Libraries(logging.WARNING)], force=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=False,
    )


class _Libraries(logging.Handler):
    """Brings what libraries log into our log, without what their words were filled with."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the unfilled message; of an exception its kind and place."""
        error = record.exc_info[1] if record.exc_info else None
        extra = {"fault": describe(error)} if error else {}
        get(record.name).log(record.levelno, str(record.msg), **extra)


def get(room: str) -> structlog.typing.FilteringBoundLogger:
    """Return the logger of a room."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return logger
