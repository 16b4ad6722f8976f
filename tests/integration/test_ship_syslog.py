"""Debian's rsyslog and syslog-ng against our listeners; framing under any chunking."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from ship_house import (
    COMBINED,
    LINES,
    SYSLOG_NG,
    House,
    Program,
    certificates,
    client_context,
    line_paths,
    needs,
    paths_of,
    until,
)

from sentinel.clock import ManualClock
from sentinel.collect.inputs.syslog_frame import BAD_COUNT, CUT_SHORT, Frame, Splitter
from sentinel.collect.inputs.syslog_message import STRUCTURED, item_of

WEB = {"format": "nginx_combined", "profile": "nginx-site"}
NOW = datetime(2026, 1, 24, 8, 0, tzinfo=UTC)


def source(name: str, **syslog: Any) -> dict[str, Any]:
    table = {"host": "127.0.0.1", "port": 0, "transport": "tcp", **syslog}
    return {"name": name, "kind": "syslog", "syslog": table, **WEB}


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    ca = certificates(tmp_path, "server", "client", "stranger")
    tls = {
        "transport": "tls",
        "tls_certificate": ca["server"][0],
        "tls_key": ca["server"][1],
    }
    mutual = source("mutual", **tls, tls_client_ca=ca["ca"][0])
    old = source("old", **tls) | {"tls12": {"owner": "ops", "until": date(2026, 1, 31)}}
    sources = [
        source("plain"),
        source("secure", **tls),
        {**mutual, "client_certificates": ["CN=client.example.org"]},
        old,
        source("packets", transport="udp"),
        source("closed", allowed_senders=["192.0.2.0/24"]),
        source("few", max_connections=1),
    ]
    settings = {"sources": sources, "collector": {"max_line_bytes": 4096}}
    running = await House(tmp_path, settings, ManualClock(NOW)).start()
    yield running
    await running.stop()


def written(folder: Path, count: int = LINES) -> Path:
    log = folder / "access.log"
    log.write_text("".join(COMBINED.format(n) + "\n" for n in range(count)))
    return log


RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k" {tls})
module(load="imfile" mode="inotify")
input(type="imfile" file="{log}" tag="nginx:" ruleset="ship" persistStateInterval="1000")
ruleset(name="ship") {{
  action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" tcp_framing="{framing}"
    template="{template}" queue.type="linkedList" queue.size="200000"
    queue.timeoutEnqueue="60000" action.resumeRetryCount="-1" {driver})
}}
"""
DRIVER = 'streamDriver="ossl" streamDriverMode="1" streamDriverAuthMode="x509/certvalid"'


@pytest.mark.parametrize(
    ("name", "framing", "template"),
    [
        ("plain", "octet-counted", "RSYSLOG_SyslogProtocol23Format"),
        ("plain", "traditional", "RSYSLOG_TraditionalForwardFormat"),
        ("secure", "octet-counted", "RSYSLOG_SyslogProtocol23Format"),
    ],
)
async def test_rsyslog_brings_each_line_once_in_order(
    house: House, tmp_path: Path, name: str, framing: str, template: str
) -> None:
    program = needs("rsyslogd")
    secure = name == "secure"
    tls = f'defaultNetstreamDriverCAFile="{tmp_path}/ca.pem"' if secure else ""
    text = RSYSLOG.format(
        folder=tmp_path, log=written(tmp_path), port=house.port(name), framing=framing,
        template=template, tls=tls, driver=DRIVER if secure else "",
    )  # fmt: skip
    (tmp_path / "rsyslog.conf").write_text(text)
    pid = tmp_path / "rsyslog.pid"
    sender = Program(program, "-n", "-f", tmp_path / "rsyslog.conf", "-i", pid)
    try:
        await house.until(LINES + 1)  # and the event of the exception from TLS 1.3
    finally:
        said = sender.end()
    assert paths_of(house.events(name)) == line_paths(LINES), said


SYSLOG_NG_CONF = """
@version: 3.38
options {{ keep-hostname(yes); log-msg-size(65536); use-dns(no); }};
source s {{ file("{log}" flags(no-parse) follow-freq(0.2) read-old-records(yes)); }};
destination d {{ {driver} }};
log {{ source(s); destination(d); flags(flow-control); }};
"""
DRIVERS = {
    "plain-3164": 'network("127.0.0.1" port({port}) transport("tcp"));',
    "plain-5424": 'syslog("127.0.0.1" port({port}) transport("tcp"));',
    "secure-5424": 'syslog("127.0.0.1" port({port}) transport("tls") '
    'tls(ca-file("{folder}/ca.pem") peer-verify(required-trusted)));',
}


@pytest.mark.parametrize("driver", DRIVERS)
async def test_syslog_ng_brings_each_line_once_in_order(
    house: House, tmp_path: Path, driver: str
) -> None:
    program = needs(SYSLOG_NG / "usr/sbin/syslog-ng")
    libraries = SYSLOG_NG / "usr/lib"
    port = house.port(driver.partition("-")[0])
    conf = tmp_path / "syslog-ng.conf"
    conf.write_text(
        SYSLOG_NG_CONF.format(
            log=written(tmp_path), driver=DRIVERS[driver].format(port=port, folder=tmp_path)
        )
    )
    sender = Program(
        program, "-F", "--no-caps", "-f", conf, "-R", tmp_path / "persist", "-p", tmp_path / "pid",
        "-c", tmp_path / "ctl", f"--module-path={libraries}/syslog-ng/3.38",
        LD_LIBRARY_PATH=f"{libraries}/syslog-ng:{libraries}/x86_64-linux-gnu:{SYSLOG_NG}/lib/x86_64-linux-gnu",
    )  # fmt: skip
    try:
        await house.until(LINES + 1)  # and the event of the exception from TLS 1.3
    finally:
        said = sender.end()
    assert paths_of(house.events(driver.partition("-")[0])) == line_paths(LINES), said


async def send(house: House, name: str, data: bytes, context: ssl.SSLContext | None = None) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", house.port(name), ssl=context)
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_udp_brings_what_the_kernel_keeps(house: House) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(2000):
            line = f"<134>Jan 24 07:34:57 web nginx: {COMBINED.format(number)}"
            sender.sendto(line.encode(), ("127.0.0.1", house.port("packets")))
            if number % 100 == 99:
                await asyncio.sleep(0.005)
    await house.until(2001)
    assert paths_of(house.events("packets")) == line_paths(2000)


async def test_what_a_message_says_beside_its_line_is_kept(house: House) -> None:
    line = COMBINED.format(7)
    message = f'<165>1 2026-01-24T07:34:57Z web nginx 42 ID7 [ex@1 card="4111111111111111"] {line}'
    await send(house, "plain", message.encode() + b"\n")
    await house.until(2)
    (event,) = house.events("plain")
    assert event.text("url.path") == "/line/7"
    assert event.text("host.hostname") == "web"
    assert event.text("process.name") == "nginx"
    assert event.get("log.syslog.facility.code") == 20
    assert event.sealed
    assert "4111" not in str(event)


async def test_bad_frames_are_counted_and_kept(house: House) -> None:
    good = COMBINED.format(1)
    await send(house, "plain", b"12 <13>cut")
    await send(house, "plain", f"{len(good)} {good}xx no count\n{good}\n".encode())
    await send(house, "plain", b"<13>" + b"x" * 5000 + b"\n" + good.encode() + b"\n")
    await send(house, "plain", b"\xff\xfe\n")
    await house.until(7)
    events = house.events("plain")
    reasons = sorted(event.text("error.message") for event in events)
    assert paths_of(events).count("/line/1") == 3
    assert CUT_SHORT in reasons
    assert BAD_COUNT in reasons
    assert house.counted("input_faults", source="plain", fault=CUT_SHORT) == 1
    assert house.counted("input_faults", source="plain", fault="message too long") == 1


async def test_who_may_not_send_is_closed_and_counted(house: House) -> None:
    with contextlib.suppress(ConnectionError):
        await send(house, "closed", b"<13>hello\n")
    await until(
        lambda: house.counted("input_faults", source="closed", fault="sender not allowed") == 1
    )
    assert house.events("closed") == []
    _, first = await asyncio.open_connection("127.0.0.1", house.port("few"))
    await asyncio.sleep(0.05)
    reader, second = await asyncio.open_connection("127.0.0.1", house.port("few"))
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    assert house.counted("input_faults", source="few", fault="too many connections") == 1
    for writer in (first, second):
        writer.close()


async def test_tls_1_2_is_refused_and_counted_and_an_exception_ends(
    house: House, tmp_path: Path
) -> None:
    old = client_context(tmp_path / "ca.pem", version=ssl.TLSVersion.TLSv1_2)
    line = COMBINED.format(1).encode() + b"\n"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await send(house, "secure", line, old)
    await until(lambda: house.counted("tls_refused", reason="unsupported protocol") == 1)
    await send(house, "old", line, old)
    await until(lambda: len(house.events("old")) == 2)  # the line, and the exception itself
    told = [e for e in house.events("old") if e.text("event.action") == "tls12.exception"]
    assert [e.text("sentinel.exception.owner") for e in told] == ["ops"]
    assert isinstance(house.clock, ManualClock)
    house.clock.set(datetime(2026, 2, 1, tzinfo=UTC))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await send(house, "old", line, old)
    await send(house, "old", line, client_context(tmp_path / "ca.pem"))
    await until(lambda: len(house.events("old")) == 3)


async def test_a_sender_shows_the_certificate_of_its_source(house: House, tmp_path: Path) -> None:
    line = COMBINED.format(1).encode() + b"\n"
    for name in ("", "stranger", "client"):
        context = client_context(tmp_path / "ca.pem")
        if name:
            context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        try:
            await send(house, "mutual", line, context)
        except (ssl.SSLError, ConnectionError):
            assert name != "client"
    await until(lambda: len(house.events("mutual")) == 1)
    faults = house.counted("input_faults", source="mutual", fault="client certificate of another")
    assert faults == 1


MESSAGES = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=20)


@given(messages=MESSAGES, cuts=st.lists(st.integers(1, 30), max_size=40))
def test_counted_frames_survive_any_chunking(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(b"%d %s" % (len(message), message) for message in messages)
    assert split(stream, cuts) == [Frame(message) for message in messages]


LINE = st.binary(min_size=1, max_size=40).map(lambda raw: b"<13>" + raw.replace(b"\n", b" "))


@given(messages=st.lists(LINE, min_size=1, max_size=20), cuts=st.lists(st.integers(1, 30)))
def test_lines_survive_any_chunking(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(message + b"\n" for message in messages)
    assert split(stream, cuts) == [Frame(message) for message in messages]


@given(stream=st.binary(max_size=300), cuts=st.lists(st.integers(1, 30)))
def test_no_bytes_break_the_splitter_or_the_message(stream: bytes, cuts: list[int]) -> None:
    for frame in split(stream, cuts):
        item_of(frame.raw, received=NOW, fault=frame.fault)
        item_of(frame.raw, received=NOW, header="keep")


def split(stream: bytes, cuts: list[int]) -> list[Frame]:
    splitter, frames, position = Splitter(1000), [], 0
    for cut in cuts:
        frames += splitter.feed(stream[position : position + cut])
        position += cut
    return frames + splitter.feed(stream[position:]) + splitter.end()


@pytest.mark.parametrize(
    ("raw", "line", "host", "time"),
    [
        (b"<34>1 2026-01-24T07:00:00Z web su - ID47 - hello", "hello", "web", "2026-01-24T07"),
        (b"<34>1 - - - - - - \xef\xbb\xbfhello", "hello", None, None),
        (b'<34>1 - web su - - [a b="c\\"\\]d"] hello', "hello", "web", None),
        (b"<34>Dec 31 23:00:00 web su[12]: hello", "hello", "web", "2025-12-31T23"),
        (b"<34>Jan  2 07:00:00 web su: hello", "hello", "web", "2026-01-02T07"),
        (b"<34>2026-01-24T07:00:00+01:00 web su: hello", "hello", "web", "2026-01-24T06"),
        (b'<34>Jan  2 07:00:00 web app: @cee: {"a":1}', '{"a":1}', "web", "2026-01-02T07"),
        (b"hello", "hello", None, None),
        (b"<999>hello", "<999>hello", None, None),
    ],
)
def test_headers(raw: bytes, line: str, host: str | None, time: str | None) -> None:
    item = item_of(raw, received=NOW)
    assert item.raw.decode() == line
    assert item.beside.get("host.hostname") == host
    assert (item.time.isoformat()[:13] if item.time else None) == time


def test_structured_data_is_offered_by_name_and_kept_whole() -> None:
    raw = b'<34>1 - - - - - [a@1 b="c\\"d" e="f"][g h="i"] hello'
    item = item_of(raw, received=NOW)
    assert item.offered == {
        f"{STRUCTURED}.a@1.b": 'c"d',
        f"{STRUCTURED}.a@1.e": "f",
        f"{STRUCTURED}.g.h": "i",
    }
    assert item.kept == {STRUCTURED: '[a@1 b="c\\"d" e="f"][g h="i"]'}
