"""What the embedded store is measured against. Each loads the same events, answers the same way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from material import FIRST

from sentinel.domain.event import Event
from sentinel.domain.hunt import All, Groups, Hunt, Op, Test
from sentinel.store.ports import EventStore

Answer = Any
NAMES = ("time", "id", "ip", "user", "agent", "status", "path", "query", "subject")
ERRORS_FROM = FIRST + timedelta(days=20)
ERRORS_TO = FIRST + timedelta(days=27)
DAY_FROM, DAY_TO = FIRST + timedelta(days=12), FIRST + timedelta(days=13)
SUBSTRING, PATH = "q=77", "/account/lines/3"


class Peer(Protocol):
    """Something that stores events and answers."""

    name: str
    note: str

    def load(self, batches: Iterator[list[Event]]) -> None:
        """Store everything, ready to be asked."""

    def size(self) -> int:
        """Bytes on disk."""

    def ask(self, question: str, needle: str) -> Answer:
        """Answer one of `QUESTIONS`."""


QUESTIONS = (
    "needle: one IP, all time, last 100",
    "substring in the query string",
    "top 20 IPs with errors, 7 days",
    "per hour and status, 1 day",
    "rare user agents, all time",
    "distinct IPs per day on a path",
    "one event by id",
)


class OfPort:
    """Any `EventStore`."""

    def __init__(
        self, name: str, note: str, store: EventStore, size: Callable[[], int],
        settle: Callable[[], object] = lambda: None,
    ) -> None:  # fmt: skip
        self.name, self.note, self.store, self.size = name, note, store, size
        self._settle = settle

    def load(self, batches: Iterator[list[Event]]) -> None:
        """Store everything, ready to be asked."""
        offset = -1
        for batch in batches:
            offset += len(batch)
            self.store.append(batch, last_offset=offset)
        self._settle()

    def ask(self, question: str, needle: str) -> Answer:
        """Answer one of `QUESTIONS`."""
        return _PORT[QUESTIONS.index(question)](self.store, needle)


def _test(field: str, value: str | int, op: Op = Op.IS) -> Test:
    return Test(field=field, op=op, value=value)


def _counts(store: EventStore, hunt: Hunt, groups: Groups) -> Answer:
    return [(*group.key, group.count) for group in store.aggregate(hunt, groups)]


_IP, _STATUS = "source.ip", "http.response.status_code"
_PORT: list[Callable[[EventStore, str], Answer]] = [
    lambda store, ip: [
        event.id for event in store.hunt(Hunt(where=_test(_IP, ip), newest_first=True, limit=100))
    ],
    lambda store, _: _counts(
        store, Hunt(where=_test("url.query", SUBSTRING, Op.CONTAINS)), Groups(by=())
    ),
    lambda store, _: _counts(
        store,
        Hunt(where=_test(_STATUS, 400, Op.GTE), since=ERRORS_FROM, until=ERRORS_TO),
        Groups(by=(_IP,)),
    ),
    lambda store, _: _counts(
        store,
        Hunt(where=All(), since=DAY_FROM, until=DAY_TO),
        Groups(by=("@hour", _STATUS), order="key", top=1000),
    ),
    lambda store, _: _counts(store, Hunt(), Groups(by=("user_agent.original",), order="fewest")),
    lambda store, _: _counts(
        store,
        Hunt(where=_test("url.path", PATH)),
        Groups(by=("@day",), distinct=_IP, order="key", top=1000),
    ),
    lambda store, event_id: getattr(store.get(event_id), "id", None),
]


def row(event: Event) -> tuple[Any, ...]:
    """Return what the peers without bodies keep of an event."""
    get = event.fields.get
    return (
        round((event.time - FIRST).total_seconds() * 1000), event.id, get("source.ip"),
        get("user.name"), get("user_agent.original"), get("http.response.status_code"),
        get("url.path"), get("url.query"), get("sentinel.subject", [None])[0],  # type: ignore[index]
    )  # fmt: skip


HOUR = "strftime('%Y-%m-%dT%H:00:00Z', {base} + {time})"
_MS = 1000


def _ms(instant: Any) -> int:
    return round((instant - FIRST).total_seconds() * _MS)


SQL = (
    "SELECT id FROM events WHERE ip = ? ORDER BY time DESC, id DESC LIMIT 100",
    f"SELECT count(*) FROM events WHERE query LIKE '%{SUBSTRING}%'",
    f"SELECT ip, count(*) FROM events WHERE status >= 400 AND time >= {_ms(ERRORS_FROM)} "
    f"AND time < {_ms(ERRORS_TO)} GROUP BY ip ORDER BY 2 DESC, 1 LIMIT 20",
    f"SELECT time // 3600000, status, count(*) FROM events WHERE time >= {_ms(DAY_FROM)} "
    f"AND time < {_ms(DAY_TO)} AND status IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT agent, count(*) FROM events GROUP BY agent ORDER BY 2, 1 LIMIT 20",
    f"SELECT time // 86400000, count(DISTINCT ip) FROM events WHERE path = '{PATH}' "
    "GROUP BY 1 ORDER BY 1",
    "SELECT id FROM events WHERE id = ?",
)


def shaped(question: int, rows: list[tuple[Any, ...]]) -> Answer:
    """Return the rows of `SQL` in the form in which the port answers."""
    if question == 0:
        return [one[0] for one in rows]
    if question in (3, 5):
        width = timedelta(hours=1) if question == 3 else timedelta(days=1)
        return [
            ((FIRST + one[0] * width).strftime("%Y-%m-%dT%H:%M:%SZ"), *map(str, one[1:-1]), one[-1])
            for one in rows
        ]
    if question == 6:
        return rows[0][0] if rows else None
    return [tuple(one) for one in rows]


class Sqlite:
    """SQLite: nine columns, no bodies, indexes on id, time, address and user."""

    name = "sqlite"
    note = f"SQLite {sqlite3.sqlite_version}, nine columns, no bodies, 4 indexes, in clear"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "events.sqlite"
        self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA cache_size = -262144")
        self._db.execute("PRAGMA mmap_size = 8589934592")
        self._db.execute(f"CREATE TABLE IF NOT EXISTS events ({', '.join(NAMES)})")

    def load(self, batches: Iterator[list[Event]]) -> None:
        """Store everything, ready to be asked."""
        marks = ", ".join("?" * len(NAMES))
        for batch in batches:
            self._db.execute("BEGIN")
            self._db.executemany(f"INSERT INTO events VALUES ({marks})", map(row, batch))
            self._db.execute("COMMIT")
        # After loading: much kinder to SQLite than an index that grows with each batch.
        self._db.execute("CREATE UNIQUE INDEX by_id ON events (id)")
        for columns in ("time", "ip, time", "user, time"):
            self._db.execute(f"CREATE INDEX by_{columns[:2]} ON events ({columns})")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.execute("ANALYZE")

    def size(self) -> int:
        """Bytes on disk."""
        return self._path.stat().st_size

    def ask(self, question: str, needle: str) -> Answer:
        """Answer one of `QUESTIONS`."""
        number = QUESTIONS.index(question)
        sql = SQL[number].replace("//", "/")
        return shaped(number, self._db.execute(sql, (needle,) if "?" in sql else ()).fetchall())


class DuckParquet:
    """DuckDB over Parquet in clear, a file a day, sorted by time: the columns of `Sqlite`."""

    name = "duckdb-parquet"

    def __init__(self, folder: Path) -> None:
        import duckdb

        self._folder = folder / "parquet"
        self._folder.mkdir(exist_ok=True)
        self._db = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
        self._db.execute("SET temp_directory = ''")
        self.note = f"DuckDB {duckdb.__version__} on Parquet, nine columns, no bodies, in clear"

    def load(self, batches: Iterator[list[Event]]) -> None:
        """Store everything, ready to be asked."""
        rows: list[tuple[Any, ...]] = []
        day = 0
        for batch in batches:
            for one in map(row, batch):
                if one[0] // 86_400_000 != day:
                    self._write(day, rows)
                    rows, day = [], one[0] // 86_400_000
                rows.append(one)
        self._write(day, rows)

    def _write(self, day: int, rows: list[tuple[Any, ...]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table(dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True)))
        pq.write_table(table, self._folder / f"{day:02}.parquet", compression="zstd")

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    def ask(self, question: str, needle: str) -> Answer:
        """Answer one of `QUESTIONS`."""
        number = QUESTIONS.index(question)
        sql = SQL[number].replace("FROM events", f"FROM read_parquet('{self._folder}/*.parquet')")
        return shaped(number, self._db.execute(sql, [needle] if "?" in sql else []).fetchall())
