"""The subject directory: from file, database and endpoint; versions, audience, two people."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from sentinel.app.directory import (
    audience,
    audience_csv,
    entries_of,
    import_entries,
    journal_missing,
    open_entries,
)
from sentinel.app.parts import make_pseudonymiser
from sentinel.collect.directory_source import csv_rows, http_rows
from sentinel.config import Settings
from sentinel.domain.affected import Affected
from sentinel.domain.directory import DirectoryEntry, Reach
from sentinel.domain.incident import Actor, Incident, Role
from sentinel.errors import Refused, StorageError, UnreadableFile, UnusableRow, UsageError
from sentinel.respond.directory_rows import read_entries, read_mapping
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.directory import SubjectDirectory
from sentinel.store.seal import AesGcmSealer
from sentinel.store.sql_query import read_rows

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEALER = AesGcmSealer(bytes(range(32)))
DPO = Actor("dpo", frozenset({Role.DPO}))
LEGAL = Actor("legal", frozenset({Role.LEGAL}))
ANALYST = Actor("ana", frozenset({Role.ANALYST}))
WHY = "The letter of this case goes to the post by hand."
CUSTOMERS = (
    "id,name,email,address,language,closed\n"
    'C00001,Léa Sample,lea@example.org,"1 rue du Test\n75000 Exemple",fr,0\n'
    "C00002,Tom Sample,,2 High Street,en,0\n"
    "C00003,Zoé Sample,zoe@example.org,,fr,2026-01-15\n"
    "C00004,Nil Sample,,,,no\n"
)


class At:
    def now(self) -> datetime:
        return NOW

    async def sleep_until(self, instant: datetime) -> None:
        raise AssertionError(instant)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {"data_dir": tmp_path / "var", "keys": {"master": bytes(range(32)).hex()}}
    )


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SubjectDirectory]:
    made = SubjectDirectory(tmp_path / "directory.sqlite", SEALER)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlCaseStore]:
    made = SqlCaseStore.open(tmp_path / "cases.sqlite", SEALER, At())
    yield made
    made.close()


def sub(settings: Settings, identity: str) -> str:
    return make_pseudonymiser(settings).pseudonym("sub", identity)


def entries(settings: Settings, folder: Path, text: str = CUSTOMERS) -> list[DirectoryEntry]:
    path = folder / "customers.csv"
    path.write_text(text, encoding="utf-8")
    return list(entries_of(settings, csv_rows(path), read_mapping([])))


def a_case(*subjects: str) -> Incident:
    return Incident(
        id="i1",
        reference="INC-2026-0001",
        title="t",
        kind="bulk_export",
        created_at=NOW,
        created_by="dpo",
        affected=Affected(subjects=subjects, sha256="ab" * 32),
    )


def test_an_audience_lists_who_is_reached_how(
    settings: Settings, tmp_path: Path, directory: SubjectDirectory, store: SqlCaseStore
) -> None:
    identities = ["C00001", "C00002", "C00003", "C00004", "C99999"]
    case = a_case(*sorted(sub(settings, one) for one in identities))
    with store.begin() as tx:
        made = import_entries(
            tx,
            directory,
            entries(settings, tmp_path),
            source="csv:customers.csv",
            by=DPO,
            at=NOW,
            whole=True,
        )
        found = audience(tx, directory, case, by=DPO, at=NOW)
        lines = [(line.action, tx.journal.opened(line)) for line in tx.journal.lines()]
    assert (made.version, made.entries, made.added, made.gone) == (1, 4, 4, 0)
    by_name = {row.pseudonym: (row.reach, row.language) for row in found.rows}
    assert [by_name[sub(settings, one)] for one in identities] == [
        (Reach.EMAIL, "fr"),
        (Reach.POST, "en"),
        (Reach.CLOSED, "fr"),
        (Reach.NO_ADDRESS, ""),
        (Reach.NOT_FOUND, ""),
    ]
    assert found.counts() == {
        "email": 1,
        "post": 1,
        "closed": 1,
        "not_found": 1,
        "no_address": 1,
    }
    assert [action for action, _ in lines] == ["directory.imported", "directory.audience"]
    told = audience_csv(found).decode() + repr(lines)
    for clear in ("Sample", "example.org", "C0000", "High Street"):
        assert clear not in told


def test_nothing_personal_lies_in_the_file(
    settings: Settings, tmp_path: Path, directory: SubjectDirectory
) -> None:
    directory.take(entries(settings, tmp_path), at=NOW, by="dpo", source="csv")
    directory.close()
    written = b"".join(one.read_bytes() for one in tmp_path.glob("directory.sqlite*"))
    for clear in (b"Sample", b"example.org", b"C00001", b"High Street", b"rue du Test"):
        assert clear not in written


def test_versions_are_kept_and_only_changes_are_written(
    settings: Settings, tmp_path: Path, directory: SubjectDirectory
) -> None:
    directory.take(entries(settings, tmp_path), at=NOW, by="dpo", source="csv")
    later = NOW + timedelta(days=1)
    moved = CUSTOMERS.replace("2 High Street", "9 Low Street").replace(
        "C00001,Léa Sample,lea@example.org", "C00005,New Sample,new@example.org"
    )
    second = directory.take(entries(settings, tmp_path, moved), at=later, by="dpo", source="csv")
    assert (second.version, second.added, second.changed, second.gone) == (2, 1, 1, 1)
    tom, lea = sub(settings, "C00002"), sub(settings, "C00001")
    assert directory.opened([tom])[tom].address == "9 Low Street"
    assert directory.opened([tom], at=NOW)[tom].address == "2 High Street"
    assert directory.history(tom) == [(1, NOW), (2, later)]
    gone = directory.opened([lea])[lea]
    assert (gone.closed, gone.name) == (True, "Léa Sample")  # the post may still find her
    assert directory.listed([lea])[lea].closed
    third = directory.take(entries(settings, tmp_path, moved), at=later, by="dpo", source="csv")
    assert (third.added, third.changed, third.gone) == (0, 0, 0)
    assert [one.version for one in directory.versions()] == [1, 2, 3]
    back = directory.take(entries(settings, tmp_path), at=later, by="dpo", source="csv")
    assert not directory.listed([lea])[lea].closed
    assert (back.changed, back.gone) == (2, 1)


def test_a_partial_import_closes_nobody(
    settings: Settings, tmp_path: Path, directory: SubjectDirectory
) -> None:
    directory.take(entries(settings, tmp_path), at=NOW, by="dpo", source="csv")
    one = "id,name\nC00001,Léa Other\n"
    made = directory.take(
        entries(settings, tmp_path, one), at=NOW, by="dpo", source="csv", whole=False
    )
    assert (made.changed, made.gone) == (1, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,name\nC1,a\nC1,b\n", "3: the same identifier stands twice"),
        ("id,email\nC1,not-an-address\n", "2: email is no e-mail address"),
        ("id,closed\nC1,perhaps\n", "2: closed is neither yes nor no"),
        ("id,name\n,a\n", "2: the identifier is empty"),
        ("customer,name\nC1,a\n", "2: there is no column id"),
        ("id,name\nC1\n", "2: 1 cells where 2 are due"),
        ("id,id\nC1,C1\n", "1: the header"),
    ],
)
def test_a_wrong_row_leaves_the_version_before_in_force(
    settings: Settings, tmp_path: Path, directory: SubjectDirectory, text: str, said: str
) -> None:
    directory.take(entries(settings, tmp_path), at=NOW, by="dpo", source="csv")
    path = tmp_path / "wrong.csv"
    path.write_text(text, encoding="utf-8")
    rows = entries_of(settings, csv_rows(path), read_mapping([]))
    with pytest.raises(UnusableRow) as caught:
        directory.take(rows, at=NOW, by="dpo", source="csv")
    place, what = said.split(": ")
    assert f"wrong.csv:{place}: " in str(caught.value)
    assert what in str(caught.value)
    assert "perhaps" not in str(caught.value)
    assert [one.version for one in directory.versions()] == [1]
    assert len(directory.listed([sub(settings, "C00001")])) == 1


def test_columns_may_be_called_anything(settings: Settings) -> None:
    mapping = read_mapping(["id=no", "name=first+last", "address=street+zip", "closed=ended"])
    cells = {"no": "7", "first": "A", "last": "B", "street": "S", "zip": "Z", "ended": None}
    (entry,) = read_entries([("x:2", cells)], mapping, lambda value: f"sub_{value}")
    assert (entry.pseudonym, entry.name, entry.address) == ("sub_7", "A B", "S\nZ")
    with pytest.raises(UsageError):
        read_mapping(["nothing"])
    with pytest.raises(UsageError):
        read_mapping(["phone=tel"])  # promise R-07: no telephone numbers


def test_from_a_database(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "crm.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table customer (no text, mail text)")
        connection.execute("insert into customer values ('C00001', 'lea@example.org')")
    rows = read_rows(f"sqlite:///{path}", "select no as id, mail as email from customer")
    (entry,) = read_entries((("row", row) for row in rows), read_mapping([]), lambda one: one)
    assert (entry.pseudonym, entry.email) == ("C00001", "lea@example.org")
    with pytest.raises(StorageError):
        list(read_rows(f"sqlite:///{path}", "select nothing"))
    list(read_rows(f"sqlite:///{path}", "delete from customer where no = 'C1' returning no"))
    with pytest.raises(StorageError, match="driver"):
        list(read_rows("nosuch://host/db", "select 1"))


def test_a_query_is_read_to_its_last_row() -> None:
    """No bound: rows beyond one would be lost without a word."""
    counted = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 250000)"
    rows = read_rows(
        "sqlite://", f"{counted} select i from n where i > cast(:since as int)", since="10"
    )
    assert sum(1 for _ in rows) == 249_990


class Endpoint(BaseHTTPRequestHandler):
    """Two pages of customers, for who knows the token."""

    pages: ClassVar[dict[str, Any]] = {
        "/c": {"items": [{"id": "C00001", "email": "lea@example.org"}], "next": "/c?page=2"},
        "/c?page=2": {"items": [{"id": "C00002"}]},
        "/array": [{"id": "C00001"}],
        "/elsewhere": {"items": [], "next": "https://evil.example.net/x"},
        "/circle": {"items": [], "next": "/circle"},
        "/odd": {"rows": []},
    }

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != "Bearer t0ken":
            self.send_error(401)
            return
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/array")
            self.end_headers()
            return
        body = json.dumps(self.pages[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_from_an_endpoint(endpoint: str) -> None:
    asked: list[str] = []
    rows = list(http_rows(f"{endpoint}/c", token="t0ken", allowed=asked.append))
    assert [row["id"] for _, row in rows] == ["C00001", "C00002"]
    assert asked == ["127.0.0.1", "127.0.0.1"]
    assert len(list(http_rows(f"{endpoint}/array", token="t0ken", allowed=asked.append))) == 1


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/elsewhere", UnusableRow),
        ("/circle", UnusableRow),
        ("/odd", UnusableRow),
        ("/redirect", UnreadableFile),
    ],
)
def test_an_odd_endpoint_is_refused(endpoint: str, path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(http_rows(f"{endpoint}{path}", token="t0ken", allowed=lambda _host: None))
    with pytest.raises(UnreadableFile, match="401"):
        list(http_rows(f"{endpoint}/c", token="wrong", allowed=lambda _host: None))


@pytest.mark.parametrize("url", ["ftp://example.org/x", "http://example.org/x", "https://", "x"])
def test_only_tls_or_this_machine(url: str) -> None:
    with pytest.raises(UsageError):
        list(http_rows(url, allowed=lambda _host: None))


def test_two_people_open_persons_of_the_case_and_no_others(
    settings: Settings, tmp_path: Path, directory: SubjectDirectory, store: SqlCaseStore
) -> None:
    directory.take(entries(settings, tmp_path), at=NOW, by="dpo", source="csv")
    tom = sub(settings, "C00002")
    case = a_case(tom)

    def opened(by: Actor = DPO, second: Actor = LEGAL, reason: str = WHY, who: str = tom) -> Any:
        with store.begin() as tx:
            return open_entries(
                tx,
                directory,
                [who],
                by=by,
                approved_by=second,
                incident=case,
                reason=reason,
                at=NOW,
            )

    for wrong in (
        {"by": ANALYST},
        {"second": DPO},
        {"second": ANALYST},
        {"reason": "because"},
        {"who": sub(settings, "C00001")},
    ):
        with pytest.raises(Refused):
            opened(**wrong)
    assert opened()[tom].address == "2 High Street"
    with store.begin() as tx:
        (line,) = tx.journal.lines(object_id=case.id)
        payload: Any = tx.journal.opened(line)
    assert (line.action, line.actor, payload["approved_by"]) == ("directory.opened", "dpo", "legal")
    assert "High Street" not in repr(payload)


def test_nothing_is_listed_or_imported_without_right_or_frozen_set(
    directory: SubjectDirectory, store: SqlCaseStore
) -> None:
    with store.begin() as tx:
        with pytest.raises(Refused, match="dpo"):
            import_entries(tx, directory, [], source="csv", by=ANALYST, at=NOW, whole=True)
        with pytest.raises(Refused):
            audience(tx, directory, a_case(), by=ANALYST, at=NOW)
        unfrozen = a_case()
        unfrozen.affected = None
        with pytest.raises(Refused, match="not frozen"):
            audience(tx, directory, unfrozen, by=DPO, at=NOW)


def test_an_import_whose_journal_line_was_lost_is_journalled_later(
    settings: Settings, tmp_path: Path, directory: SubjectDirectory, store: SqlCaseStore
) -> None:
    made = entries(settings, tmp_path)

    def dying() -> None:
        with store.begin() as tx:
            import_entries(tx, directory, made, source="csv:c", by=DPO, at=NOW, whole=True)
            raise RuntimeError

    with pytest.raises(RuntimeError):  # before the commit
        dying()
    with store.begin() as tx:
        assert tx.journal.lines(object_id="directory") == []
        assert journal_missing(tx, directory) == 1
        assert journal_missing(tx, directory) == 0
        (line,) = tx.journal.lines(object_id="directory")
        told = tx.journal.opened(line)
    assert isinstance(told, dict)
    assert (line.actor, line.occurred_at) == ("dpo", NOW)
    assert (told["version"], told["entries"], told["recovered"]) == (1, len(made), True)
    changed = entries(settings, tmp_path, CUSTOMERS.replace("Tom", "Tim"))
    with store.begin() as tx:
        import_entries(tx, directory, changed, source="csv:c", by=DPO, at=NOW, whole=True)
        lines = [tx.journal.opened(one) for one in tx.journal.lines(object_id="directory")]
    assert [one["version"] for one in lines if isinstance(one, dict)] == [1, 2]
