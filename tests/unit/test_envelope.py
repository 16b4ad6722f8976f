"""Documents that hold many records are taken apart, and nothing else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.clock import ManualClock
from sentinel.collect.envelope import numbered, records, unwrapped
from sentinel.collect.files import Line
from sentinel.collect.intake import Intake, UnparsedLine
from sentinel.collect.offline import OfflineReader
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.config import SourceSettings
from sentinel.content import content_dir
from sentinel.domain.event import Event
from sentinel.store.seal import AesGcmSealer

PROFILES = load_profiles(content_dir("rules") / "sources")
LOGS = Path(__file__).resolve().parents[1] / "fixtures" / "logs"
CALLS = (LOGS / "cloudtrail.log").read_text().splitlines()
KEY = bytes(range(32))


def lines(*texts: str) -> list[Line]:
    return [Line("x.json", number, text, 0) for number, text in enumerate(texts, start=1)]


@pytest.mark.parametrize(
    "document",
    [
        '{"Records":[{"a":1},{"b":2}]}',
        ' {"records" : [ {"a":1}, {"b":2} ] }',
        '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"a":1},{"b":2}]}',
        '{"kind":"admin#reports#activities","etag":"x","items":[{"a":1},{"b":2}]}',
        '[{"a":1},{"b":2}]',
    ],
)
def test_each_record_is_a_line(document: str) -> None:
    assert [json.loads(text) for text in records(document) or []] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    "line",
    [
        '{"records":[],"actor":{"id":"a.martin"}}',  # a record with a list of that name
        '{"records":2}',
        '{"Records":[1]}',
        '{"Records":[{"a":1}',
        '{"items":[{"a":1}]}',
        '{"kind":"Event","items":[{"a":1}]}',
        "[1]",
        "[Sat Jan 24 07:34:57 2026] [error] x",
        "",
        "plain",
    ],
)
def test_anything_else_stays_as_it_is(line: str) -> None:
    assert records(line) is None
    assert [one.text for one in unwrapped(lines(line))] == [line]


@pytest.mark.parametrize("indent", [1, 2, "\t"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_an_indented_document(indent: int | str, wrapped: bool) -> None:
    calls = [json.loads(call) for call in CALLS]
    text = json.dumps({"Records": calls} if wrapped else calls, indent=indent)
    found = list(unwrapped(lines(*text.split("\n"))))
    assert [json.loads(one.text) for one in found] == calls
    assert {one.number for one in found} == {1}


def test_a_document_that_is_cut_is_named_line_by_line() -> None:
    texts = json.dumps([json.loads(call) for call in CALLS], indent=1).split("\n")[:-1]
    assert [one.text for one in unwrapped(lines(*texts))] == texts


def test_a_scan_reads_a_cloudtrail_file(tmp_path: Path) -> None:
    path = tmp_path / "trail.json"
    path.write_text(json.dumps({"Records": [json.loads(call) for call in CALLS]}))
    reader = OfflineReader(PROFILES)
    events = list(reader.read([path]))
    assert [event.fields["eventName"] for event in events if isinstance(event, Event)] == [
        "ConsoleLogin",
        "StopLogging",
    ]
    assert reader.chosen[str(path)] == ("cloudtrail", "cloudtrail")


def test_what_is_read_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "trail.json"
    document = json.dumps({"Records": [json.loads(call) for call in CALLS]}, indent=1)
    path.write_text(document + "\n\n")
    reader = OfflineReader(PROFILES)
    assert len(list(reader.read([path]))) == reader.records == 2
    assert (reader.lines, reader.blank) == (document.count("\n") + 2, 1)
    assert reader.lines - reader.blank - reader.within == 1
    path = tmp_path / "site.log"
    path.write_text((LOGS / "iis_w3c.log").read_text() + "what is this\n")
    reader = OfflineReader(PROFILES)
    items = list(reader.read([path]))
    assert reader.directives >= 1
    assert len(items) + reader.directives == reader.records == reader.lines - reader.blank
    assert reader.unparsed == 1


def intake() -> Intake:
    return Intake(
        SourceSettings(name="trail"),
        PROFILES,
        pseudonymiser=Pseudonymiser(KEY),
        sealer=AesGcmSealer(KEY),
        clock=ManualClock(datetime(2026, 3, 1, tzinfo=UTC)),
        max_line_bytes=10_000,
    )


def test_the_service_gives_each_record_its_own_id() -> None:
    body = b'{"kind":"EventList","items":[{"verb":"get"},{"verb":"get"}]}'
    first, again = (intake().batch([body], "b").events for _ in range(2))
    assert len({event.id for event in first}) == 2
    assert [event.id for event in first] == [event.id for event in again]
    assert [number for number, _ in numbered([b"x", body], "b")] == [1, 2, 2]


def test_the_service_stores_no_name_of_a_cloudtrail_record() -> None:
    document = json.dumps({"Records": [json.loads(call) for call in CALLS]}).encode()
    batch = intake().batch([document], "b")
    assert [event.fields["eventName"] for event in batch.events] == ["ConsoleLogin", "StopLogging"]
    for event in batch.events:
        clear = json.dumps(event.fields)
        for name in ("a.martin", "192.0.2.4"):
            assert name not in clear
        assert str(event.fields["user.name"]).startswith("usr_")
        assert "usr_" in str(event.fields["userIdentity.arn"])
    assert batch.dropped_fields["userIdentity.principalId"] == 2


def test_a_file_that_changes_its_format_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "mixed.log"
    web = (LOGS / "nginx_combined.log").read_text().splitlines() * 100
    auth = (LOGS / "auth.log").read_text().splitlines()[:1] * 100
    path.write_text("\n".join([*web, *auth, *CALLS * 40]))
    reader = OfflineReader(PROFILES)
    items = list(reader.read([path]))
    assert not [item for item in items if isinstance(item, UnparsedLine)][36:]
    assert [name for name, _ in reader.choices] == ["nginx_combined", "auth", "cloudtrail"]
