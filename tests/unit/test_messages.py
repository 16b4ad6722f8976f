"""The messages to the team: two languages, nothing empty, nothing personal, no injection."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sentinel.content import content_dir
from sentinel.domain.outbox import Message
from sentinel.errors import ContentError
from sentinel.notify.messages import MessageRenderer

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
ROOT = content_dir("notifiers") / "messages"
CONTEXTS: dict[str, dict[str, object]] = {
    "alert": {
        "alert_id": "0198f",
        "rule": "leaver_bulk_export",
        "title": {"en": "Leaver exports many records", "fr": "Export massif par un partant"},
        "level": "critical",
        "actor": "usr_abcdefghijklmnop",
        "subjects": 1200,
        "events": 1,
        "first": "2026-03-02T08:09:00.000Z",
        "last": "2026-03-02T08:09:00.000Z",
    },
    "deadline_alarm": {
        "deadline_id": "d1",
        "incident_id": "i1",
        "reference": "INC-2026-0001",
        "obligation": "CNIL-72",
        "basis": "GDPR art. 33(1)",
        "hard": True,
        "anchor": "2026-03-02T08:12:00.000Z",
        "due": "2026-03-05T08:12:00.000Z",
        "alarm": "2026-03-04T20:12:00.000Z",
        "remaining_minutes": 720,
        "overdue": False,
        "late": False,
    },
}


def message(kind: str, **changes: object) -> Message:
    return Message(
        id="m1",
        key=f"{kind}:1:email",
        channel="email",
        kind=kind,
        context={**CONTEXTS[kind], **changes},
        created_at=NOW,
        next_attempt_at=NOW,
    )


def renderer(language: str, root: Path = ROOT, public_url: str = "") -> MessageRenderer:
    return MessageRenderer(root, languages={"email": language}, public_url=public_url)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", sorted(CONTEXTS))
@pytest.mark.parametrize("public_url", ["", "https://console.example.org/"])
def test_every_message_renders_whole(kind: str, language: str, public_url: str) -> None:
    rendered = renderer(language, public_url=public_url).render(message(kind))
    assert rendered.subject.startswith("[Sentinel] ")
    assert "\n" not in rendered.subject
    assert rendered.language == language
    assert f'<html lang="{language}">' in rendered.html
    for text in (rendered.text, rendered.html):
        assert "None" not in text
        assert "{{" not in text
        assert "{%" not in text
    assert ("https://console.example.org/" in rendered.text) is bool(public_url)
    assert "//alerts" not in rendered.text
    assert "//incidents" not in rendered.text


def test_the_french_alert_reads_as_french() -> None:
    rendered = renderer("fr").render(message("alert"))
    assert rendered.subject == (
        "[Sentinel] Alerte de niveau critique\u00a0: Export massif par un partant"
    )
    assert "Personnes concernées\u00a0: 1\u202f200" in rendered.text
    assert "2\u00a0mars\u00a02026 à 9\u00a0h\u00a009 (UTC+1)" in rendered.text


def test_the_english_alert_reads_as_english() -> None:
    rendered = renderer("en").render(message("alert"))
    assert rendered.subject == "[Sentinel] Alert, level critical: Leaver exports many records"
    assert "Persons concerned: 1,200" in rendered.text


@pytest.mark.parametrize(
    ("language", "changes", "subject"),
    [
        ("fr", {}, "Échéance dans 12 h 00 min : notification initiale à la CNIL (INC-2026-0001)"),
        ("en", {}, "Due in 12 h 00 min: initial notification to the CNIL (INC-2026-0001)"),
        (
            "fr",
            {"overdue": True, "remaining_minutes": -75},
            "Échéance dépassée : notification initiale à la CNIL (INC-2026-0001)",
        ),
        ("en", {"reference": "", "obligation": "ACK"}, "Due in 12 h 00 min: acknowledge the alert"),
    ],
)
def test_an_alarm_says_what_is_due_and_when(
    language: str, changes: dict[str, object], subject: str
) -> None:
    rendered = renderer(language).render(message("deadline_alarm", **changes))
    plain = rendered.subject.replace("\u00a0", " ").replace("\u202f", " ")
    assert plain == f"[Sentinel] {subject}"


def test_a_late_alarm_admits_it() -> None:
    on_time = renderer("fr").render(message("deadline_alarm"))
    late = renderer("fr").render(message("deadline_alarm", late=True))
    assert "en retard" not in on_time.text
    assert "envoyée en retard" in late.text


def test_an_overdue_alarm_shows_no_negative_number() -> None:
    rendered = renderer("en").render(message("deadline_alarm", overdue=True, remaining_minutes=-75))
    assert "Overdue by 1\u00a0h\u00a015\u00a0min" in rendered.text
    assert "-75" not in rendered.text


def test_an_unknown_clock_keeps_its_code() -> None:
    rendered = renderer("fr").render(message("deadline_alarm", obligation="NIS2-24"))
    assert "NIS2-24" in rendered.subject


def test_html_escapes_what_a_rule_is_called() -> None:
    title = {"fr": "<script>alert(1)</script>", "en": "<b>"}
    rendered = renderer("fr").render(message("alert", title=title))
    assert "<script>" not in rendered.html
    assert "&lt;script&gt;" in rendered.html


def test_a_value_cannot_start_a_line_or_a_header() -> None:
    title = {"fr": "Titre\r\nBcc: x@example.org", "en": "x"}
    rendered = renderer("fr").render(message("alert", title=title))
    assert "\r" not in rendered.subject + rendered.text
    assert "\n" not in rendered.subject
    assert "\nBcc" not in rendered.text


def test_a_missing_title_falls_back_on_the_other_language() -> None:
    rendered = renderer("fr").render(message("alert", title={"en": "Only English"}))
    assert "Only English" in rendered.subject


def test_machines_get_the_context_and_the_key() -> None:
    payload = renderer("en").render(message("alert")).payload
    assert payload["kind"] == "alert"
    assert payload["key"] == "alert:1:email"
    assert payload["actor"] == "usr_abcdefghijklmnop"
    assert payload["created_at"] == "2026-03-02T08:15:00.000Z"


def test_a_context_without_a_name_is_an_error_with_its_place() -> None:
    incomplete = message("alert")
    del incomplete.context["actor"]
    with pytest.raises(ContentError, match=r"alert\.en\.txt\.j2:6.*'actor' is undefined"):
        renderer("en").render(incomplete)


def test_a_kind_without_templates_is_an_error() -> None:
    unknown = message("alert")
    unknown.kind = "postcard"
    with pytest.raises(ContentError, match=r"no template 'postcard\.en\.subject\.j2'"):
        renderer("en").render(unknown)


def test_a_template_cannot_run_code(tmp_path: Path) -> None:
    root = tmp_path / "messages"
    shutil.copytree(ROOT, root)
    (root / "alert.en.txt.j2").write_text("{{ rule.__class__.__mro__ }}", encoding="utf-8")
    with pytest.raises(ContentError, match="unsafe"):
        renderer("en", root).render(message("alert"))
