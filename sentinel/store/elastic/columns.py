"""Which fields are columns in Elasticsearch, and the index template that says so.

Columns hold the texts that `domain.hunt_match` compares, exactly; fields that are not columns are
in the sealed body alone and are looked at after it was opened. What lies in columns is not
encrypted by us: only pseudonyms, codes and what intake has redacted. A value that a column cannot
hold marks its document ``odd``, and such documents are always looked at one by one.
"""

from __future__ import annotations

from typing import Any, Final

from sentinel.domain import event as ecs
from sentinel.domain.hunt import ID, LOGSOURCE, REF, RETENTION, SOURCE

NUMBERS: Final = (
    "http.response.body.bytes",
    "http.response.status_code",
    ecs.RECORDS,
)
TEXTS: Final = (
    "event.action",
    "event.category",
    "event.dataset",
    "event.outcome",
    "http.request.method",
    "source.ip",
    "url.path",
    "url.query",
    "user_agent.original",
    ecs.USER,
    ecs.ROLES,
    ecs.TEAM,
    ecs.ACTOR_KIND,
    ecs.LEAVER,
    ecs.SESSION,
    ecs.SUBJECT,
    ecs.CATEGORY,
    ecs.SCOPE_VERDICT,
    ecs.SCOPE_TEMPLATE,
    ecs.REDACTED,
    "sentinel.environment",
    "sentinel.mfa",
    RETENTION,
    ID,
    SOURCE,
    REF,
    *(f"{LOGSOURCE}{part}" for part in ("category", "product", "service")),
)
COLUMNS: Final = frozenset({*TEXTS, *NUMBERS})

TIMESTAMP: Final = "@timestamp"
MICROS: Final = "store.time"  # microseconds since 1970, UTC: `date` holds milliseconds
OFFSET: Final = "store.offset"  # the spool offset at which the batch of the event ends
POSITION: Final = "store.position"  # place in its batch
CLASS: Final = "store.class"  # retention class
ODD: Final = "store.odd"  # a column does not hold what the event holds
BODY: Final = "store.body"

LONGEST: Final = 8_000
"""Bytes of a text in a column: Lucene refuses a term of more than 32,766."""
VERSION: Final = 1


def text_column(name: str) -> str:
    """Return where the texts of a column stand: numbers have theirs apart."""
    return f"store.text.{name}" if name in NUMBERS else name


def template(prefix: str) -> dict[str, Any]:
    """Return the arguments of ``indices.put_index_template``."""
    keyword = {"type": "keyword"}
    properties: dict[str, Any] = {
        **dict.fromkeys(TEXTS, keyword),
        **dict.fromkeys(map(text_column, NUMBERS), keyword),
        **{name: {"type": "long", "coerce": False} for name in NUMBERS},
        TIMESTAMP: {"type": "date"},
        MICROS: {"type": "long"},
        OFFSET: {"type": "long"},
        POSITION: {"type": "integer", "index": False},
        CLASS: keyword,
        ODD: {"type": "boolean"},
        BODY: {"type": "binary"},
    }
    return {
        "name": f"{prefix}-events",
        "index_patterns": [f"{prefix}-events-*"],
        "priority": 500,
        "version": VERSION,
        "template": {
            "settings": {
                "number_of_shards": 1,
                "auto_expand_replicas": "0-1",
                "refresh_interval": "30s",
                "codec": "best_compression",
                "translog.durability": "request",
            },
            "mappings": {
                "dynamic": "strict",
                "properties": properties,
                "_meta": {"written_by": "sentinel", "version": VERSION},
            },
        },
    }
