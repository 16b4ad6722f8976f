"""Time-stamps of anchors against an authority made with `openssl ts`, over real HTTP."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.x509 import Certificate
from structlog.testing import capture_logs
from typer.testing import CliRunner

from sentinel.app.duties import Duties
from sentinel.app.stamping import Stamper
from sentinel.cli.main import app
from sentinel.clock import ManualClock, SystemClock
from sentinel.config import Settings
from sentinel.domain.anchor import NOTHING_BEFORE, Anchor
from sentinel.errors import ConfigError, SentinelError
from sentinel.respond import anchoring
from sentinel.store import timestamping
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.seal import AesGcmSealer
from sentinel.store.signing import AnchorSigner

SIGNER = AnchorSigner("11" * 32)
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {0}/serial
signer_cert = {0}/tsa.pem
signer_key = {0}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
[stamping]
extendedKeyUsage = critical,timeStamping
"""


class Authority:
    """A root, and a certificate under it that may stamp."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIG.format(folder))
        (folder / "serial").write_text("01")
        self.openssl(f"req -x509 {KEY} -days 30 -subj /CN=Root"
                     " -keyout root.key -out root.pem")  # fmt: skip
        self.openssl(f"req {KEY} -subj /CN=Stamps -keyout tsa.key -out tsa.csr")
        self.openssl("x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30"
                     " -extfile tsa.cnf -extensions stamping -out tsa.pem")  # fmt: skip

    def openssl(self, command: str) -> None:
        subprocess.run(
            [OPENSSL or "", *command.split()], cwd=self.folder, check=True, capture_output=True
        )

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.openssl("ts -reply -config tsa.cnf -queryfile query -out reply")
        return (self.folder / "reply").read_bytes()

    @property
    def roots(self) -> list[Certificate]:
        return timestamping.read_roots((self.folder / "root.pem").read_bytes())


OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(
    OPENSSL is None, reason="no openssl to make an authority with: apt-get install openssl"
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "other")


def anchor(**changes: object) -> Anchor:
    made = Anchor(
        day="2026-03-01",
        first_seq=1,
        last_seq=3,
        hash="ab" * 32,
        previous=NOTHING_BEFORE,
        made_at=datetime(2026, 3, 2, tzinfo=UTC),
        key_id="",
    )
    return SIGNER.sign(msgspec.structs.replace(made, **changes))


def stamped(authority: Authority, given: Anchor) -> Anchor:
    query = timestamping.Query(given)
    token = query.accept(authority.answer(query.der), authority.roots)
    return msgspec.structs.replace(given, timestamp=token)


def test_a_stamp_says_since_when_an_anchor_exists(authority: Authority) -> None:
    told = timestamping.stamped_at(stamped(authority, anchor()), authority.roots)
    assert told.tzinfo is UTC
    assert abs(told - SystemClock().now()) < timedelta(minutes=5)


def test_a_stamp_proves_nothing_of_another_anchor(authority: Authority) -> None:
    token = stamped(authority, anchor()).timestamp
    for change in ({"hash": "cd" * 32}, {"last_seq": 4}, {"day": "2026-03-02"}):
        other = msgspec.structs.replace(anchor(**change), timestamp=token)
        with pytest.raises(timestamping.BadTimestamp, match="Mismatch between messages"):
            timestamping.stamped_at(other, authority.roots)


def test_a_stamp_of_a_stranger_is_refused(authority: Authority, stranger: Authority) -> None:
    with pytest.raises(timestamping.BadTimestamp):
        timestamping.stamped_at(stamped(stranger, anchor()), authority.roots)


def test_a_signing_certificate_of_the_same_root_that_may_not_stamp_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    """The root itself has no timeStamping usage: openssl refuses, and so would we."""
    with pytest.raises(timestamping.BadTimestamp):
        timestamping.stamped_at(
            stamped(authority, anchor()),
            timestamping.read_roots((authority.folder / "tsa.pem").read_bytes()),
        )


def test_an_answer_to_another_question_is_refused(authority: Authority) -> None:
    first, second = timestamping.Query(anchor()), timestamping.Query(anchor())
    with pytest.raises(timestamping.BadTimestamp, match="Nonce"):
        second.accept(authority.answer(first.der), authority.roots)


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x30\x03\x02\x01\x02", b"\x00" * 5_000])
def test_junk_is_refused(authority: Authority, junk: bytes) -> None:
    with pytest.raises(timestamping.BadTimestamp):
        timestamping.Query(anchor()).accept(junk, authority.roots)


def test_every_flipped_bit_of_a_token_is_seen_or_harmless(authority: Authority) -> None:
    """Flip one bit in each of 200 places: refused, or the attested instant stays what it was."""
    given = stamped(authority, anchor())
    true = timestamping.stamped_at(given, authority.roots)
    token = base64.b64decode(given.timestamp)
    for place in range(0, len(token), max(1, len(token) // 200)):
        bent = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
        other = msgspec.structs.replace(given, timestamp=base64.b64encode(bent).decode())
        try:
            assert timestamping.stamped_at(other, authority.roots) == true
        except timestamping.BadTimestamp:
            continue


def test_no_certificates_are_no_roots() -> None:
    with pytest.raises(ConfigError):
        timestamping.read_roots(b"nothing")


def test_a_url_needs_roots() -> None:
    with pytest.raises(ValueError, match="timestamp_roots"):
        Settings(journal={"timestamp_url": "https://tsa.example.org"})


@asynccontextmanager
async def serving(authority: Authority, down: list[bool]) -> AsyncIterator[str]:
    async def reply(request: web.Request) -> web.Response:
        if down:
            return web.Response(status=503)
        assert request.content_type == timestamping.MEDIA_TYPE_QUERY
        return web.Response(body=authority.answer(await request.read()))

    application = web.Application()
    application.router.add_post("/tsa", reply)
    async with TestServer(application) as server:
        yield str(server.make_url("/tsa"))


class Nobody:
    def route_alarm(self, _deadline: object) -> list[str]:
        return []

    def escalation(self) -> list[str]:
        return []


async def test_the_service_stamps_its_anchors_and_verify_reads_them(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "anchor.key").write_text("11" * 32)
    down = [True]
    async with serving(authority, down) as url:
        config = tmp_path / "sentinel.toml"
        for name in ("anchor.key", "master.key"):
            (tmp_path / name).write_text(("11" if name == "anchor.key" else "22") * 32)
            (tmp_path / name).chmod(0o600)
        config.write_text(
            f'data_dir = "{tmp_path}/data"\n[keys]\nmaster_file = "{tmp_path}/master.key"\n'
            f'anchor_file = "{tmp_path}/anchor.key"\n[journal]\ntimestamp_url = "{url}"\n'
            f'timestamp_roots = "{authority.folder}/root.pem"\n'
        )
        settings = Settings(
            data_dir=tmp_path / "data",
            keys={"anchor": "11" * 32, "master": "22" * 32},
            journal={"timestamp_url": url, "timestamp_roots": authority.folder / "root.pem"},
        )
        clock = ManualClock(SystemClock().now())
        settings.data_dir.mkdir()
        store = SqlCaseStore.open(
            settings.data_dir / "cases.sqlite", AesGcmSealer(bytes.fromhex("22" * 32)), clock
        )

        async def in_store(function):
            with store.begin() as tx:
                return function(tx)

        with store.begin() as tx:
            tx.journal.append(
                occurred_at=clock.now(), actor="a", action="test", object_id="x", payload={}
            )
        duties = Duties(settings, in_store, Nobody(), clock)
        await duties.round()
        await duties._stamping
        with store.begin() as tx:
            [made] = tx.journal.anchors()
        assert made.timestamp == ""
        assert len(list(settings.anchor_path.iterdir())) == 1
        down.clear()
        await duties.round()
        clock.advance(timedelta(hours=1))
        await duties.round()
        await duties._stamping
    with store.begin() as tx:
        [made] = tx.journal.anchors()
        anchoring.write_anchor(settings.anchor_path, made)
    store.close()
    assert made.timestamp
    path = next(settings.anchor_path.glob("*.json"))
    stamp = path.with_suffix(".tsr")
    authority.openssl(
        f"ts -reply -in {stamp} -text"
    )  # what lies beside the anchor is what openssl reads
    (tmp_path / "data.bin").write_bytes(made.signed_bytes())
    authority.openssl(f"ts -verify -data {tmp_path}/data.bin -in {stamp} -CAfile root.pem")
    verify = ["--config", str(config), "journal", "verify", "--json"]
    for more in ([], ["--anchor", str(settings.anchor_path)]):
        answer = CliRunner().invoke(app, [*verify, *more])
        assert answer.exit_code == 0, answer.output
        assert msgspec.json.decode(answer.stdout)["timestamps"] == 1
    stamp.write_bytes(stamp.read_bytes()[:-40] + bytes(40))
    answer = CliRunner().invoke(app, [*verify, "--anchor", str(settings.anchor_path)])
    assert answer.exit_code == 1
    [found] = msgspec.json.decode(answer.stdout)["breaks"]
    assert "time-stamp" in found["reason"]


async def test_a_fault_of_ours_in_stamping_is_told_and_ends_nothing(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faulty(_self: Stamper, _anchor: Anchor) -> str:
        raise KeyError("a.person@example.org")

    monkeypatch.setattr(Stamper, "stamp", faulty)
    settings = Settings(
        data_dir=tmp_path / "data",
        keys={"anchor": "11" * 32},
        journal={
            "timestamp_url": "http://127.0.0.1:9/",
            "timestamp_roots": authority.folder / "root.pem",
        },
    )
    clock = ManualClock(SystemClock().now())
    store = SqlCaseStore.open(":memory:", AesGcmSealer(bytes(32)), clock)

    async def in_store(function):
        with store.begin() as tx:
            return function(tx)

    with store.begin() as tx:
        tx.journal.append(
            occurred_at=clock.now(), actor="a", action="test", object_id="x", payload={}
        )
    duties = Duties(settings, in_store, Nobody(), clock)
    with capture_logs() as lines:
        await duties.round()
        await duties._stamping
        await duties.stop()
    store.close()
    told = [line["fault"] for line in lines if line["event"] == "time-stamping failed"]
    assert len(told) == 1
    assert told[0].startswith("KeyError at ")
    assert "example.org" not in str(lines)


async def test_an_authority_outside_the_allow_list_is_not_asked(authority: Authority) -> None:
    settings = Settings(
        journal={
            "timestamp_url": "https://tsa.example.org/",
            "timestamp_roots": authority.folder / "root.pem",
        }
    )
    with pytest.raises(SentinelError, match="egress"):
        await Stamper(settings).stamp(anchor())
