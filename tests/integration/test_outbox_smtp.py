"""The outbox against a real mail server that refuses, hangs up and dies: nothing is lost."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, TypeVar

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from sentinel.clock import ManualClock
from sentinel.config import SmtpSettings
from sentinel.content import content_dir
from sentinel.domain.outbox import Message, OutboxState
from sentinel.errors import StorageError
from sentinel.notify.channel import Rendered, TransportError
from sentinel.notify.channels.email import EmailChannel
from sentinel.notify.messages import MessageRenderer
from sentinel.notify.outbox import LONGEST_PAUSE, MAX_ATTEMPTS, OutboxWorker
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.ports import CaseTx
from sentinel.store.seal import AesGcmSealer

T = TypeVar("T")
START = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
DROP = "drop the connection"


class ScriptedServer:
    """Takes mail; answers DATA, and RCPT per address, as the script says."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.refuse: dict[str, str] = {}
        self.received: list[EmailMessage] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        answer = self.script.pop(0) if self.script else "250 queued as 4F1A"
        if answer == DROP:
            server.transport.abort()
            return "451 never heard"
        if answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            parsed = email.message_from_bytes(content, policy=email.policy.default)
            self.received.append(parsed)
        return answer


@asynccontextmanager
async def serving(handler: ScriptedServer) -> AsyncIterator[ScriptedServer]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", handler.port
    )
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with serving(ScriptedServer()) as running:
        yield running


class House:
    """A store, a clock, a worker."""

    def __init__(self, port: int, recipients: tuple[str, ...] = ("security@example.org",)) -> None:
        self.clock = ManualClock(START)
        self.store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), self.clock)
        self.counted: list[tuple[str, str]] = []
        smtp = SmtpSettings(
            host="127.0.0.1",
            port=port,
            security="none",
            sender="Sentinel <sentinel@example.org>",
            timeout_seconds=5,
        )
        self.channel = EmailChannel("email", smtp, recipients, self.clock)
        self.worker = self.new_worker()

    def new_worker(self) -> OutboxWorker:
        return OutboxWorker(
            self.run,
            {"email": self.channel},
            MessageRenderer(content_dir("notifiers") / "messages", languages={"email": "fr"}),
            self.clock,
            count=lambda channel, outcome: self.counted.append((channel, outcome)),
            jitter=lambda: 0.5,
        )

    def run(self, function: Callable[[CaseTx], T]) -> Awaitable[T]:
        async def in_transaction() -> T:
            with self.store.begin() as tx:
                return function(tx)

        return in_transaction()

    def enqueue(self, number: int = 1, channel: str = "email", **context: object) -> None:
        given: dict[str, object] = {
            "alert_id": f"a{number}",
            "rule": "leaver_bulk_export",
            "title": {"en": "Leaver exports", "fr": "Export massif « été » par un partant"},
            "level": "critical",
            "actor": "usr_abcdefghijklmnop",
            "subjects": 3,
            "events": 1,
            "first": "2026-03-02T08:09:00.000Z",
            "last": "2026-03-02T08:09:00.000Z",
        }
        message = Message(
            id=f"m{number}",
            key=f"alert:a{number}:{channel}",
            channel=channel,
            kind="alert",
            context={**given, **context},
            created_at=self.clock.now(),
            next_attempt_at=self.clock.now(),
        )
        with self.store.begin() as tx:
            assert tx.outbox.enqueue(message)

    def messages(self) -> list[Message]:
        with self.store.begin() as tx:
            return sorted(tx.outbox.find(), key=lambda message: message.id)

    def states(self) -> list[OutboxState]:
        return [message.state for message in self.messages()]


@pytest.fixture
def house(server: ScriptedServer) -> House:
    return House(server.port)


async def test_an_alert_arrives_whole(house: House, server: ScriptedServer) -> None:
    house.enqueue()
    assert await house.worker.drain() == 1
    (mail,) = server.received
    assert mail["Subject"] == (
        "[Sentinel] Alerte de niveau critique\u00a0: Export massif «\u00a0été\u00a0» par un partant"
    )
    assert mail["From"] == "Sentinel <sentinel@example.org>"
    assert mail["To"] == "security@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == START
    assert mail["Content-Language"] == "fr"
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Personnes concernées" in plain.get_content()
    assert '<html lang="fr">' in html.get_content()
    (sent,) = house.messages()
    assert sent.state is OutboxState.SENT
    assert sent.receipt == "250 queued as 4F1A"
    assert sent.sent_at == START
    assert house.counted == [("email", "sent")]


async def test_the_same_message_has_the_same_message_id(
    house: House, server: ScriptedServer
) -> None:
    rendered = Rendered(subject="s", text="t", html="<p>t</p>", payload={})
    for key in ("alert:1:email", "alert:1:email", "alert:2:email"):
        await house.channel.send(rendered, key=key)
    first, repeat, other = (mail["Message-ID"] for mail in server.received)
    assert first == repeat != other
    assert first.endswith("@example.org>")


@pytest.mark.parametrize("answer", ["451 try again", DROP, "421 shutting down"])
async def test_a_server_in_trouble_gets_the_message_later(
    house: House, server: ScriptedServer, answer: str
) -> None:
    server.script = [answer]
    house.enqueue()
    assert await house.worker.drain() == 0
    (waiting,) = house.messages()
    assert waiting.state is OutboxState.PENDING
    assert waiting.attempts == 1
    assert waiting.last_error
    assert waiting.next_attempt_at > START
    assert await house.worker.drain() == 0  # not due yet
    house.clock.set(waiting.next_attempt_at)
    assert await house.worker.drain() == 1
    assert len(server.received) == 1
    assert house.counted == [("email", "retry"), ("email", "sent")]


async def test_a_refused_message_fails_visibly(house: House, server: ScriptedServer) -> None:
    server.script = ["554 policy violation of <someone@example.org>"]
    house.enqueue()
    assert await house.worker.drain() == 0
    (failed,) = house.messages()
    assert failed.state is OutboxState.FAILED
    assert "554 policy violation" in failed.last_error
    assert "someone@" not in failed.last_error
    assert house.counted == [("email", "failed")]


@pytest.mark.parametrize(
    ("answer", "state"),
    [("550 no such user", OutboxState.FAILED), ("450 greylisted", OutboxState.PENDING)],
)
async def test_refused_recipients_decide_by_their_code(
    house: House, server: ScriptedServer, answer: str, state: OutboxState
) -> None:
    server.refuse = {"security@example.org": answer}
    house.enqueue()
    assert await house.worker.drain() == 0
    assert house.states() == [state]


async def test_one_refused_recipient_does_not_hold_up_the_others(server: ScriptedServer) -> None:
    house = House(server.port, ("a@example.org", "b@example.org"))
    server.refuse = {"b@example.org": "550 no such user"}
    house.enqueue()
    assert await house.worker.drain() == 1
    (sent,) = house.messages()
    assert "1 of 2 recipients refused" in sent.receipt
    assert "b@example.org" not in sent.receipt


async def test_a_dead_server_loses_nothing() -> None:
    handler = ScriptedServer()
    async with serving(handler):
        pass  # its port is known, and closed again
    house = House(handler.port)
    for number in range(30):
        house.enqueue(number)
    assert await house.worker.drain() == 0
    assert set(house.states()) == {OutboxState.PENDING}
    house.clock.advance(timedelta(hours=1))
    async with serving(handler):
        assert await house.worker.drain() == 30
    assert len({mail["Message-ID"] for mail in handler.received}) == 30
    assert set(house.states()) == {OutboxState.SENT}


async def test_after_days_of_attempts_it_gives_up_visibly(
    house: House, server: ScriptedServer
) -> None:
    server.script = ["451 try again"] * (MAX_ATTEMPTS + 5)
    house.enqueue()
    for _ in range(MAX_ATTEMPTS + 5):
        await house.worker.drain()
        house.clock.advance(LONGEST_PAUSE)
    (failed,) = house.messages()
    assert failed.state is OutboxState.FAILED
    assert failed.attempts == MAX_ATTEMPTS
    assert house.counted.count(("email", "retry")) == MAX_ATTEMPTS - 1
    assert house.counted[-1] == ("email", "failed")


async def test_a_message_whose_sender_died_is_sent_again_under_the_same_key(
    house: House, server: ScriptedServer
) -> None:
    house.enqueue()
    with house.store.begin() as tx:
        (claimed,) = tx.outbox.claim(house.clock.now())  # and then the process was killed
    await house.channel.send(Rendered(subject="s", text="t", html="t", payload={}), key=claimed.key)
    assert await house.worker.drain() == 0
    house.clock.advance(timedelta(seconds=1))
    successor = house.new_worker()
    assert await successor.release() == 1
    assert await successor.drain() == 1
    first, repeat = (mail["Message-ID"] for mail in server.received)
    assert first == repeat
    assert house.states() == [OutboxState.SENT]


async def test_a_poisoned_message_does_not_hold_up_the_others(
    house: House, server: ScriptedServer
) -> None:
    house.enqueue(1, level="no such level")
    house.enqueue(2, channel="fax")
    house.enqueue(3)
    assert await house.worker.drain() == 1
    assert house.states() == [OutboxState.FAILED, OutboxState.FAILED, OutboxState.SENT]
    poisoned, homeless, _ = house.messages()
    assert "no such level" in poisoned.last_error
    assert "'fax' is not configured" in homeless.last_error


async def test_a_bug_in_a_channel_says_where_it_is_and_holds_up_nobody(
    house: House, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = house.channel.send

    async def faulty(rendered: Rendered, *, key: str) -> str:
        if key == "alert:a1:email":
            raise KeyError("a.person@example.org")
        return await send(rendered, key=key)

    monkeypatch.setattr(house.channel, "send", faulty)
    house.enqueue(1)
    house.enqueue(2)
    assert await house.worker.drain() == 1
    failed, _ = house.messages()
    assert failed.state is OutboxState.FAILED
    assert re.fullmatch(r"unforeseen KeyError at \w+\.py:\d+", failed.last_error)
    assert len(server.received) == 1


async def test_nothing_is_sent_in_clear_where_starttls_was_asked_for(
    server: ScriptedServer,
) -> None:
    smtp = SmtpSettings(
        host="127.0.0.1", port=server.port, security="starttls", sender="s@example.org"
    )
    channel = EmailChannel("email", smtp, ["security@example.org"], ManualClock(START))
    with pytest.raises(TransportError) as raised:
        await channel.send(Rendered(subject="s", text="t", html="t", payload={}), key="k")
    assert not raised.value.permanent
    assert server.received == []


class FullDisk:
    """Runs transactions, unless the disk is full."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.full = False

    async def __call__(self, function: Callable[[CaseTx], T], /) -> T:
        if self.full:
            raise StorageError("database or disk is full")
        return await self.house.run(function)


async def test_what_was_sent_while_the_disk_was_full_is_not_sent_again(
    house: House, server: ScriptedServer
) -> None:
    disk = FullDisk(house)
    house.enqueue()
    worker = OutboxWorker(
        disk,
        {"email": Filling(house.channel, disk)},
        MessageRenderer(content_dir("notifiers") / "messages", languages={"email": "fr"}),
        house.clock,
    )
    with pytest.raises(StorageError):
        await worker.drain()  # sent, but neither marked nor is the next claim possible
    for _ in range(3):
        with pytest.raises(StorageError):
            await worker.drain()
    assert house.states() == [OutboxState.SENDING]
    disk.full = False
    assert await worker.drain() == 0
    assert house.states() == [OutboxState.SENT]
    assert len(server.received) == 1


class Filling:
    """A channel behind which the disk fills up."""

    id = "email"

    def __init__(self, channel: EmailChannel, disk: FullDisk) -> None:
        self._channel = channel
        self._disk = disk

    async def send(self, rendered: Rendered, *, key: str) -> str:
        """Send; from now on nothing can be written."""
        receipt = await self._channel.send(rendered, key=key)
        self._disk.full = True
        return receipt


async def test_a_claim_made_under_a_clock_that_was_ahead_is_given_back(
    house: House, server: ScriptedServer
) -> None:
    house.enqueue()
    with house.store.begin() as tx:
        tx.outbox.claim(house.clock.now() + timedelta(days=400))  # killed; then the clock was set
    successor = house.new_worker()
    assert await successor.release() == 1
    assert await successor.drain() == 1
    assert len(server.received) == 1


async def test_a_hanging_channel_gives_its_turn_back() -> None:
    silent: list[asyncio.StreamWriter] = []

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silent.append(writer)

    listener = await asyncio.start_server(hang, "127.0.0.1", 0)
    house = House(listener.sockets[0].getsockname()[1])
    smtp = SmtpSettings(
        host="127.0.0.1",
        port=listener.sockets[0].getsockname()[1],
        security="none",
        sender="sentinel@example.org",
        timeout_seconds=0.3,
    )
    house.channel = EmailChannel("email", smtp, ["security@example.org"], house.clock)
    worker = OutboxWorker(
        house.run,
        {"email": house.channel},
        MessageRenderer(content_dir("notifiers") / "messages", languages={"email": "fr"}),
        house.clock,
        round_seconds=0.1,
    )
    for number in range(15):
        house.enqueue(number)
    assert await worker.drain() == 0
    assert len(silent) == 1  # the others did not each wait for the same dead server
    assert set(house.states()) == {OutboxState.PENDING}
    for writer in silent:
        writer.close()
    listener.close()
    await listener.wait_closed()
