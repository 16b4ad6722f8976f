"""The schema: made once, migrated when told; and work that PostgreSQL undid, done again."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from case_targets import fresh_database, migrated  # noqa: F401
from sqlalchemy import make_url, text

from sentinel.clock import ManualClock
from sentinel.domain.outbox import Message
from sentinel.domain.scope import Fact
from sentinel.errors import ConfigError, StorageError, UsageError
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer
from sentinel.store.sql_engine import open_engine, server_args
from sentinel.store.sql_schema import OLDEST, look, migrate

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SEALER = AesGcmSealer(bytes(32))


@pytest.fixture(params=["file", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """A database without a schema."""
    if request.param == "file":
        return tmp_path / "cases.sqlite"
    return fresh_database(request.getfixturevalue("postgres"))


@pytest.fixture
def server_store(request: pytest.FixtureRequest) -> Iterator[SqlCaseStore]:
    store = opened(fresh_database(request.getfixturevalue("migrated"), "migrated"))
    yield store
    store.close()


def opened(target: str | Path) -> SqlCaseStore:
    return SqlCaseStore.open(target, SEALER, ManualClock(NOW))


def migrated_to(target: str | Path, revision: str) -> None:
    engine = open_engine(target)
    migrate(engine, revision)
    engine.dispose()


def revision_of(target: str | Path) -> str:
    engine = open_engine(target)
    try:
        return look(engine).current
    finally:
        engine.dispose()


def work(store: SqlCaseStore) -> None:
    """Use what every version uses."""
    with store.begin() as tx:
        tx.journal.append(occurred_at=NOW, actor="a", action="x", object_id="o", payload={"n": 1})
        tx.incidents.next_reference(2026)
        tx.outbox.enqueue(a_message("k"))
        tx.facts.put_many([a_fact("t-1")])
        tx.state.put("s", b"1")
    with store.begin() as tx:
        assert tx.outbox.claim(NOW)[0].key == "k"
        assert [tx.journal.opened(line) for line in tx.journal.lines()] == [{"n": 1}]


def a_message(key: str) -> Message:
    return Message(
        id=f"m-{key}"[:64],
        key=key,
        channel="email",
        kind="alert",
        context={},
        created_at=NOW,
        next_attempt_at=NOW,
    )


def a_fact(fact_id: str) -> Fact:
    return Fact(kind="ticket", id=fact_id, subject="sub_1", recorded_at=NOW, valid_from=NOW)


def test_a_new_database_has_the_newest_schema_at_once(empty: str | Path) -> None:
    store = opened(empty)
    assert store.schema is not None
    assert store.schema.current == store.schema.newest
    assert store.schema.missing == ()
    work(store)
    store.close()


def test_this_code_works_on_the_schema_before_and_leaves_it(empty: str | Path) -> None:
    migrated_to(empty, OLDEST)
    store = opened(empty)
    assert store.schema is not None
    assert store.schema.current == OLDEST
    assert store.schema.missing
    work(store)
    store.close()
    assert revision_of(empty) == OLDEST
    migrated_to(empty, "")
    again = opened(empty)
    with again.begin() as tx:
        assert len(tx.journal.lines()) == 1
    again.close()


def test_a_schema_that_is_too_old_is_refused_with_what_to_do(empty: str | Path) -> None:
    migrated_to(empty, "0001")
    with pytest.raises(StorageError, match="schema 0001") as caught:
        opened(empty)
    assert "sentinel migrate" in caught.value.hint
    assert revision_of(empty) == "0001"


def test_a_database_newer_than_the_code_is_refused(empty: str | Path) -> None:
    migrated_to(empty, "")
    engine = open_engine(empty)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (lambda: opened(empty), lambda: look(engine), lambda: migrate(engine)):
        with pytest.raises(StorageError, match="9999") as caught:
            refused()
        assert "newer version" in caught.value.hint
    engine.dispose()


def test_a_migration_says_what_it_did_and_does_not_go_back(empty: str | Path) -> None:
    engine = open_engine(empty)
    before, after = migrate(engine, "0002")
    assert (before.current, after.current) == ("", "0002")
    before, after = migrate(engine)
    assert [step.revision for step in before.missing][:2] == ["0003", "0004"]
    assert all(step.does for step in before.missing)
    assert after.missing == ()
    assert migrate(engine) == (after, after)
    with pytest.raises(UsageError, match="does not go back"):
        migrate(engine, "0001")
    with pytest.raises(UsageError, match="no revision"):
        migrate(engine, "zzzz")
    engine.dispose()


def test_a_migration_that_fails_leaves_everything_as_it_was(
    empty: str | Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated_to(empty, "0001")
    engine = open_engine(empty)
    with engine.begin() as connection:  # in the way of the second of two migrations
        connection.execute(text("CREATE TABLE dead_letters (id INTEGER)"))
    with pytest.raises(Exception, match="dead_letters"):
        migrate(engine)
    assert look(engine).current == "0001"
    with engine.begin() as connection, pytest.raises(Exception, match="case_records"):
        connection.execute(text("SELECT 1 FROM case_records"))
    engine.dispose()


def test_two_processes_that_migrate_at_once_both_succeed(empty: str | Path) -> None:
    migrated_to(empty, "0001")
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    ends = spawn.Queue()
    both = [spawn.Process(target=_migrate, args=(str(empty), start, ends)) for _ in range(2)]
    for one in both:
        one.start()
    told = sorted(ends.get(timeout=60) for _ in both)
    for one in both:
        one.join()
    newest = revision_of(empty)
    assert told == [("0001", newest), (newest, newest)]


def _migrate(target, start, ends) -> None:
    engine = open_engine(target)
    start.wait()
    before, after = migrate(engine)
    ends.put((before.current, after.current))


def test_what_is_undone_for_no_fault_is_run_again(server_store: SqlCaseStore) -> None:
    tries = []

    def body(tx: object) -> int:
        tries.append(tx)
        server_store_connection(tx).execute(text("INSERT INTO counters VALUES ('n', 1)"))
        if len(tries) < 3:  # what PostgreSQL says of a deadlock, by its own hand
            raise_in_database(tx, "40P01")
        return len(tries)

    assert server_store.run(body) == 3
    with server_store.begin() as tx:
        assert server_store_connection(tx).scalar(text("SELECT count(*) FROM counters")) == 1


def test_an_error_that_would_come_again_is_not_repeated(server_store: SqlCaseStore) -> None:
    tries = []

    def body(tx: object) -> None:
        tries.append(tx)
        raise_in_database(tx, "22012")

    with pytest.raises(StorageError):
        server_store.run(body)
    assert len(tries) == 1


def test_a_connection_that_breaks_before_the_commit_is_repeated(
    server_store: SqlCaseStore,
) -> None:
    tries = []

    def body(tx: object) -> None:
        tries.append(tx)
        connection = server_store_connection(tx)
        if len(tries) == 1:
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            other = open_engine(str(server_store._engine.url.render_as_string(False)))
            with other.connect() as killer:  # no `begin`: the lock is not ours to wait for
                driver = killer.connection.driver_connection
                driver.execute("SELECT pg_terminate_backend(%s)", [pid])
                driver.commit()
            other.dispose()
        connection.execute(text("INSERT INTO counters VALUES ('once', 1)"))

    server_store.run(body)
    assert len(tries) == 2
    with server_store.begin() as tx:
        assert server_store_connection(tx).scalar(text("SELECT count(*) FROM counters")) == 1


def test_a_server_that_was_restarted_is_met_again(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("migrated")
    store = opened(fresh_database(server, "migrated"))
    work(store)
    server.kill()
    with pytest.raises(StorageError), store.begin() as tx:
        tx.state.get("s")
    server.start()
    with store.begin() as tx:
        assert tx.state.get("s") == b"1"
    store.close()


def test_a_transaction_reads_what_was_committed_while_it_waited(server_store: SqlCaseStore) -> None:
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with server_store.begin() as tx:
            tx.state.put("n", b"%d" % (int(tx.state.get("n") or b"0") + 1))

    thread = threading.Thread(target=second)
    thread.start()
    with server_store.begin() as tx:
        inside.set()
        thread.join(0.3)
        assert thread.is_alive()
        tx.state.put("n", b"41")
    thread.join()
    with server_store.begin() as tx:
        assert tx.state.get("n") == b"42"


@pytest.mark.parametrize("odd", ["x" * 5000, "a\0b", "\ue000", "\ue0000", "é\n'\"", "%s :x"])
def test_any_text_is_a_key(empty: str | Path, odd: str) -> None:
    store = opened(empty)
    with store.begin() as tx:
        tx.facts.put_many([a_fact(odd), a_fact(odd + "2")])
        tx.outbox.enqueue(a_message(odd))
        tx.outbox.mark_failed(f"m-{odd}"[:64], error=odd)
    with store.begin() as tx:
        assert [fact.id for fact in tx.facts.all()] == [odd, odd + "2"]
        assert tx.outbox.find()[0].last_error == odd
        assert tx.outbox.find()[0].key == odd
        assert not tx.outbox.enqueue(a_message(odd))
    store.close()


def test_texts_are_sorted_alike_everywhere(empty: str | Path) -> None:
    names = ["b", "A", "a", "B", "_", "é", "Z", "ab", "a-b", "a b"]
    store = opened(empty)
    with store.begin() as tx:
        tx.facts.put_many([a_fact(name) for name in names])
    with store.begin() as tx:
        assert [fact.id for fact in tx.facts.all()] == sorted(names)
    store.close()


def test_a_message_of_the_database_quotes_no_value(server_store: SqlCaseStore) -> None:
    from sentinel.errors import Conflict

    with server_store.begin() as tx:
        tx.api.remember("secret-value", {}, NOW)
    with pytest.raises(Conflict) as caught, server_store.begin() as tx:
        tx.api.remember("secret-value", {}, NOW + timedelta(1))
    assert "secret-value" not in str(caught.value)


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ConfigError, match="mysql") as caught:
        open_engine("mysql://user@127.0.0.1/x")
    assert "postgresql://" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "mode"),
    [
        ("postgresql://u@db.example.org/x", "verify-full"),
        ("postgresql://u@192.0.2.7/x", "verify-full"),
        ("postgresql:///x?host=db.example.org", "verify-full"),
        ("postgresql://u@127.0.0.1/x", None),
        ("postgresql://u@localhost/x", None),
        ("postgresql://u@[::1]/x", None),
        ("postgresql:///x?host=/run/postgresql", None),
        ("postgresql:///x", None),
    ],
)
def test_a_server_elsewhere_needs_tls_1_3_that_names_it(address: str, mode: str | None) -> None:
    args = server_args(make_url(address))
    assert args.get("sslmode") == mode
    assert ("ssl_min_protocol_version" in args) == (mode is not None)


def test_what_the_address_says_of_tls_stands() -> None:
    args = server_args(make_url("postgresql://u@db.example.org/x?sslmode=verify-ca"))
    assert "sslmode" not in args


def server_store_connection(tx: object):
    return tx.state._connection  # type: ignore[attr-defined]


def raise_in_database(tx: object, sqlstate: str) -> None:
    server_store_connection(tx).execute(
        text(f"DO $$ BEGIN RAISE EXCEPTION 'asked for' USING ERRCODE = '{sqlstate}'; END $$")
    )
