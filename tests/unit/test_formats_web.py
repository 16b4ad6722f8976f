"""Access logs: what nginx and Apache write, and what attackers make them write."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.collect.formats.base import Parsed, Unparsed
from sentinel.collect.formats.combined import ApacheCommon, NginxCombined
from sentinel.collect.formats.nginx_json import NginxJson
from sentinel.collect.formats.registry import detect_format
from sentinel.collect.formats.times import clf_time, read_time

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"


def combined(line: str) -> Parsed:
    parsed = NginxCombined().parse(line)
    assert isinstance(parsed, Parsed), parsed
    return parsed


def line(
    request: str = "GET / HTTP/1.1",
    *,
    client: str = "192.0.2.4",
    user: str = "-",
    status: str = "200",
    size: str = "6203",
    referrer: str = "-",
    agent: str = AGENT,
    time: str = "24/Jan/2026:07:34:57 +0000",
) -> str:
    return f'{client} - {user} [{time}] "{request}" {status} {size} "{referrer}" "{agent}"'


def test_every_field_of_a_combined_line_has_its_ecs_name() -> None:
    parsed = combined(
        line(
            "POST /documents/17?view=full&p=2 HTTP/2.0",
            user="C00123",
            referrer="https://www.example.org/documents",
        )
    )
    assert parsed.time == datetime(2026, 1, 24, 7, 34, 57, tzinfo=UTC)
    assert parsed.fields == {
        "source.ip": "192.0.2.4",
        "user.name": "C00123",
        "http.request.method": "POST",
        "http.version": "2.0",
        "url.original": "/documents/17?view=full&p=2",
        "url.path": "/documents/17",
        "url.query": "view=full&p=2",
        "http.response.status_code": 200,
        "http.response.body.bytes": 6203,
        "http.request.referrer": "https://www.example.org/documents",
        "user_agent.original": AGENT,
    }


def test_absent_values_are_absent_fields() -> None:
    parsed = combined(line("-", status="400", size="-", agent="-"))
    assert parsed.fields == {"source.ip": "192.0.2.4", "http.response.status_code": 400}


@pytest.mark.parametrize(
    ("request_text", "original"),
    [
        (r"\x16\x03\x01\x02", r"\x16\x03\x01\x02"),
        (r"\x22quoted\x22", '"quoted"'),
        ("quit", "quit"),
    ],
)
def test_what_is_no_request_is_kept_as_it_came(request_text: str, original: str) -> None:
    fields = combined(line(request_text, status="400", size="157")).fields
    assert fields["url.original"] == original
    assert "http.request.method" not in fields
    assert fields["http.response.status_code"] == 400


def test_an_empty_request_is_a_line_all_the_same() -> None:
    assert combined(line("", status="408", size="0")).fields["http.response.status_code"] == 408


@pytest.mark.parametrize(
    ("agent", "read"),
    [
        (r"a \"quoted\" agent", 'a "quoted" agent'),
        (r"back\\slash", "back\\slash"),
        (r"nginx \x22way\x22", 'nginx "way"'),
        (r"byte \xE9", r"byte \xE9"),
    ],
)
def test_escapes_of_both_servers(agent: str, read: str) -> None:
    assert combined(line(agent=agent)).fields["user_agent.original"] == read


@pytest.mark.parametrize("client", ["2001:db8::17", "::1", "::ffff:192.0.2.9"])
def test_ipv6_clients(client: str) -> None:
    assert combined(line(client=client)).fields["source.ip"] == client


def test_a_host_name_is_not_passed_off_as_an_address() -> None:
    fields = combined(line(client="crawler.example.net")).fields
    assert fields["source.domain"] == "crawler.example.net"
    assert "source.ip" not in fields


def test_a_proxy_request_is_split_into_domain_and_path() -> None:
    fields = combined(line("GET http://www.example.org:80/a/b?x=1 HTTP/1.1", status="404")).fields
    assert fields["url.domain"] == "www.example.org:80"
    assert (fields["url.path"], fields["url.query"]) == ("/a/b", "x=1")


def test_spaces_in_a_target_stay_in_it() -> None:
    fields = combined(line("GET /a b?q=1 or 1=1 HTTP/1.1")).fields
    assert (fields["url.path"], fields["url.query"]) == ("/a b", "q=1 or 1=1")


def test_a_user_with_a_space() -> None:
    assert combined(line(user="anna berger")).fields["user.name"] == "anna berger"


def test_extra_fields_at_the_end_are_kept() -> None:
    assert combined(line() + ' "203.0.113.7" rt=0.004').fields["sentinel.extra"] == (
        '"203.0.113.7" rt=0.004'
    )


def test_zones_become_utc() -> None:
    parsed = combined(line(time="01/Jan/2026:00:30:00 +0200"))
    assert parsed.time == datetime(2025, 12, 31, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at the start"),
        ("nonsense", "at the start"),
        ("192.0.2.4 - - no time here", "no [time]"),
        (line()[:-1], "has no end"),
        (line(time="32/Jan/2026:00:00:00 +0000"), "the time is not"),
        (line(time="01/Foo/2026:00:00:00 +0000"), "the time is not"),
        (line(status="20"), "not where they belong"),
    ],
)
def test_what_cannot_be_read_says_why_and_quotes_nothing(text: str, reason: str) -> None:
    parsed = NginxCombined().parse(text)
    assert isinstance(parsed, Unparsed)
    assert reason in parsed.reason
    assert "192.0.2.4" not in parsed.reason


def test_common_is_combined_without_its_tail() -> None:
    text = '192.0.2.4 - C00123 [24/Jan/2026:07:34:57 +0000] "GET /a HTTP/1.0" 304 -'
    parsed = ApacheCommon().parse(text)
    assert isinstance(parsed, Parsed)
    assert parsed.fields["http.response.status_code"] == 304
    assert isinstance(NginxCombined().parse(text), Unparsed)
    assert isinstance(ApacheCommon().parse(line()), Unparsed)


def test_a_hostile_line_costs_linear_time() -> None:
    for hostile in ("a b " + " [" * 300_000, 'a b [c] "' + "\\" * 300_001, "[" * 600_000):
        assert isinstance(NginxCombined().parse(hostile), Unparsed)


def test_nginx_json() -> None:
    text = json.dumps(
        {
            "time_iso8601": "2026-01-24T08:34:57+01:00",
            "remote_addr": "192.0.2.4",
            "remote_user": "",
            "request": "GET /a?b=1 HTTP/1.1",
            "status": "404",
            "body_bytes_sent": 153,
            "http_referer": "",
            "http_user_agent": AGENT,
            "upstream": "app1",
        }
    )
    parsed = NginxJson().parse(text)
    assert isinstance(parsed, Parsed)
    assert parsed.time == datetime(2026, 1, 24, 7, 34, 57, tzinfo=UTC)
    assert parsed.fields == {
        "source.ip": "192.0.2.4",
        "http.request.method": "GET",
        "http.version": "1.1",
        "url.original": "/a?b=1",
        "url.path": "/a",
        "url.query": "b=1",
        "http.response.status_code": 404,
        "http.response.body.bytes": 153,
        "user_agent.original": AGENT,
        "upstream": "app1",
    }


def test_nginx_json_with_separate_variables() -> None:
    parsed = NginxJson().parse(
        '{"msec":"1769240097.250","remote_addr":"192.0.2.4","remote_user":"C00123",'
        '"request_method":"PUT","uri":"/a","args":"b=1","server_protocol":"HTTP/2.0","status":201}'
    )
    assert isinstance(parsed, Parsed)
    assert parsed.time == datetime(2026, 1, 24, 7, 34, 57, 250000, tzinfo=UTC)
    assert parsed.fields["http.request.method"] == "PUT"
    assert parsed.fields["url.query"] == "b=1"
    assert parsed.fields["http.version"] == "2.0"
    assert parsed.fields["user.name"] == "C00123"


def test_nginx_json_refuses_other_objects() -> None:
    assert isinstance(NginxJson().parse('{"a":1}'), Unparsed)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
        ("2026-01-02T03:04:05.678901234Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1767323045, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (1767323045678, datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)),
        ("1767323045.5", datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("02/Jan/2026:03:04:05 +0000", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (1e300, None),
        (float("nan"), None),
        ("9999-12-31T23:59:59-23:00", None),
    ],
)
def test_instants(value: object, instant: datetime | None) -> None:
    assert read_time(value) == instant


@pytest.mark.parametrize("text", ["24-Jan/2026:07:34:57 +0000", "24/Jan/2026:07:34:57 0000 ", ""])
def test_only_the_exact_clf_time(text: str) -> None:
    assert clf_time(text) is None


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no shared data at {SHARED}")
@pytest.mark.parametrize(
    ("name", "lines", "reasons"),
    [
        ("web/elastic/apache_combined.log.gz", 10_000, {"a quoted field has no end": 1}),
        ("web/ait_russellmitchell/access1.log.gz", 601, {}),
        ("web/ait_russellmitchell/access2.log.gz", 8530, {}),
        ("web/ait_russellmitchell/access3.log.gz", 933, {}),
        ("web/ait_russellmitchell/access4.log.gz", 1120, {}),
    ],
)
def test_real_logs_are_read_to_the_last_line(
    name: str, lines: int, reasons: dict[str, int]
) -> None:
    with gzip.open(SHARED / name, "rt", encoding="utf-8", errors="backslashreplace") as file:
        texts = [text.rstrip("\r\n") for text in file]
    fmt = detect_format(texts[:64])
    assert fmt is not None
    assert fmt.name == "nginx_combined"
    results = [fmt.parse(text) for text in texts]
    why = Counter(result.reason for result in results if isinstance(result, Unparsed))
    assert dict(why) == reasons
    assert len(results) == lines
