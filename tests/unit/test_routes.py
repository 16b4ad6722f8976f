"""Who hears of what: first match decides, a wrong file is told with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from sentinel.clock import ManualClock
from sentinel.config import NotifySettings, Settings, SmtpSettings
from sentinel.content import content_dir
from sentinel.domain.alert import Alert
from sentinel.domain.deadline import Deadline
from sentinel.domain.finding import Level, RuleInfo
from sentinel.errors import ConfigError, ContentError
from sentinel.notify.registry import build_registry
from sentinel.notify.routes import Router, load_router

T = datetime(2026, 3, 2, 8, 12, tzinfo=UTC)
KNOWN = {"email", "webhook", "pager"}


def alert(level: Level = Level.HIGH, slug: str = "a", categories: tuple[str, ...] = ()) -> Alert:
    return Alert(
        id="a1",
        fingerprint="f",
        rule=RuleInfo(id="r", slug=slug, title="t", level=level),
        actor="usr_x",
        subjects=(),
        categories=categories,
        first=T,
        last=T,
        created_at=T,
        count=1,
        event_count=1,
        events=(),
        refs=(),
        reasons=(),
    )


def deadline(*, hard: bool) -> Deadline:
    return Deadline(
        id="d", incident_id="i", obligation="CNIL-72", basis="", anchor_at=T, due_at=T, hard=hard
    )


def router(tmp_path: Path, text: str, live: set[str] | None = None) -> Router:
    path = tmp_path / "routes.yml"
    path.write_text(text, encoding="utf-8")
    return load_router(path, known=KNOWN, live=KNOWN if live is None else live)


TABLE = """\
routes:
  - rules: [quiet]
    channels: []
  - levels: [critical]
    categories: [credentials]
    channels: [pager, email, pager]
  - levels: [critical, high]
    channels: [email, webhook]
default: [email]
alarms:
  hard: [pager]
  soft: [email]
"""


@pytest.mark.parametrize(
    ("given", "channels"),
    [
        (alert(Level.CRITICAL, "quiet"), []),
        (alert(Level.CRITICAL, categories=("credentials", "identity")), ["pager", "email"]),
        (alert(Level.CRITICAL, categories=("identity",)), ["email", "webhook"]),
        (alert(Level.HIGH, categories=("credentials",)), ["email", "webhook"]),
        (alert(Level.LOW), ["email"]),
    ],
)
def test_the_first_route_whose_every_condition_holds_decides(
    tmp_path: Path, given: Alert, channels: list[str]
) -> None:
    assert router(tmp_path, TABLE).route(given) == channels


def test_alarms_of_the_law_go_elsewhere_than_targets(tmp_path: Path) -> None:
    table = router(tmp_path, TABLE)
    assert table.route_alarm(deadline(hard=True)) == ["pager"]
    assert table.route_alarm(deadline(hard=False)) == ["email"]


def test_a_channel_that_cannot_send_is_passed_over(tmp_path: Path) -> None:
    assert router(tmp_path, TABLE, live={"webhook"}).route(alert()) == ["webhook"]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("default: [mail]\n", ":1:", "no channel is called 'mail'"),
        (TABLE.replace("hard: [pager]", "hard: [fax]"), ":11:", "no channel is called 'fax'"),
        (TABLE.replace("[critical, high]", "[severe]"), ":7:", "levels"),
        (TABLE.replace("default", "defaults"), ":9:", "defaults"),
        ("default: [email\n", ":2:", ""),
    ],
)
def test_a_wrong_table_is_told_with_its_line(
    tmp_path: Path, text: str, where: str, what: str
) -> None:
    with pytest.raises(ContentError) as raised:
        router(tmp_path, text)
    assert f"routes.yml{where}" in raised.value.where
    assert what in str(raised.value)


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"language": "fr", **changes})


MAIL = SmtpSettings(host="127.0.0.1", port=2525, security="none", sender="sentinel@example.org")
CLOCK = ManualClock(T)


def test_shipped_channels_are_off_until_they_are_configured() -> None:
    registry = build_registry(settings(), CLOCK)
    assert registry.channels == {}
    assert registry.off == {
        "email": "smtp.host is not set",
        "webhook": "notify.webhook_url is not set",
    }


def test_shipped_routes_and_channels_work_together() -> None:
    given = settings(
        smtp=MAIL,
        notify=NotifySettings(
            email_to=["security@example.org"], webhook_url="http://127.0.0.1:9/hook"
        ),
    )
    registry = build_registry(given, CLOCK)
    assert set(registry.channels) == {"email", "webhook"}
    assert {channel.id for channel in registry.channels.values()} == {"email", "webhook"}
    assert registry.languages == {"email": "fr", "webhook": "fr"}
    shipped = load_router(
        content_dir("notifiers") / "routes.yml", known=registry.ids, live=registry.channels
    )
    assert shipped.route(alert(Level.CRITICAL)) == ["email", "webhook"]
    assert shipped.route(alert(Level.MEDIUM)) == ["email"]
    assert shipped.route(alert(Level.INFORMATIONAL)) == []
    assert shipped.route_alarm(deadline(hard=True)) == ["email", "webhook"]


def test_mail_without_recipients_is_off() -> None:
    assert build_registry(settings(smtp=MAIL), CLOCK).off["email"] == "notify.email_to is empty"


def channel_file(tmp_path: Path, name: str, text: str) -> Settings:
    folder = tmp_path / "channels"
    folder.mkdir()
    (folder / name).write_text(text, encoding="utf-8")
    return settings(notifiers_dir=tmp_path, smtp=MAIL)


def test_a_channel_file_may_name_its_own_recipients_and_language(tmp_path: Path) -> None:
    text = "id: dpo\ntype: email\ntitle: {fr: DPO, en: DPO}\nto: [dpo@example.org]\nlanguage: en\n"
    registry = build_registry(channel_file(tmp_path, "dpo.yml", text), CLOCK)
    assert set(registry.channels) == {"dpo"}
    assert registry.languages == {"dpo": "en"}


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("a.yml", "id: b\ntype: email\ntitle: {fr: x, en: x}\n", "a.yml:1:1"),
        ("a.yml", "id: a\ntype: fax\ntitle: {fr: x, en: x}\n", "a.yml:2:1"),
        ("a.yml", "id: a\ntype: email\ntitle: {fr: x}\n", "a.yml:3:1"),
        ("a.yml", "id: a\ntype: email\ntitle: {fr: x, en: x}\ncolour: red\n", "a.yml:4:1"),
    ],
)
def test_a_wrong_channel_file_is_told_with_its_line(
    tmp_path: Path, name: str, text: str, where: str
) -> None:
    with pytest.raises(ContentError) as raised:
        build_registry(channel_file(tmp_path, name, text), CLOCK)
    assert where in raised.value.where


@pytest.mark.parametrize(
    "notify",
    [
        {"webhook_url": "http://hooks.example.org/x", "webhook_secret": "s"},
        {"webhook_url": "https://hooks.example.org/x"},
    ],
)
def test_a_webhook_outside_this_machine_needs_tls_and_a_secret(notify: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        build_registry(settings(notify=notify), CLOCK)


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/x", "not an address"])
def test_a_webhook_needs_a_web_address(address: str) -> None:
    with pytest.raises(ValidationError, match="web address"):
        settings(notify={"webhook_url": address})
