"""Letters as mails: signed by published vectors, without tracking; reports and logs read right."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from sentinel.domain.dispatch import Dispatch, DispatchState, Failure, Report
from sentinel.errors import ConfigError, Refused
from sentinel.notify.campaign.bounces import failure_of
from sentinel.notify.campaign.compose import (
    BadAddress,
    Composer,
    Recipient,
    Text,
    mailbox,
    read_letter,
    remote_content,
)
from sentinel.notify.campaign.dkim import (
    DkimSigner,
    chosen,
    read_headers,
    relaxed_body,
    relaxed_header,
    split_message,
)
from sentinel.notify.campaign.relay import clean, queue_id, xtext
from sentinel.notify.campaign.relay_log import Found, RelayLog
from sentinel.notify.campaign.reports import Kind, apply, read_report
from sentinel.notify.campaign.ways import PRIMARY, SECOND, Turn, Ways

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = "0123456789abcdef" * 2
# RFC 8463, appendix A: the key of RFC 8032, section 7.1, and the message of RFC 6376, appendix A.
SEED = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
MESSAGE = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    b"\r\n"
    b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n"
)
UNSIGNED = (
    b" v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b="
)
SIGNATURE = (
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
)


def pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
COMPOSER = Composer(
    sender="Exemple Télécom <info@example.org>",
    reply_to="dpo@example.org",
    bounce="bounces@example.org",
)
LETTER = Text(
    language="fr",
    subject="Vos données ont été lues à l’été dernier : ce qui s’est passé, ce que vous pouvez",
    text="Bonjour,\n\n.\n..\n" + "é" * 1200 + "\n\n\n",
    html="<!doctype html><p>Bonjour</p>",
)


def test_dkim_signs_as_rfc_8463_appendix_a() -> None:
    head, body = split_message(MESSAGE)
    digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
    assert digest == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"]
    signed = chosen(read_headers(head), names) + relaxed_header("DKIM-Signature", UNSIGNED)
    signer = DkimSigner("football.example.com", "brisbane", pem(ED25519))
    assert base64.b64encode(signer.signature(signed)).decode() == SIGNATURE


@pytest.mark.parametrize(
    ("name", "value", "relaxed"),
    [
        ("A", b" X\r\n", b"a:X"),
        ("B ".strip(), b" Y\t\r\n\tZ  \r\n", b"b:Y Z"),
    ],
)
def test_dkim_headers_as_rfc_6376_3_4_5(name: str, value: bytes, relaxed: bytes) -> None:
    assert relaxed_header(name, value.removesuffix(b"\r\n")) == relaxed


def test_dkim_body_as_rfc_6376_3_4_5() -> None:
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"
    assert relaxed_body(b"") == b""


def test_a_whole_letter_verifies_with_rsa_and_breaks_where_touched() -> None:
    key = rsa.generate_private_key(65537, 2048)
    mail = COMPOSER.compose(
        LETTER, Recipient(name="Éloïse", email="p1@example.org"), token=TOKEN, at=NOW
    )
    signed = DkimSigner("example.org", "s1", pem(key)).sign(mail, NOW)

    def verifies(message: bytes) -> bool:
        head, body = split_message(message)
        headers = read_headers(head)
        raw = next(value for name, value in headers if name == "DKIM-Signature")
        text = b"".join(raw.split()).decode()
        tags = dict(tag.split("=", 1) for tag in text.split(";"))
        others = [pair for pair in headers if pair[0] != "DKIM-Signature"]
        bare = raw[: raw.rindex(b"b=") + 2]
        over = chosen(others, tags["h"].split(":")) + relaxed_header("DKIM-Signature", bare)
        if base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode() != tags["bh"]:
            return False
        try:
            key.public_key().verify(base64.b64decode(tags["b"]), over, padding.PKCS1v15(), SHA256())
        except Exception:
            return False
        return True

    assert verifies(signed)
    assert not verifies(signed.replace(b"Bonjour", b"Bonsoir", 1))
    assert not verifies(signed.replace(b"\r\nDate:", b"\r\nSubject: other\r\nDate:", 1))


def test_weak_or_foreign_dkim_keys_are_refused() -> None:
    with pytest.raises(ConfigError, match="1024 bits"):
        DkimSigner("example.org", "s", pem(rsa.generate_private_key(65537, 1024)))
    with pytest.raises(ConfigError, match="no private key"):
        DkimSigner("example.org", "s", "nonsense")


def test_a_mail_says_what_it_must_and_nothing_that_reports_back() -> None:
    raw = COMPOSER.compose(
        LETTER,
        Recipient(name='D’Éloïse, "x"\r\nBcc: y', email="P1@exämple.org"),
        token=TOKEN,
        at=NOW,
    )
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert found["Message-ID"] == f"<{TOKEN}@example.org>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Reply-To"] == "dpo@example.org"
    assert found["Content-Language"] == "fr"
    assert found["Subject"] == LETTER.subject
    assert found["Bcc"] is None
    assert found["To"].addresses[0].addr_spec == "P1@xn--exmple-cua.org"
    assert not [name for name in found.keys() if name.lower().startswith("list-")]  # noqa: SIM118
    plain = found.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip() == LETTER.text.rstrip()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.isascii()


@pytest.mark.parametrize(
    "page",
    [
        '<img src="https://t.example.com/p.gif">',
        '<link rel="stylesheet" href="https://example.com/a.css">',
        "<script>1</script>",
        '<table background="http://example.com/x">',
        '<p style="background:url(http://example.com/x)">',
        "<style>@import 'http://example.com'</style>",
        '<body onload="x()">',
        '<a href="javascript:x()">',
        '<a ping="https://example.com" href="https://example.org">',
        '<meta http-equiv="refresh" content="0;url=https://example.com">',
        "<iframe></iframe>",
        '<form action="https://example.com">',
    ],
)
def test_a_letter_that_fetches_or_runs_is_refused(page: str) -> None:
    assert remote_content(page)
    with pytest.raises(Refused, match="fetches or runs"):
        read_letter("fr", b"Sujet\n\nTexte", page.encode())


def test_a_letter_with_links_and_styles_is_none_of_that() -> None:
    page = '<style>p{color:red}</style><p style="margin:0"><a href="https://www.cnil.fr">x</a>'
    assert not remote_content(page)
    assert read_letter("fr", b"Sujet\n\nTexte", page.encode()).subject == "Sujet"
    with pytest.raises(Refused, match="no subject line"):
        read_letter("fr", b"Texte sans sujet", page.encode())


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@", "@b", "a b@example.org", "a@b\r\nRCPT TO:<x@y>", "é@example.org", "a@b@c<d"],
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(BadAddress):
        mailbox(address)


@given(st.text(max_size=60))
def test_no_address_breaks_out_of_its_line(address: str) -> None:
    try:
        found = mailbox(address)
    except BadAddress:
        return
    assert found.isascii()
    assert not set(found) & set("\r\n<> \t")


def test_what_servers_say_is_kept_without_addresses() -> None:
    assert (
        clean("550 <a.b@example.org>: no\r\nsuch user a@b")
        == "550 <address>: no such user <address>"
    )
    assert queue_id("2.0.0 Ok: queued as C6FF5B14525") == "C6FF5B14525"
    assert queue_id("OK id=1rT-0001-AB") == "1rT-0001-AB"
    assert not queue_id("Message accepted")
    assert xtext("a+b=c@example.org") == "a+2Bb+3Dc@example.org"


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        ("5.1.1", 550, Failure.ADDRESS),
        ("5.1.8", 550, Failure.POLICY),
        ("5.2.1", 0, Failure.MAILBOX_DISABLED),
        ("5.2.2", 0, Failure.MAILBOX_FULL),
        ("4.2.2", 0, Failure.MAILBOX_FULL),
        ("5.3.4", 0, Failure.TOO_LARGE),
        ("4.4.7", 0, Failure.EXPIRED),
        ("5.4.4", 0, Failure.ROUTING),
        ("5.6.1", 0, Failure.CONTENT),
        ("5.7.26", 0, Failure.POLICY),
        ("5.0.0", 550, Failure.ADDRESS),
        ("", 552, Failure.MAILBOX_FULL),
        ("", 554, Failure.OTHER),
    ],
)
def test_refusals_are_named(status: str, code: int, failure: Failure) -> None:
    assert failure_of(status, code) is failure


def dsn(
    action: str = "delivered",
    status: str = "2.0.0",
    *,
    envid: str = TOKEN,
    message_id: str = "",
    to: str = "bounces@example.org",
    detail: str = "smtp; 250 ok <p1@example.org>",
) -> bytes:
    head = f"Original-Envelope-Id: {envid}\n" if envid else ""
    return (
        f"From: MAILER-DAEMON@mx.example.com\nTo: {to}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nA report.\n\n"
        "--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.com\n{head}\n"
        f"Final-Recipient: rfc822; p1@example.org\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: {detail}\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {message_id or '<x@y>'}\n\n--b--\n"
    ).encode()


def test_a_report_names_its_letter_by_envelope_message_id_or_address() -> None:
    for raw in (
        dsn(),
        dsn(envid="", message_id=f"<{TOKEN}@example.org>"),
        dsn(envid="", to=f"bounces+{TOKEN}@example.org"),
    ):
        read = read_report(raw, NOW)
        assert (read.kind, read.tokens) == (Kind.REPORT, (TOKEN,))
        (found,) = read.reports
        assert (found.action, found.status, found.reporter) == (
            "delivered",
            "2.0.0",
            "mx.example.com",
        )
        assert "@" not in found.detail


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"Subject: absent\n\nI am away.", Kind.ANSWER),
        (b"", Kind.ANSWER),
        (dsn(envid=""), Kind.UNREADABLE),
        (dsn(action=""), Kind.UNREADABLE),
        (dsn(action="exploded"), Kind.UNREADABLE),
        (b"\x00\xff" * 500, Kind.ANSWER),
        (b"Content-Type: message/delivery-status\n\n\x00", Kind.UNREADABLE),
    ],
)
def test_what_is_no_report_is_told_apart(raw: bytes, kind: Kind) -> None:
    assert read_report(raw, NOW).kind is kind


@given(st.binary(max_size=400), st.integers(0, 700), st.integers(0, 700))
def test_no_stranger_breaks_the_reader(noise: bytes, start: int, end: int) -> None:
    raw = dsn()
    read_report(raw[:start] + noise + raw[end:], NOW)


def letter(state: DispatchState, **changes: object) -> Dispatch:
    return msgspec.structs.replace(
        Dispatch(token=TOKEN, campaign="c", number=1, state=state, begun_at=NOW), **changes
    )


def report(action: str, status: str = "", sha256: str = "aa") -> Report:
    return Report(at=NOW, action=action, status=status, detail="", reporter="", sha256=sha256)


@pytest.mark.parametrize(
    "state", [DispatchState.QUEUED, DispatchState.HANDING_OVER, DispatchState.UNKNOWN]
)
@pytest.mark.parametrize(
    ("action", "after"),
    [
        ("delivered", DispatchState.DELIVERED),
        ("relayed", DispatchState.HANDED_OVER),
        ("delayed", DispatchState.HANDED_OVER),
        ("failed", DispatchState.FAILED),
    ],
)
def test_a_report_settles_what_was_unknown(
    state: DispatchState, action: str, after: DispatchState
) -> None:
    changed = apply(letter(state), report(action, "5.2.2" if action == "failed" else "2.0.0"))
    assert changed is not None
    assert changed.state is after
    assert changed.settled_by == "report"
    assert apply(changed, report(action)) is None  # read twice, told once


def test_a_bounce_after_the_answer_names_the_failure() -> None:
    changed = apply(letter(DispatchState.HANDED_OVER), report("failed", "5.1.1"))
    assert changed is not None
    assert (changed.state, changed.failure) == (DispatchState.FAILED, Failure.ADDRESS)
    later = apply(changed, report("delivered", "2.0.0", "bb"))
    assert later is not None
    assert later.state is DispatchState.FAILED  # it bounced: the post has it


def test_a_late_report_corrects_unknown_but_not_a_refusal() -> None:
    late = letter(DispatchState.FAILED, failure=Failure.HANDOVER_UNKNOWN)
    changed = apply(late, report("delivered"))
    assert changed is not None
    assert (changed.state, changed.failure) == (DispatchState.DELIVERED, None)
    stopped = apply(letter(DispatchState.FAILED, failure=Failure.STOPPED), report("delivered"))
    assert stopped is not None
    assert stopped.state is DispatchState.FAILED


def log_file(path: Path, *lines: str, written: datetime) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def at(moment: datetime) -> str:
    return moment.isoformat()


def test_the_log_of_a_server_tells_taken_not_taken_or_nothing(tmp_path: Path) -> None:
    other, settle = "f" * 32, timedelta(minutes=15)
    end = NOW + timedelta(hours=1)
    path = log_file(
        tmp_path / "mail.log",
        f"{at(NOW - timedelta(hours=1))} mx postfix/master[1]: started",
        f"{at(NOW)} mx postfix/cleanup[2]: AB12: message-id=<{TOKEN}@example.org>",
        f"{at(NOW)} mx postfix/qmgr[3]: AB12: from=<b@example.org>, size=1, nrcpt=1 (queue active)",
        f"{at(NOW)} mx postfix/cleanup[2]: CD34: message-id=<{other}@example.org>",
        f"{at(NOW)} mx postfix/smtpd[2]: lost connection after DATA",
        f"{at(NOW)} mx postfix/cleanup[2]: CD34: message-id=<someone@example.com>",
        f"{at(NOW)} mx postfix/qmgr[3]: CD34: from=<x@example.com>, size=1, nrcpt=1 (queue active)",
        f"{at(end)} mx postfix/smtpd[2]: connect",
        written=end,
    )
    found = RelayLog(path, end)
    assert found.look(TOKEN, NOW, settle).queue_id == "AB12"
    assert found.look(other, NOW, settle).found is Found.NOT_TAKEN  # its queue id came back
    assert found.look(other, NOW, timedelta(hours=2)).found is Found.CANNOT_TELL  # too early
    before = NOW - timedelta(hours=2)
    assert found.look(other, before, settle).found is Found.CANNOT_TELL  # the log begins later


def test_a_log_in_another_zone_proves_no_absence(tmp_path: Path) -> None:
    path = log_file(
        tmp_path / "mail.log",
        f"{at(NOW - timedelta(hours=1))} mx postfix/master[1]: started",
        f"{at(NOW + timedelta(hours=1))} mx postfix/smtpd[2]: connect",
        written=NOW + timedelta(hours=3),
    )
    seen = RelayLog(path, NOW).look(TOKEN, NOW, timedelta(minutes=1))
    assert seen.found is Found.CANNOT_TELL


def test_a_log_that_was_rotated_is_read_on_both_sides(tmp_path: Path) -> None:
    log_file(
        tmp_path / "mail.log.1",
        f"{at(NOW)} mx postfix/cleanup[2]: AB12: message-id=<{TOKEN}@example.org>",
        f"{at(NOW)} mx postfix/qmgr[3]: AB12: from=<b@example.org>, size=1 (queue active)",
        written=NOW,
    )
    path = log_file(tmp_path / "mail.log", f"{at(NOW)} mx postfix/x[1]: y", written=NOW)
    assert RelayLog(path, NOW).look(TOKEN, NOW, timedelta(0)).found is Found.TAKEN


def test_the_second_way_is_taken_while_the_first_is_dead_and_left_again() -> None:
    turns: list[Turn] = []
    ways = Ways(
        [PRIMARY, SECOND], switch_after=3, switch_back=timedelta(minutes=10), turned=turns.append
    )
    for _ in range(3):
        assert ways.choose(NOW) == PRIMARY
        ways.failed(PRIMARY, NOW, "refused")
    assert ways.choose(NOW) == SECOND
    assert ways.choose(NOW + timedelta(minutes=9)) == SECOND
    later = NOW + timedelta(minutes=10)
    assert ways.choose(later) == PRIMARY  # one try
    ways.failed(PRIMARY, later, "still")
    assert ways.choose(later) == SECOND
    assert ways.choose(later + timedelta(minutes=10)) == PRIMARY
    ways.took(PRIMARY)
    assert [turn.to for turn in turns] == [SECOND, PRIMARY, SECOND, PRIMARY]
    assert "refused" in turns[0].why


def test_where_no_server_answers_nothing_is_tried_for_a_while() -> None:
    ways = Ways([PRIMARY], switch_after=1, switch_back=timedelta(hours=1), turned=lambda _t: None)
    ways.failed(PRIMARY, NOW, "refused")
    assert not ways.choose(NOW)
    assert ways.choose(NOW + timedelta(seconds=15)) == PRIMARY
