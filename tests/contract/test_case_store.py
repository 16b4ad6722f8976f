"""Every case store keeps these promises: in memory, in a file, in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from case_targets import TARGETS, migrated, target_of  # noqa: F401
from sqlalchemy import text

from sentinel.clock import ManualClock
from sentinel.domain.account import Account, WebSession
from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.deadline import Deadline
from sentinel.domain.finding import Finding, Level, RuleInfo
from sentinel.domain.incident import Document, Incident, Legal, Role
from sentinel.domain.journal import verify
from sentinel.domain.outbox import Message, OutboxState
from sentinel.domain.reason import Reason
from sentinel.domain.scope import Fact
from sentinel.errors import Conflict, NotFound, StorageError
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.sql_engine import open_engine
from sentinel.store.tables import METADATA

NOW = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
RULE = RuleInfo(id="r1", slug="staff_access", title="Staff access", level=Level.HIGH)


class XorSealer:
    """Hides the clear text and binds the context, which is all that the store may rely on."""

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        return bytes(byte ^ 0x5A for byte in context.encode() + b"\0" + plaintext)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        found, _, plaintext = bytes(byte ^ 0x5A for byte in sealed).partition(b"\0")
        if found != context.encode():
            raise StorageError("sealed for another row")
        return plaintext


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(params=TARGETS)
def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> Iterator[SqlCaseStore]:
    opened = SqlCaseStore.open(target_of(request, tmp_path), XorSealer(), clock)
    yield opened
    opened.close()


def an_alert(alert_id: str = "a1", *, minutes: int = 0, **changes: object) -> Alert:
    values: dict[str, object] = {
        "id": alert_id,
        "fingerprint": "f1",
        "rule": RULE,
        "actor": "usr_a",
        "subjects": ("sub_1",),
        "categories": ("contact",),
        "first": NOW,
        "last": NOW + timedelta(minutes=minutes),
        "created_at": NOW,
        "count": 1,
        "event_count": 1,
        "events": ("e1",),
        "refs": ("log#1",),
        "reasons": (Reason("scope.leaver", {"date": "2026-03-31"}),),
        "score": 0.25,
    }
    return Alert(**(values | changes))  # type: ignore[arg-type]


def a_finding(finding_id: str = "n1") -> Finding:
    return Finding(
        id=finding_id,
        rule=RULE,
        time=NOW,
        actor="usr_a",
        subjects=("sub_1",),
        events=("e1",),
        refs=("log#1",),
        event_count=1,
        reasons=(),
    )


def an_incident(incident_id: str = "i1", reference: str = "INC-2026-0001", **changes: object):
    values: dict[str, object] = {
        "id": incident_id,
        "reference": reference,
        "title": "Export of the customer list",
        "kind": "bulk_export",
        "created_at": NOW,
        "created_by": "acc-1",
        "answers": {"n.type": "initial", "p.count": {"unknown": {"owner": "dpo", "due": "x"}}},
        "aware_at": NOW,
    }
    return Incident(**(values | changes))  # type: ignore[arg-type]


def a_deadline(deadline_id: str = "d1", **changes: object) -> Deadline:
    values: dict[str, object] = {
        "id": deadline_id,
        "incident_id": "i1",
        "obligation": "CNIL-72",
        "basis": "GDPR art. 33(1)",
        "anchor_at": NOW,
        "due_at": NOW + timedelta(hours=72),
        "alarms": (NOW + timedelta(hours=24), NOW + timedelta(hours=36)),
        "repeat_seconds": 900,
    }
    return Deadline(**(values | changes))  # type: ignore[arg-type]


def a_message(key: str = "alert:a1:email", **changes: object) -> Message:
    values: dict[str, object] = {
        "id": f"m-{key}",
        "key": key,
        "channel": "email",
        "kind": "alert",
        "context": {"alert": "a1", "level": "high", "subjects": 3, "titles": {"fr": "Accès"}},
        "created_at": NOW,
        "next_attempt_at": NOW,
    }
    return Message(**(values | changes))  # type: ignore[arg-type]


def test_an_alert_comes_back_as_it_was_put(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.alerts.put(an_alert())
    with store.begin() as tx:
        assert tx.alerts.get("a1") == an_alert()


def test_an_unknown_record_is_not_found(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        for get in (tx.alerts.get, tx.incidents.get, tx.incidents.get_document):
            with pytest.raises(NotFound):
                get("nowhere")
        with pytest.raises(NotFound):
            tx.outbox.mark_failed("nowhere", error="x")


@pytest.mark.parametrize("version", [1, 3])
def test_an_alert_that_somebody_else_changed_is_a_conflict(
    store: SqlCaseStore, version: int
) -> None:
    with store.begin() as tx:
        tx.alerts.put(an_alert())
    with pytest.raises(Conflict), store.begin() as tx:
        tx.alerts.put(an_alert(version=version))
    with store.begin() as tx:
        tx.alerts.put(an_alert(version=2, state=AlertState.ACKNOWLEDGED))
        assert tx.alerts.get("a1").state is AlertState.ACKNOWLEDGED


def test_a_finding_is_known_once_it_was_folded(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.alerts.put(an_alert())
        assert not tx.alerts.has_finding("n1")
        assert tx.alerts.add_finding(a_finding(), "a1") is True
    with store.begin() as tx:
        assert tx.alerts.has_finding("n1")
        assert tx.alerts.add_finding(a_finding(), "a1") is False


def test_a_finding_belongs_to_a_stored_alert(store: SqlCaseStore) -> None:
    with pytest.raises(Conflict), store.begin() as tx:
        tx.alerts.add_finding(a_finding(), "nowhere")


def test_the_newest_live_alert_of_a_fingerprint_is_found(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.alerts.put(an_alert("old", minutes=1))
        tx.alerts.put(an_alert("new", minutes=2, state=AlertState.ACKNOWLEDGED))
        tx.alerts.put(an_alert("gone", minutes=3, state=AlertState.DISMISSED))
        tx.alerts.put(an_alert("case", minutes=4, state=AlertState.PROMOTED))
        found = tx.alerts.open_with_fingerprint("f1")
        assert found is not None
        assert found.id == "new"
        assert tx.alerts.open_with_fingerprint("f2") is None


def test_a_live_alert_is_found_by_the_span_that_it_reaches_into(store: SqlCaseStore) -> None:
    hour = timedelta(hours=1)
    with store.begin() as tx:
        tx.alerts.put(an_alert("early", first=NOW, last=NOW + hour))
        tx.alerts.put(an_alert("late", first=NOW + 5 * hour, last=NOW + 6 * hour))

        def found(since: datetime, until: datetime) -> str | None:
            alert = tx.alerts.open_with_fingerprint("f1", since=since, until=until)
            return alert.id if alert else None

        assert found(NOW - hour, NOW) == "early"
        assert found(NOW + hour, NOW + 4 * hour) == "early"
        assert found(NOW + hour, NOW + 5 * hour) == "late"
        assert found(NOW + 2 * hour, NOW + 4 * hour) is None
        assert found(NOW + 7 * hour, NOW + 9 * hour) is None


def test_alerts_are_listed_newest_first_and_paged(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        for index in range(5):
            state = AlertState.OPEN if index % 2 else AlertState.PROMOTED
            case = "" if index % 2 else "i1"
            tx.alerts.put(an_alert(f"a{index}", minutes=index, state=state, incident_id=case))
        assert [alert.id for alert in tx.alerts.find()] == ["a4", "a3", "a2", "a1", "a0"]
        assert [alert.id for alert in tx.alerts.find(limit=2, offset=1)] == ["a3", "a2"]
        assert [alert.id for alert in tx.alerts.find(state=AlertState.OPEN)] == ["a3", "a1"]
        assert [alert.id for alert in tx.alerts.find(incident_id="i1")] == ["a4", "a2", "a0"]
        assert (tx.alerts.count(), tx.alerts.count(state=AlertState.OPEN)) == (5, 2)


def test_references_count_per_year_and_never_repeat(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        first = [tx.incidents.next_reference(2026) for _ in range(2)]
    with store.begin() as tx:
        later = [tx.incidents.next_reference(2026), tx.incidents.next_reference(2027)]
    assert first + later == ["INC-2026-0001", "INC-2026-0002", "INC-2026-0003", "INC-2027-0001"]


def test_an_incident_is_read_by_id_and_by_reference(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.incidents.put(an_incident())
    with store.begin() as tx:
        assert tx.incidents.get("i1") == tx.incidents.get("INC-2026-0001") == an_incident()


def test_incidents_are_listed_newest_first_and_closed_ones_left_out(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.incidents.put(an_incident("i1", "INC-2026-0001", legal=Legal.CLOSED))
        tx.incidents.put(an_incident("i2", "INC-2026-0002", created_at=NOW + timedelta(hours=1)))
        assert [case.id for case in tx.incidents.find()] == ["i2", "i1"]
        assert [case.id for case in tx.incidents.find(open_only=True)] == ["i2"]


def test_an_incident_that_somebody_else_changed_is_a_conflict(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.incidents.put(an_incident())
    with pytest.raises(Conflict), store.begin() as tx:
        tx.incidents.put(an_incident(version=3))


def test_deadlines_are_listed_soonest_first(store: SqlCaseStore) -> None:
    met = NOW + timedelta(hours=1)
    with store.begin() as tx:
        tx.incidents.put_deadline(a_deadline("late", due_at=NOW + timedelta(hours=99)))
        tx.incidents.put_deadline(a_deadline("soon"))
        tx.incidents.put_deadline(a_deadline("met", due_at=NOW, met_at=met))
        tx.incidents.put_deadline(a_deadline("other", incident_id="i2"))
        assert [row.id for row in tx.incidents.deadlines("i1")] == ["met", "soon", "late"]
        assert [row.id for row in tx.incidents.deadlines("i1", open_only=True)] == ["soon", "late"]
        assert len(tx.incidents.deadlines()) == 4
        assert tx.incidents.deadlines("i1")[0] == a_deadline("met", due_at=NOW, met_at=met)


def test_alarms_are_due_from_their_very_instant(store: SqlCaseStore) -> None:
    alarm = NOW + timedelta(hours=24)
    with store.begin() as tx:
        tx.incidents.put_deadline(a_deadline("d1"))
        tx.incidents.put_deadline(a_deadline("older", alarms=(NOW,)))
        tx.incidents.put_deadline(a_deadline("waived", alarms=(NOW,), waived_at=NOW))
        tx.incidents.put_deadline(a_deadline("silent", alarms=()))
        just_before = tx.incidents.alarms_due(alarm - timedelta(microseconds=1))
        assert [row.id for row in just_before] == ["older"]
        assert [row.id for row in tx.incidents.alarms_due(alarm)] == ["older", "d1"]


def test_documents_belong_to_a_case_and_are_listed_oldest_first(store: SqlCaseStore) -> None:
    def document(document_id: str, minutes: int, case: str = "i1") -> Document:
        return Document(
            id=document_id,
            incident_id=case,
            kind="dossier_initial",
            language="fr",
            media_type="application/pdf",
            path=f"documents/{document_id}.pdf",
            sha256="0" * 64,
            created_at=NOW + timedelta(minutes=minutes),
            created_by="acc-1",
        )

    with store.begin() as tx:
        tx.incidents.put(an_incident())
        tx.incidents.put_document(document("second", 2))
        tx.incidents.put_document(document("first", 1))
        assert [row.id for row in tx.incidents.documents("i1")] == ["first", "second"]
        assert tx.incidents.get_document("first") == document("first", 1)
    with pytest.raises(Conflict), store.begin() as tx:
        tx.incidents.put_document(document("lost", 1, "nowhere"))


def test_the_journal_chains_and_opens(store: SqlCaseStore, clock: ManualClock) -> None:
    with store.begin() as tx:
        for number in range(3):
            clock.advance(timedelta(seconds=1))
            tx.journal.append(
                occurred_at=NOW,
                actor="acc-1",
                action="test",
                object_id=f"o{number % 2}",
                payload={"number": number},
            )
    with store.begin() as tx:
        lines = tx.journal.lines()
        assert verify(lines) == []
        assert [line.seq for line in lines] == [1, 2, 3]
        assert lines[2].recorded_at == NOW + timedelta(seconds=3)
        assert [tx.journal.opened(line) for line in lines] == [{"number": n} for n in range(3)]
        assert [line.seq for line in tx.journal.lines(object_id="o0")] == [1, 3]
        assert [line.seq for line in tx.journal.lines(after=1, limit=1)] == [2]
        assert all(b"number" not in line.payload for line in lines)


def test_a_line_of_a_transaction_that_fails_is_no_line(store: SqlCaseStore) -> None:
    def append(tx) -> None:  # type: ignore[no-untyped-def]
        tx.journal.append(occurred_at=NOW, actor="x", action="y", object_id="z", payload={})

    def fail_half_way() -> None:
        with store.begin() as tx:
            append(tx)
            tx.alerts.put(an_alert())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with store.begin() as tx:
        append(tx)
        assert [line.seq for line in tx.journal.lines()] == [1]
        assert tx.alerts.count() == 0


def test_a_message_is_enqueued_once_per_key(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        assert tx.outbox.enqueue(a_message()) is True
        assert tx.outbox.enqueue(a_message(id="again", kind="other")) is False
        assert tx.outbox.find() == [a_message()]


def test_a_message_is_claimed_once_and_only_when_due(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.outbox.enqueue(a_message("now"))
        tx.outbox.enqueue(a_message("later", next_attempt_at=NOW + timedelta(seconds=1)))
        claimed = tx.outbox.claim(NOW)
        assert [(row.key, row.state, row.attempts) for row in claimed] == [
            ("now", OutboxState.SENDING, 1)
        ]
        assert tx.outbox.claim(NOW) == []
        assert [row.key for row in tx.outbox.claim(NOW + timedelta(seconds=1))] == ["later"]


def test_messages_are_claimed_oldest_first_and_no_more_than_asked(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        for number in (3, 1, 2):
            due = NOW + timedelta(seconds=number)
            tx.outbox.enqueue(a_message(str(number), next_attempt_at=due))
        late = NOW + timedelta(minutes=1)
        assert [row.key for row in tx.outbox.claim(late, limit=2)] == ["1", "2"]


def test_what_became_of_a_message_is_kept(store: SqlCaseStore) -> None:
    later = NOW + timedelta(minutes=5)
    with store.begin() as tx:
        for key in ("sent", "retry", "failed"):
            tx.outbox.enqueue(a_message(key))
        tx.outbox.claim(NOW)
        tx.outbox.mark_sent("m-sent", at=later, receipt="250 queued as 4F")
        tx.outbox.mark_retry("m-retry", next_attempt_at=later, error="450 busy")
        tx.outbox.mark_failed("m-failed", error="550 no such user")
    with store.begin() as tx:
        sent = tx.outbox.find(state=OutboxState.SENT)[0]
        assert (sent.sent_at, sent.receipt) == (later, "250 queued as 4F")
        assert tx.outbox.find(state=OutboxState.FAILED)[0].last_error == "550 no such user"
        assert tx.outbox.claim(later - timedelta(microseconds=1)) == []
        again = tx.outbox.claim(later)[0]
        assert (again.key, again.attempts, again.last_error) == ("retry", 2, "450 busy")


def test_a_message_whose_sender_died_is_given_back(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.outbox.enqueue(a_message())
        tx.outbox.claim(NOW)
        assert tx.outbox.release_stale(claimed_before=NOW) == 0
        assert tx.outbox.release_stale(claimed_before=NOW + timedelta(seconds=1)) == 1
        assert tx.outbox.claim(NOW)[0].attempts == 2


def test_facts_are_replaced_by_their_key(store: SqlCaseStore) -> None:
    ticket = Fact(kind="ticket", id="T1", subject="sub_1", actor="usr_a", valid_from=NOW)
    ended = Fact(
        kind="ticket", id="T1", subject="sub_1", actor="usr_a", valid_from=NOW, valid_to=NOW
    )
    other = Fact(kind="ticket", id="T1", subject="sub_1", actor="usr_b", valid_from=NOW)
    with store.begin() as tx:
        assert tx.facts.put_many([ticket, other]) == 2
        assert tx.facts.put_many([ticket, ended]) == 2
        assert tx.facts.put_many([]) == 0
    with store.begin() as tx:
        assert list(tx.facts.all()) == [ended, other]


def an_account(account_id: str, name: str) -> Account:
    return Account(
        id=account_id,
        name=name,
        display_name="Camille Example",
        roles=(Role.DPO, Role.ANALYST),
        language="fr",
        password_hash="$argon2id$...",
        totp_secret=b"\x00\x01sealed",
        created_at=NOW,
    )


def test_accounts_are_found_by_name_in_any_case(store: SqlCaseStore) -> None:
    camille = an_account("acc-1", "Camille")
    with store.begin() as tx:
        tx.accounts.put(camille)
        tx.accounts.put(an_account("acc-2", "basile"))
    with store.begin() as tx:
        assert tx.accounts.get("acc-1") == tx.accounts.by_name("cAMILLE") == camille
        assert tx.accounts.get("acc-3") is None
        assert tx.accounts.by_name("nobody") is None
        assert [account.name for account in tx.accounts.all()] == ["basile", "Camille"]
        camille.last_totp_step = 7
        tx.accounts.put(camille)
        assert tx.accounts.get("acc-1") == camille


def test_two_accounts_never_share_a_name(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.accounts.put(an_account("acc-1", "Camille"))
    with pytest.raises(Conflict), store.begin() as tx:
        tx.accounts.put(an_account("acc-2", "CAMILLE"))


def test_a_session_lives_until_it_is_dropped(store: SqlCaseStore) -> None:
    session = WebSession(
        token_hash="ab" * 32,
        account_id="acc-1",
        csrf_token="t",
        created_at=NOW,
        expires_at=NOW + timedelta(hours=8),
        last_seen_at=NOW,
    )
    with store.begin() as tx:
        tx.accounts.put(an_account("acc-1", "Camille"))
        tx.accounts.put_session(session)
        session.last_seen_at = NOW + timedelta(minutes=1)
        tx.accounts.put_session(session)
        assert tx.accounts.session(session.token_hash) == session
        tx.accounts.drop_session(session.token_hash)
        assert tx.accounts.session(session.token_hash) is None


def test_named_state_is_replaced(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        assert tx.state.get("detect.offset") is None
        tx.state.put("detect.offset", b"17")
        tx.state.put("detect.offset", b"18")
    with store.begin() as tx:
        assert tx.state.get("detect.offset") == b"18"


def test_a_sealed_body_moved_to_another_row_does_not_open(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        tx.incidents.put(an_incident("i1", "INC-2026-0001"))
        tx.incidents.put(an_incident("i2", "INC-2026-0002"))
    with store._engine.begin() as connection:
        swap = "UPDATE incidents SET body = (SELECT body FROM incidents WHERE id = 'i1')"
        connection.execute(text(f"{swap} WHERE id = 'i2'"))
    with store.begin() as tx, pytest.raises(StorageError):
        tx.incidents.get("i2")


def test_threads_wait_for_each_other_and_lose_nothing(store: SqlCaseStore) -> None:
    def work(name: str) -> None:
        for _ in range(20):
            with store.begin() as tx:
                tx.journal.append(
                    occurred_at=NOW, actor=name, action="x", object_id="o", payload={}
                )
                tx.incidents.next_reference(2026)

    in_threads([lambda name=str(n): work(name) for n in range(4)])
    with store.begin() as tx:
        assert len(tx.journal.lines()) == 80
        assert verify(tx.journal.lines()) == []
        assert tx.incidents.next_reference(2026) == "INC-2026-0081"


def test_two_workers_never_claim_the_same_message(store: SqlCaseStore) -> None:
    with store.begin() as tx:
        for number in range(40):
            tx.outbox.enqueue(a_message(str(number)))
    claimed: list[str] = []

    def claim() -> None:
        for _ in range(10):
            with store.begin() as tx:
                claimed.extend(message.key for message in tx.outbox.claim(NOW, limit=3))

    in_threads([claim, claim])
    assert sorted(claimed, key=int) == [str(number) for number in range(40)]


def in_threads(jobs: list[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_file_is_private_and_keeps_what_was_committed(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "new" / "cases.db"
    first = SqlCaseStore.open(path, XorSealer(), clock)
    with first.begin() as tx:
        tx.alerts.put(an_alert())
        tx.incidents.put(an_incident())
    first.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"customer list" not in path.read_bytes()
    second = SqlCaseStore.open(f"sqlite:///{path}", XorSealer(), clock)
    with second.begin() as tx:
        assert tx.alerts.get("a1") == an_alert()
    second.close()


def test_a_file_is_opened_for_safety_not_for_speed(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "cases.db"
    SqlCaseStore.open(path, XorSealer(), clock).close()
    engine = open_engine(path)
    with engine.begin() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()
    assert pragmas == ["wal", 2, 1, 30_000]


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path, clock) -> None:
    path = tmp_path / "cases.db"
    SqlCaseStore.open(path, XorSealer(), clock).close()
    engine = open_engine(path)
    with engine.begin() as connection:
        drift = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()
    assert drift == []


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "cases.db"
    SqlCaseStore.open(path, XorSealer(), clock).close()
    engine = open_engine(path)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StorageError, match="newer version"):
        SqlCaseStore.open(path, XorSealer(), clock)


def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "cases.db"
    path.write_bytes(b"this is a text, and a long one, not a database" * 100)
    with pytest.raises(StorageError):
        SqlCaseStore.open(path, XorSealer(), clock)
    assert path.read_bytes().startswith(b"this is a text")
    with pytest.raises(StorageError):
        SqlCaseStore.open(path / "below" / "cases.db", XorSealer(), clock)
