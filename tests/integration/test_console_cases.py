"""The pages of alerts and incidents, and every action, over the real store and workflow."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from console_house import START, House, furnish, make_alert, make_clock, make_incident, signed_in_as

from sentinel.domain.alert import Alert, AlertState
from sentinel.domain.incident import Incident, Legal, Role, Security

CASE_PAGES = [
    "/alerts",
    "/alerts/alert-1",
    "/alerts.csv",
    "/alerts.json",
    "/incidents",
    "/incidents/incident-1",
    "/incidents/incident-1/dossier",
    "/incidents/incident-1/letters",
    "/api/v1/alerts",
    "/api/v1/incidents",
    "/api/v1/incidents/incident-1",
]
ACTIONS = [
    "/alerts/alert-1/acknowledge",
    "/alerts/alert-1/dismiss",
    "/alerts/alert-1/promote",
    "/incidents/incident-1/start-investigation",
    "/incidents/incident-1/confirm-breach",
    "/incidents/incident-1/contain",
    "/incidents/incident-1/record-filing",
    "/incidents/incident-1/dossier",
    "/incidents/incident-1/letters",
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    furnish(opened)
    yield opened
    opened.close()


def alert(house: House) -> Alert:
    return house.now_in_store(lambda tx: tx.alerts.get("alert-1"))


def incident(house: House, incident_id: str = "incident-1") -> Incident:
    return house.now_in_store(lambda tx: tx.incidents.get(incident_id))


async def test_today_shows_clocks_alerts_and_silence(house: House) -> None:
    async with signed_in_as(house) as browser:
        status, body = await browser.get("/")
    assert status == 200
    assert body.index("Initial notification to the CNIL") < body.index("Bulk export by a leaver")
    assert body.index("Bulk export by a leaver") < body.index("silent") < body.index("speaking")
    assert 'data-due="2026-03-08T13:20:00Z"' in body
    assert "8 March 2026 at 14:20 (UTC+1)" in body
    assert "8 March 2026 at 15:00 (UTC+1)" in body, "Regulation 1182/71, for information"
    assert "2 d 23 h 50 min" in body.replace("\u00a0", " ")


async def test_a_late_clock_says_so_in_words(house: House) -> None:
    async with signed_in_as(house) as browser:
        house.now_in_store(
            lambda tx: tx.incidents.put_deadline(
                make_clock("INV", 1, due_at=START - timedelta(hours=6))
            )
        )
        _, body = await browser.get("/")
    assert "clock-late" in body
    assert "6 h 00 min</b> late" in body.replace("\u00a0", " ")


async def test_alerts_stand_by_level(house: House) -> None:
    from console_house import make_rule

    from sentinel.domain.finding import Level

    low = make_alert("alert-low", rule=make_rule(Level.LOW), last=START, actor="usr_low")
    top = make_alert("alert-top", rule=make_rule(Level.CRITICAL), actor="usr_top")
    for one in (low, top):
        house.now_in_store(lambda tx, one=one: tx.alerts.put(one))
    async with signed_in_as(house) as browser:
        _, body = await browser.get("/")
    assert body.index("usr_top") < body.index("usr_abcdefghij234567") < body.index("usr_low")


async def test_one_alert_explains_itself(house: House) -> None:
    async with signed_in_as(house) as browser:
        status, body = await browser.get("/alerts/alert-1")
    assert status == 200
    for told in (
        "the employment ends on 2026-03-09",
        "Ask the team lead.",
        "R-18, R-23",
        "sub_aaaaaaaaaaaaaaaa",
        "2 persons, under pseudonyms",
        "crm#crm-000123",
        "customer.export",
    ):
        assert told in body
    assert "never-shown" not in body, "no query string in the table"


async def test_the_same_alert_in_french(house: House) -> None:
    async with signed_in_as(house, language="fr") as browser:
        _, body = await browser.get("/alerts/alert-1")
    assert "le contrat de travail prend fin le" in body
    assert "Export massif par une personne sur le départ" in body
    assert "Interroger le responsable." in body
    assert '<html lang="fr">' in body


async def test_what_an_attacker_writes_is_text(house: House) -> None:
    evil = make_alert("alert-evil", refs=('<script>alert("x")</script>',), actor="<b>me</b>")
    house.now_in_store(lambda tx: tx.alerts.put(evil))
    async with signed_in_as(house) as browser:
        for path in ("/", "/alerts", "/alerts/alert-evil"):
            _, body = await browser.get(path)
            assert "<script>alert" not in body
            assert "<b>me</b>" not in body
            assert "&lt;b&gt;me&lt;/b&gt;" in body


async def test_an_event_that_is_gone_keeps_its_reference(house: House) -> None:
    house.events.clear()
    async with signed_in_as(house) as browser:
        _, body = await browser.get("/alerts/alert-1")
    assert "no longer stored" in body
    assert "crm#crm-000123" in body


async def test_lists_are_filtered_and_exported(house: House) -> None:
    other = make_alert("alert-2", state=AlertState.DISMISSED, actor="=cmd()", state_reason="test")
    house.now_in_store(lambda tx: tx.alerts.put(other))
    async with signed_in_as(house) as browser:
        assert "alert-2" in (await browser.get("/alerts"))[1]
        assert "alert-2" not in (await browser.get("/alerts?state=open"))[1]
        rows = list(csv.DictReader(io.StringIO((await browser.get("/alerts.csv"))[1])))
        assert {row["id"] for row in rows} == {"alert-1", "alert-2"}
        assert {row["actor"] for row in rows} == {"usr_abcdefghij234567", "'=cmd()"}
        exported = json.loads((await browser.get("/alerts.json?state=dismissed"))[1])
        assert [one["id"] for one in exported] == ["alert-2"]
        assert exported[0]["subjects"] == list(other.subjects)


async def test_pages_of_a_long_list(house: House) -> None:
    for number in range(60):
        one = make_alert(f"more-{number:02d}", last=START - timedelta(days=1, minutes=number))
        house.now_in_store(lambda tx, one=one: tx.alerts.put(one))
    async with signed_in_as(house) as browser:
        _, first = await browser.get("/alerts")
        _, second = await browser.get("/alerts?page=2&state=open")
        assert "Page 1 of 2" in first
        assert "Page 2 of 2" in second
        assert "more-59" not in first
        assert "more-59" in second
        for odd in ("0", "-1", "x", "²", "9" * 30):
            assert "Page 1 of 2" in (await browser.get(f"/alerts?page={odd}"))[1]


async def test_acknowledge(house: House) -> None:
    async with signed_in_as(house) as browser:
        response = await browser.post("/alerts/alert-1/acknowledge")
        assert response.headers["Location"] == "/alerts/alert-1?done=acknowledged"
        _, body = await browser.get("/alerts/alert-1?done=acknowledged")
    assert "The alert is acknowledged." in body
    assert "Camille Durand" in body
    assert alert(house).state is AlertState.ACKNOWLEDGED


async def test_dismiss_needs_a_reason(house: House) -> None:
    async with signed_in_as(house) as browser:
        assert (await browser.post("/alerts/alert-1/dismiss", reason="  ")).status == 400
        assert alert(house).state is AlertState.OPEN
        response = await browser.post("/alerts/alert-1/dismiss", reason="Announced test")
        assert response.status == 303
        assert "Announced test" in (await browser.get("/alerts/alert-1"))[1]
    assert alert(house).state is AlertState.DISMISSED


async def test_promote_opens_an_incident(house: House) -> None:
    async with signed_in_as(house) as browser:
        odd = await browser.post("/alerts/alert-1/promote", title="x", kind="no-such-kind")
        assert odd.status == 400
        response = await browser.post(
            "/alerts/alert-1/promote", title="Customer list exported", kind="bulk_export"
        )
        where = response.headers["Location"]
        assert where.startswith("/incidents/")
        _, body = await browser.get(where)
    assert "The incident is open." in body
    opened = incident(house, alert(house).incident_id)
    assert (opened.title, opened.kind) == ("Customer list exported", "bulk_export")
    assert opened.runbook == "bulk-export"


async def test_a_second_promotion_is_refused_in_words(house: House) -> None:
    async with signed_in_as(house) as browser:
        await browser.post("/alerts/alert-1/promote", title="One", kind="bulk_export")
        again = await browser.post("/alerts/alert-1/promote", title="Two", kind="bulk_export")
        assert again.status == 409
        assert "Refused: nothing was changed" in await again.text()


async def test_confirming_a_breach_starts_the_clock(house: House) -> None:
    fresh = make_incident(
        "incident-2", reference="INC-2026-0002", legal=Legal.SIGNAL, aware_at=None
    )
    house.now_in_store(lambda tx: tx.incidents.put(fresh))
    base = "/incidents/incident-2"
    async with signed_in_as(house) as browser:
        assert (await browser.post(f"{base}/start-investigation")).status == 303
        response = await browser.post(
            f"{base}/confirm-breach", aware_at="2026-03-05T14:20", basis="The file left."
        )
        assert response.headers["Location"] == f"{base}?done=confirmed"
        _, body = await browser.get(base)
    confirmed = incident(house, "incident-2")
    assert confirmed.aware_at == datetime(2026, 3, 5, 13, 20, tzinfo=UTC)
    assert confirmed.legal is Legal.BREACH_CONFIRMED
    assert "8 March 2026 at 14:20 (UTC+1)" in body
    assert "The file left." in body


@pytest.mark.parametrize(
    ("aware_at", "offset"),
    [("", ""), ("yesterday", ""), ("2025-10-26T02:30", ""), ("2026-03-29T02:30", "")],
)
async def test_an_instant_that_is_none_or_two_is_refused(
    house: House, aware_at: str, offset: str
) -> None:
    fresh = make_incident(
        "incident-2", reference="INC-2026-0002", legal=Legal.SIGNAL, aware_at=None
    )
    house.now_in_store(lambda tx: tx.incidents.put(fresh))
    async with signed_in_as(house) as browser:
        response = await browser.post(
            "/incidents/incident-2/confirm-breach",
            aware_at=aware_at,
            aware_at_offset=offset,
            basis="x",
        )
        assert response.status == 400
    assert incident(house, "incident-2").aware_at is None


async def test_an_offset_decides_in_the_repeated_hour(house: House) -> None:
    fresh = make_incident(
        "incident-2", reference="INC-2026-0002", legal=Legal.SIGNAL, aware_at=None
    )
    house.now_in_store(lambda tx: tx.incidents.put(fresh))
    async with signed_in_as(house) as browser:
        response = await browser.post(
            "/incidents/incident-2/confirm-breach",
            aware_at="2025-10-26T02:30",
            aware_at_offset="+01:00",
            basis="The file left.",
        )
        assert response.status == 303
    assert incident(house, "incident-2").aware_at == datetime(2025, 10, 26, 1, 30, tzinfo=UTC)


async def test_contain_and_record_a_filing(house: House) -> None:
    async with signed_in_as(house) as browser:
        assert (await browser.post("/incidents/incident-1/contain")).status == 303
        assert (await browser.post("/incidents/incident-1/contain")).status == 409
        response = await browser.post(
            "/incidents/incident-1/record-filing",
            kind="initial",
            number="N-0001",
            filed_at="2026-03-05T14:25:00",
        )
        assert response.status == 303
    assert incident(house).security is Security.CONTAINED
    assert incident(house).filings[0].number == "N-0001"


async def test_the_case_page_tells_the_whole_case(house: House) -> None:
    async with signed_in_as(house) as browser:
        status, body = await browser.get("/incidents/INC-2026-0001")
    assert status == 200
    for told in (
        "in progress",
        "personal data breach confirmed",
        "The export left the network.",
        "1,200",
        "incident opened",
        "It was detected",
        "the persons must be informed",
    ):
        assert told in body


async def test_dossier_is_drafted_shown_and_handed_out(house: House) -> None:
    base = "/incidents/incident-1"
    async with signed_in_as(house) as browser:
        assert "No dossier is drafted." in (await browser.get(f"{base}/dossier"))[1]
        assert (await browser.post(f"{base}/dossier")).status == 303
        _, body = await browser.get(f"{base}/dossier")
        assert "To be mended before filing" in body
        assert "The export left the network." in body
        assert "to be completed" in body
        download = await browser.client.get(f"{base}/documents/doc-dossier_initial-fr-json")
        assert download.headers["Content-Disposition"].startswith("attachment")
        assert json.loads(await download.read())["reference"] == "INC-2026-0001"


async def test_letters_are_previewed_in_a_sandbox(house: House) -> None:
    house.file("incident-1", "letter", "fr", "text/plain", "Objet : vos données".encode())
    html = house.file("incident-1", "letter", "fr", "text/html", b"<p>x</p><script>1</script>")
    house.file("incident-1", "letter", "en", "text/plain", b"Subject: your data")
    base = "/incidents/incident-1"
    async with signed_in_as(house) as browser:
        _, body = await browser.get(f"{base}/letters")
        assert body.index("vos données") < body.index("your data"), "French first"
        assert "<iframe sandbox " in body
        frame = await browser.client.get(f"{base}/documents/{html.id}/preview")
        policy = frame.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert policy.endswith("sandbox")
        assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"
        text = await browser.client.get(f"{base}/documents/doc-letter-en-plain/preview")
        assert text.status == 404
        assert (await browser.post(f"{base}/letters")).status == 303
    assert house.drafted


async def test_an_altered_document_is_not_handed_out(house: House) -> None:
    document = house.file("incident-1", "letter", "fr", "text/plain", b"as approved")
    (house.directory / document.path).write_bytes(b"as altered")
    async with signed_in_as(house) as browser:
        status, body = await browser.get(f"/incidents/incident-1/documents/{document.id}")
    assert status == 500
    assert "as altered" not in body


async def test_a_document_of_another_case_is_not_found(house: House) -> None:
    document = house.file("incident-1", "letter", "fr", "text/plain", b"x")
    other = make_incident("incident-2", reference="INC-2026-0002")
    house.now_in_store(lambda tx: tx.incidents.put(other))
    async with signed_in_as(house) as browser:
        assert (await browser.get(f"/incidents/incident-2/documents/{document.id}"))[0] == 404


@pytest.mark.parametrize("path", CASE_PAGES)
async def test_an_administrator_sees_no_case(house: House, path: str) -> None:
    async with signed_in_as(house, Role.ADMIN) as browser:
        status, body = await browser.get(path)
    assert status == 403
    for secret in ("INC-2026", "sub_aaaa", "usr_abcd", "Customer list"):
        assert secret not in body


async def test_an_administrator_sees_the_surveillance(house: House) -> None:
    async with signed_in_as(house, Role.ADMIN) as browser:
        status, body = await browser.get("/")
    assert status == 200
    assert "18,432" in body
    for secret in ("INC-2026", "usr_abcd", "Bulk export", "CNIL"):
        assert secret not in body


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
@pytest.mark.parametrize("path", ACTIONS)
async def test_administrator_and_auditor_do_not_act(house: House, role: Role, path: str) -> None:
    before = (alert(house), incident(house))
    async with signed_in_as(house, role) as browser:
        response = await browser.post(
            path,
            reason="r",
            title="t",
            kind="bulk_export",
            aware_at="2026-03-05T14:20",
            basis="b",
            number="1",
            filed_at="2026-03-05T14:20",
        )
        assert response.status == 403
    assert (alert(house), incident(house)) == before


async def test_an_auditor_reads_everything_and_sees_no_button(house: House) -> None:
    async with signed_in_as(house, Role.AUDITOR) as browser:
        for path in CASE_PAGES:
            status, body = await browser.get(path)
            assert status == 200
            forms = body.count('<form method="post"')
            assert forms == body.count('action="/sign-out"')


@pytest.mark.parametrize("path", ["/alerts/none", "/incidents/none", "/nowhere"])
async def test_what_is_not_there_is_not_found(house: House, path: str) -> None:
    async with signed_in_as(house) as browser:
        status, body = await browser.get(path)
    assert status == 404
    assert "There is no such page or record" in body


async def test_a_failure_shows_no_trace(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    async with signed_in_as(house) as browser:
        house.status = lambda: {}["c.durand"]  # type: ignore[method-assign, assignment, return-value]
        status, body = await browser.get("/")
    assert status == 500
    assert "KeyError" not in body
    assert "Traceback" not in body
    told = "".join(capsys.readouterr())
    assert "request_failed" in told
    assert "KeyError at " in told
    assert "c.durand" not in told  # an exception may quote what it met


async def test_a_form_that_is_too_large_is_refused(house: House) -> None:
    async with signed_in_as(house) as browser:
        response = await browser.post("/alerts/alert-1/dismiss", reason="x" * 100_000)
        assert response.status == 413
    assert alert(house).state is AlertState.OPEN
