"""From a line to an event: the shipped profiles, offline and in the service."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sentinel.clock import ManualClock
from sentinel.collect.formats.base import Parsed
from sentinel.collect.formats.registry import format_named
from sentinel.collect.intake import Batch, Intake
from sentinel.collect.normalise import Normaliser
from sentinel.collect.profile import Profile, load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.redact import Redactor
from sentinel.config import SourceSettings
from sentinel.content import content_dir
from sentinel.domain.event import Event, LogSource
from sentinel.errors import ConfigError, ContentError, UnreadableFile
from sentinel.ids import digest_id
from sentinel.store.seal import AesGcmSealer

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))
SEALER = AesGcmSealer(KEY)
PSEUDONYMS = Pseudonymiser(KEY)
PROFILES = load_profiles(content_dir("rules") / "sources")

CRM = {
    "id": "crm-000123",
    "time": "2026-01-02T03:04:05.678Z",
    "actor": {"id": "a.martin", "kind": "staff", "roles": ["support"], "team": "support-1"},
    "action": "customer.read",
    "outcome": "success",
    "customers": ["C00123"],
    "category": "identity",
    "records": 1,
    "mfa": True,
    "ip": "192.0.2.4",
    "path": "/crm/customers/C00123",
    "session": "s-81",
    "environment": "production",
    "agent": "Mozilla/5.0",
}
WEB = (
    '192.0.2.4 - {user} [24/Jan/2026:07:34:57 +0000] "GET {target} HTTP/1.1" 200 6203 '
    '"{referrer}" "Mozilla/5.0"'
)


def web(target: str = "/", user: str = "-", referrer: str = "-") -> str:
    return WEB.format(target=target, user=user, referrer=referrer)


def offline(profile: str | Profile, line: str, fmt: str = "json") -> tuple[Event, list[str]]:
    parsed = format_named(fmt).fresh().parse(line)
    assert isinstance(parsed, Parsed)
    chosen = PROFILES[profile] if isinstance(profile, str) else profile
    normaliser = Normaliser(chosen, redactor=Redactor())
    return normaliser.event(parsed, identify=lambda own: ("id", own), received=NOW)


def intake(profile: str = "", fmt: str = "auto", **more: Any) -> Intake:
    return Intake(
        SourceSettings(name="src", format=fmt, profile=profile),
        PROFILES,
        pseudonymiser=PSEUDONYMS,
        sealer=SEALER,
        clock=ManualClock(NOW),
        max_line_bytes=more.get("max_line_bytes", 100_000),
    )


def service(profile: str, *lines: str, batch_id: str = "b1") -> Batch:
    return intake(profile).batch([line.encode() for line in lines], batch_id)


def opened(event: Event) -> dict[str, Any]:
    originals = SEALER.open(event.sealed, context=f"event:{event.id}")
    return dict(msgspec.json.decode(originals))


def test_a_crm_line_offline() -> None:
    event, dropped = offline("crm-audit", json.dumps(CRM))
    assert dropped == []
    assert event.time == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert event.logsource == LogSource(category="audit", product="application", service="crm")
    assert event.ref == "crm-000123"
    assert event.sealed == b""
    assert event.fields == {
        "event.dataset": "crm.audit",
        "event.category": ["database"],
        "user.name": "a.martin",
        "sentinel.actor.kind": "staff",
        "user.roles": ["support"],
        "user.group.name": "support-1",
        "event.action": "customer.read",
        "event.outcome": "success",
        "sentinel.subject": ["C00123"],
        "sentinel.data_category": "identity",
        "sentinel.record_count": 1,
        "sentinel.mfa": True,
        "source.ip": "192.0.2.4",
        "url.path": "/crm/customers/C00123",
        "sentinel.session": "s-81",
        "sentinel.environment": "production",
        "user_agent.original": "Mozilla/5.0",
    }


def test_a_crm_line_in_the_service_holds_no_identifier_in_clear() -> None:
    (event,) = service("crm-audit", json.dumps(CRM)).events
    clear = msgspec.json.encode(msgspec.structs.replace(event, sealed=b"")).decode()
    for identifier in ("a.martin", "C00123", "192.0.2.4", "s-81"):
        assert identifier not in clear
    subject = PSEUDONYMS.pseudonym("sub", "C00123")
    assert event.fields["user.name"] == PSEUDONYMS.pseudonym("usr", "a.martin")
    assert event.fields["sentinel.subject"] == [subject]
    assert event.fields["url.path"] == f"/crm/customers/{subject}"
    assert event.fields["source.ip"] == PSEUDONYMS.pseudonym("ip", "192.0.2.4")
    assert event.fields["sentinel.session"] == PSEUDONYMS.pseudonym("ses", "s-81")
    assert opened(event) == {
        "user.name": "a.martin",
        "sentinel.subject": ["C00123"],
        "source.ip": "192.0.2.4",
        "sentinel.session": "s-81",
        "url.path": "/crm/customers/C00123",
    }


def test_identity_of_an_event_follows_its_own_id() -> None:
    line = json.dumps(CRM)
    (one,), (two,) = (service("crm-audit", line, batch_id=batch).events for batch in "ab")
    assert one.id == two.id == digest_id("event", "src", "crm-000123")
    assert one.ref == "src#crm-000123"


def test_identity_of_a_line_without_id_follows_batch_and_line() -> None:
    first = service("nginx-site", web(), web(), batch_id="key:1")
    again = service("nginx-site", web(), web(), batch_id="key:1")
    other = service("nginx-site", web(), web(), batch_id="key:2")
    ids = [event.id for event in first.events]
    assert ids == [event.id for event in again.events]
    assert len({*ids, *(event.id for event in other.events)}) == 4
    assert {event.ref for event in first.events} == {""}


def test_unlisted_fields_are_dropped_and_counted() -> None:
    line = json.dumps({**CRM, "mood": "fine", "actor": {**CRM["actor"], "phone": "x"}})  # type: ignore[dict-item]
    batch = service("crm-audit", line, line)
    assert batch.dropped_fields == {"mood": 2, "actor.phone": 2}
    assert "fine" not in msgspec.json.encode(batch.events).decode()


def test_a_field_of_the_wrong_type_is_named() -> None:
    event, _ = offline("crm-audit", json.dumps({**CRM, "records": "many", "mfa": "perhaps"}))
    assert event.fields["sentinel.invalid_fields"] == ["records", "mfa"]
    assert "sentinel.record_count" not in event.fields
    assert "many" not in str(event.fields)


@pytest.mark.parametrize(
    ("records", "count"), [("17", 17), (17.0, 17), (17.5, None), (True, None), (2**70, None)]
)
def test_counts(records: object, count: int | None) -> None:
    event, _ = offline("crm-audit", json.dumps({**CRM, "records": records}))
    assert event.fields.get("sentinel.record_count") == count


def test_a_line_without_time_gets_the_time_of_receipt() -> None:
    for time in (None, "soon"):
        event, _ = offline("crm-audit", json.dumps({**CRM, "time": time}))
        assert event.time == NOW
        assert event.fields["sentinel.time_missing"] is True


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
def test_far_times_are_kept(time: str) -> None:
    event, _ = offline("crm-audit", json.dumps({**CRM, "time": time}))
    assert event.time == datetime.fromisoformat(time)


def test_category_and_subject_come_from_the_route_where_the_line_names_none() -> None:
    line = {name: value for name, value in CRM.items() if name not in ("customers", "category")}
    event, _ = offline("crm-audit", json.dumps({**line, "path": "/crm/customers/C00777/invoices"}))
    assert event.fields["sentinel.subject"] == ["C00777"]
    assert event.fields["sentinel.data_category"] == "billing_transaction"


def test_an_export_path_names_nobody() -> None:
    line = {name: value for name, value in CRM.items() if name != "customers"}
    event, _ = offline("crm-audit", json.dumps({**line, "path": "/crm/customers/export"}))
    assert "sentinel.subject" not in event.fields


def test_a_customer_on_the_site_is_actor_and_subject() -> None:
    event, _ = offline("nginx-site", web("/documents/17", "C00123"), "nginx_combined")
    assert event.fields["sentinel.actor.kind"] == "customer"
    assert event.fields["sentinel.subject"] == ["C00123"]
    assert event.fields["sentinel.data_category"] == "documents"
    assert event.fields["event.outcome"] == "success"
    (stored,) = service("nginx-site", web("/documents/17", "C00123")).events
    assert stored.fields["sentinel.subject"] == [stored.fields["user.name"]]


def test_a_visitor_is_nobodys_subject() -> None:
    event, _ = offline("nginx-site", web("/offers/"), "nginx_combined")
    assert event.fields["sentinel.actor.kind"] == "visitor"
    assert "sentinel.subject" not in event.fields


def test_addresses_of_pages_do_not_leak_the_customer() -> None:
    line = web(
        "/customers/C00123/invoices?back=C00456",
        "C00123",
        "https://www.example.org/customers/C00789",
    )
    (event,) = service("nginx-site", line).events
    clear = msgspec.json.encode(event.fields).decode()
    assert "C00" not in clear
    assert event.fields["sentinel.data_category"] == "billing_transaction"
    assert opened(event)["url.original"] == "/customers/C00123/invoices?back=C00456"


def test_sessions_follow_the_user_else_the_browser() -> None:
    batch = service("nginx-site", web("/a", "C00123"), web("/b", "C00123"), web("/a"), web("/b"))
    sessions = [event.fields["sentinel.session"] for event in batch.events]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]
    assert all(str(session).startswith("ses_") for session in sessions)
    raw, _ = offline("nginx-site", web(), "nginx_combined")
    assert str(raw.fields["sentinel.session"]).startswith("ses_")
    assert raw.fields["sentinel.session"] != sessions[2]


def test_secrets_are_gone_even_from_the_seal() -> None:
    line = web("/customers/C00123?password=hunter2&card=4111111111111111")
    (event,) = service("nginx-site", line).events
    assert event.fields["sentinel.redacted"] == ["card_number", "secret"]
    assert "hunter2" not in str(opened(event))
    assert "4111" not in str(opened(event))


def test_facts() -> None:
    batch = service(
        "business-facts",
        "kind,id,customer,staff,team,category,opened_by,valid_from,valid_to,recorded_at",
        "ticket,T1,C00123,a.martin,support-1,identity,C00123,"
        "2026-01-02T03:00:00+01:00,,2026-01-02T02:00:00Z",
        "employment,E1,,a.martin,support-1,,,2020-01-01,2026-02-01,2026-01-02T02:00:00Z",
    )
    ticket, employment = batch.events
    assert ticket.time == datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
    assert ticket.fields["fact.valid_from"] == "2026-01-02T02:00:00.000Z"
    assert ticket.fields["fact.recorded_at"] == "2026-01-02T02:00:00.000Z"
    assert ticket.fields["fact.opened_by"] == ticket.fields["fact.subject"]
    assert ticket.fields["fact.subject"] == PSEUDONYMS.pseudonym("sub", "C00123")
    assert employment.fields["fact.actor"] == ticket.fields["fact.actor"]
    assert employment.fields["fact.valid_to"] == "2026-02-01T00:00:00.000Z"
    assert ticket.logsource == LogSource(category="business", product="backoffice")
    assert ticket.fields["event.dataset"] == "business.fact"


def test_unparsed_lines_are_kept_sealed_and_counted() -> None:
    batch = service("crm-audit", json.dumps(CRM), "a.martin password=hunter2 {", "", "   ")
    assert (batch.accepted, len(batch.unparsed), len(batch.events)) == (1, 1, 2)
    assert batch.unparsed[0].line_number == 2
    kept = batch.events[1]
    assert kept.fields["event.dataset"] == "sentinel.unparsed"
    assert kept.fields["error.message"] == batch.unparsed[0].reason
    assert kept.fields["sentinel.redacted"] == ["secret"]
    assert "martin" not in msgspec.json.encode(kept.fields).decode()
    assert opened(kept) == {"event.original": "a.martin password=[redacted:secret] {"}


def test_bytes_that_are_no_text_are_kept() -> None:
    batch = intake("crm-audit").batch([b'{"id":"\xff"}'], "b")
    assert opened(batch.events[0]) == {"event.original": '{"id":"\\xff"}'}


def test_an_overlong_line_is_kept_up_to_the_limit() -> None:
    batch = intake("crm-audit", max_line_bytes=20).batch([json.dumps(CRM).encode()], "b")
    assert "longer than 20 bytes" in batch.unparsed[0].reason
    assert opened(batch.events[0]) == {"event.original": json.dumps(CRM)[:20]}


def test_slices_together_are_the_batch() -> None:
    lines = [b"kind,id,recorded_at,valid_from"]
    lines += [f"ticket,T{n},2026-01-02,2026-01-01".encode() for n in range(600)]
    parts = list(intake("business-facts").slices(lines, "b"))
    assert [len(part.events) for part in parts] == [255, 256, 89]
    whole = intake("business-facts").batch(lines, "b")
    assert [event.id for event in whole.events] == [e.id for part in parts for e in part.events]


@pytest.mark.parametrize(
    ("lines", "action"),
    [
        ([json.dumps(CRM)], "customer.read"),
        ([web("/a", "C00123")], None),
        (["Mar 27 13:06:56 h sshd[1]: Accepted password for u1 from 192.0.2.1 port 2 ssh2"],
         "ssh_login"),
        (['{"@timestamp":"2026-01-02T03:04:05Z","event":{"action":"x"},"user":{"name":"u1"}}'],
         "x"),
    ],
)  # fmt: skip
def test_an_undeclared_source_finds_its_profile(lines: list[str], action: str | None) -> None:
    batch = service("", *lines)
    assert batch.unparsed == []
    assert batch.events[0].fields.get("event.action") == action
    clear = msgspec.json.encode(batch.events[0].fields).decode()
    assert "192.0.2" not in clear
    assert '"u1"' not in clear


def test_what_only_a_reader_may_see_is_dropped_in_the_service() -> None:
    line = '{"@timestamp":"2026-01-02T03:04:05Z","customer_name":"Zoé","x":9007199254740993000000}'
    event, dropped = offline("generic-json", line, "ecs")
    assert event.fields["customer_name"] == "Zoé"
    assert event.fields["x"] == "9007199254740993000000"
    assert dropped == []
    assert service("generic-json", line).dropped_fields == {"customer_name": 1, "x": 1}


def test_w3c_names_become_ecs() -> None:
    line = json.dumps(
        {"@timestamp": "2026-01-02T03:04:05Z", "product": "nginx", "category": "webserver",
         "service": "access", "c-ip": "192.0.2.1", "sc-status": 404, "cs-username": "-"}
    )  # fmt: skip
    event, _ = offline("generic-json", line, "ecs")
    assert event.logsource == LogSource(category="webserver", product="nginx", service="access")
    assert event.fields["http.response.status_code"] == 404
    assert event.fields["event.outcome"] == "failure"
    assert "user.name" not in event.fields


def test_a_category_without_product_is_a_field() -> None:
    event, _ = offline("generic-json", '{"time":"2026-01-02","category":"identity"}')
    assert event.logsource == LogSource()
    assert event.fields["category"] == "identity"


def test_every_shipped_profile_covers_its_formats_default() -> None:
    assert {"nginx-site", "crm-audit", "business-facts", "generic-json", "generic-web"} <= set(
        PROFILES
    )
    defaults = [name for profile in PROFILES.values() for name in profile.default_for]
    assert len(defaults) == len(set(defaults))


@pytest.mark.parametrize("setting", [{"profile": "nope"}, {"fmt": "nope"}])
def test_a_source_that_names_what_is_not_there(setting: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"source src: no .* is called 'nope'"):
        intake(**setting)


@pytest.mark.parametrize(
    ("text", "where", "detail"),
    [
        ("id: p\ntitle: T\nformats: [json]\nfields: {}\nfeilds: {}\n", ":5:1", "no such entry"),
        ("id: p\ntitle: T\nformats: [jsn]\nfields: {}\n", ":3:1", "no format is called 'jsn'"),
        ("id: q\ntitle: T\nformats: [json]\nfields: {}\n", ":1:1", "calls itself q"),
        (
            "id: p\ntitle: T\nformats: [json]\nfields: {a: {to: b, type: integer}}\n",
            ":4:21",
            "Input should be",
        ),
        ("id: p\nid: p\n", ":2:1", "given twice"),
        ("id: [\n", ":2:1", ""),
        (
            "id: p\ntitle: T\nformats: [json]\nfields: {}\nroutes:\n"
            "  - path: /{subject}/{subject}\n",
            ":6:5",
            "stands twice",
        ),
        (
            "id: p\ntitle: T\nformats: [json]\nfields: {}\nsubject_pattern: '(?=x)'\n",
            ":5:1",
            "RE2",
        ),
    ],
)
def test_a_bad_profile_says_where(tmp_path: Path, text: str, where: str, detail: str) -> None:
    (tmp_path / "p.yml").write_text(text)
    with pytest.raises(ContentError) as caught:
        load_profiles(tmp_path)
    assert caught.value.where.startswith(str(tmp_path / "p.yml") + where)
    assert detail in caught.value.detail


def test_no_folder_of_profiles(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        load_profiles(tmp_path / "none")
