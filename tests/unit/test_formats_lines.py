"""JSON, CSV and authentication lines; and which format a sample is in."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.clock import ManualClock
from sentinel.collect.formats.auth import AuthLog
from sentinel.collect.formats.base import Parsed, Unparsed
from sentinel.collect.formats.csv_rows import CsvRows
from sentinel.collect.formats.json_object import Ecs, JsonObject
from sentinel.collect.formats.registry import all_formats, detect_format, format_named
from sentinel.errors import UsageError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


def auth(line: str, now: datetime = NOW) -> Parsed:
    parsed = AuthLog(ManualClock(now)).parse(line)
    assert isinstance(parsed, Parsed), parsed
    return parsed


def test_json_is_flattened_under_the_senders_names() -> None:
    parsed = JsonObject().parse('{"actor":{"id":"a.martin","roles":["support"]},"records":2}')
    assert parsed == Parsed({"records": 2, "actor.id": "a.martin", "actor.roles": ["support"]})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ('{"name":"Zoé', "not JSON"),
        ("[1]", "not an object"),
        ("17", "not an object"),
        ("[" * 100_000, "not JSON"),
        ('{"a":"\\xff"}', "not JSON"),
    ],
)
def test_what_is_no_json_object_says_why(line: str, reason: str) -> None:
    parsed = JsonObject().parse(line)
    assert isinstance(parsed, Unparsed)
    assert reason in parsed.reason
    assert "Zoé" not in parsed.reason


def test_ecs_needs_its_timestamp() -> None:
    assert isinstance(Ecs().parse('{"user":{"name":"a.martin"}}'), Unparsed)
    assert isinstance(Ecs().parse('{"@timestamp":"2026-01-02T03:04:05Z"}'), Parsed)


def test_csv_rows_take_their_names_from_the_header() -> None:
    rows = CsvRows().fresh()
    assert rows.parse("kind,id,customer,note") is None
    assert rows.parse('ticket,T1,C00123,"a, ""b"""') == Parsed(
        {"kind": "ticket", "id": "T1", "customer": "C00123", "note": 'a, "b"'}
    )
    assert rows.parse("ticket,T2,,") == Parsed({"kind": "ticket", "id": "T2"})
    assert rows.parse("kind,id,customer,note") is None  # files that were joined


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,b,c", "3 columns where the header has 2"),
        ('a,"b', "no end"),
        (",", "empty"),
    ],
)
def test_bad_csv_rows(row: str, reason: str) -> None:
    rows = CsvRows().fresh()
    rows.parse("kind,id")
    parsed = rows.parse(row)
    assert isinstance(parsed, Unparsed)
    assert reason in parsed.reason


@pytest.mark.parametrize("header", ["kind;id", "kind\tid", "\ufeffkind,id"])
def test_csv_separators_and_byte_order_mark(header: str) -> None:
    rows = CsvRows().fresh()
    assert rows.parse(header) is None
    separator = header[-3]
    assert rows.parse(f"ticket{separator}T1") == Parsed({"kind": "ticket", "id": "T1"})


def test_a_batch_without_header_is_not_read_as_one() -> None:
    rows = CsvRows().fresh()
    for _ in range(2):
        parsed = rows.parse("ticket,T1,C00123,,2026-01-02T03:04:05Z")
        assert isinstance(parsed, Unparsed)
        assert "no header line" in parsed.reason


def test_each_batch_has_its_own_header() -> None:
    first = CsvRows()
    first.parse("a,b")
    assert first.fresh().parse("c,d") is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Accepted publickey for ubuntu from 192.0.2.9 port 50022 ssh2: RSA SHA256:abc",
            ("ssh_login", "success", "ubuntu", "192.0.2.9"),
        ),
        (
            "Failed password for invalid user admin from 198.51.100.7 port 4711 ssh2",
            ("ssh_login", "failure", "admin", "198.51.100.7"),
        ),
        (
            "message repeated 3 times: [ Failed password for root from 2001:db8::1 port 1 ssh2]",
            ("ssh_login", "failure", "root", "2001:db8::1"),
        ),
        ("Invalid user  from 192.0.2.9", ("ssh_invalid_user", "failure", None, "192.0.2.9")),
        (
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= "
            "rhost=192.0.2.9  user=root",
            ("authentication_failure", "failure", "root", "192.0.2.9"),
        ),
    ],
)
def test_sshd_messages(message: str, expected: tuple[str, ...]) -> None:
    fields = auth(f"Mar 27 13:06:56 web1 sshd[1291]: {message}").fields
    names = ("event.action", "event.outcome", "user.name", "source.ip")
    assert tuple(fields.get(name) for name in names) == expected
    assert fields["message"] == message
    assert (fields["process.name"], fields["process.pid"]) == ("sshd", 1291)


def test_sudo_names_who_asked() -> None:
    fields = auth(
        "Mar 27 13:06:56 web1 sudo:   a.martin : TTY=pts/0 ; PWD=/root ; USER=root ; "
        "COMMAND=/bin/sh"
    ).fields
    assert fields["user.name"] == "a.martin"
    assert fields["event.outcome"] == "success"


@pytest.mark.parametrize(
    ("stamp", "now", "year"),
    [
        ("Mar 27 13:06:56", NOW, 2026),
        ("Dec 31 23:59:59", datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC), 2025),
        ("Jan  1 00:00:01", datetime(2025, 12, 31, 23, 59, tzinfo=UTC), 2026),  # a clock ahead
        ("Feb 29 10:00:00", datetime(2027, 3, 1, tzinfo=UTC), 2024),
    ],
)
def test_the_year_is_inferred(stamp: str, now: datetime, year: int) -> None:
    time = auth(f"{stamp} web1 sshd[1]: x", now).time
    assert time is not None
    assert time.year == year


def test_an_rfc_3339_stamp_needs_no_guess() -> None:
    assert auth("2019-05-06T07:08:09.5+02:00 web1 sshd[1]: x").time == datetime(
        2019, 5, 6, 5, 8, 9, 500000, tzinfo=UTC
    )


@pytest.mark.parametrize("line", ["", "Mar 27", "Foo 27 13:06:56 h p: x", "Feb 30 13:06:56 h p: x"])
def test_bad_auth_lines(line: str) -> None:
    assert isinstance(AuthLog(ManualClock(NOW)).parse(line), Unparsed)


COMBINED = '192.0.2.4 - - [24/Jan/2026:07:34:57 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        ([COMBINED], "nginx_combined"),
        ([COMBINED[: -len(' "-" "-"')]], "apache_common"),
        (["garbage", COMBINED, COMBINED], "nginx_combined"),
        (['{"a":1}'], "json"),
        (['{"@timestamp":"x","a":1}'], "ecs"),
        (['{"remote_addr":"192.0.2.1","request":"GET / HTTP/1.1"}'], "nginx_json"),
        (["Mar 27 13:06:56 web1 sshd[1]: x"], "auth"),
        (["kind,id", "ticket,T1"], "csv"),
    ],
)
def test_detection(sample: list[str], name: str) -> None:
    fmt = detect_format(sample)
    assert fmt is not None
    assert fmt.name == name


def test_nothing_is_detected_in_noise() -> None:
    assert detect_format(["lorem ipsum", "dolor"]) is None
    assert detect_format([]) is None


def test_an_unknown_format_lists_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        format_named("nginx")
    for name in ("auto", *all_formats()):
        assert name in caught.value.hint


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no shared data at {SHARED}")
def test_a_real_auth_log() -> None:
    with gzip.open(SHARED / "web/elastic/auth.log.gz", "rt", encoding="utf-8") as file:
        results = [AuthLog(ManualClock(NOW)).parse(line.rstrip("\n")) for line in file]
    parsed = [result for result in results if isinstance(result, Parsed)]
    assert len(parsed) == len(results) == 7121
    actions = Counter(
        (result.fields.get("event.action"), result.fields.get("event.outcome"))
        for result in parsed
        if str(result.fields["message"]).startswith(("Accepted", "Failed"))
    )
    assert set(actions) == {("ssh_login", "success"), ("ssh_login", "failure")}
