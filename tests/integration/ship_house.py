"""A running collector with every input, and the real senders that are run against it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sentinel.clock import Clock, SystemClock
from sentinel.collect.http import collector_app
from sentinel.collect.inputs.manager import Inputs
from sentinel.collect.inputs.site import Site
from sentinel.collect.intake import Intake
from sentinel.collect.profile import load_profiles
from sentinel.collect.pseudonymise import Pseudonymiser
from sentinel.collect.spool import Spool
from sentinel.config import Settings
from sentinel.content import content_dir
from sentinel.domain.event import Event
from sentinel.obs.metrics import Metrics
from sentinel.store.seal import AesGcmSealer
from sentinel.web.serve import tls_context

FULL = bool(os.environ.get("SENTINEL_FULL"))
LINES = 100_000 if FULL else 500
PATIENCE = 900 if FULL else 25
KEY = bytes(range(32))
INSTALL = "tests/servers/install-shippers.sh"
SYSLOG_NG = Path(os.environ.get("SYSLOG_NG", "/opt/sentinel-tests/syslog-ng"))
COMBINED = (
    '192.0.2.4 - - [24/Jan/2026:07:34:57 +0000] "GET /line/{} HTTP/1.1" 200 62 "-" "Mozilla/5.0"'
)


class House:
    """Spool, intakes, collector and inputs, in this process, on ports of their own."""

    def __init__(self, folder: Path, settings: dict[str, Any], clock: Clock | None = None) -> None:
        self.settings = Settings.model_validate({"data_dir": folder / "data", **settings})
        self.metrics = Metrics()
        self.clock = clock or SystemClock()
        self.spool: Any = None
        self.url = ""
        self.inputs: Inputs

    async def start(self, wrap: Callable[[Spool], Any] = lambda spool: spool) -> House:
        sealer = AesGcmSealer(KEY)
        data = self.settings.data_dir
        data.mkdir(parents=True, exist_ok=True)
        self.spool = wrap(Spool.open(data / "spool", sealer, max_bytes=1 << 34))
        profiles = load_profiles(content_dir("rules") / "sources")
        intakes = {
            source.name: Intake(
                source,
                profiles,
                pseudonymiser=Pseudonymiser(KEY),
                sealer=sealer,
                clock=self.clock,
                max_line_bytes=self.settings.collector.max_line_bytes,
            )
            for source in self.settings.sources
        }
        self.runner = web.AppRunner(
            collector_app(
                sources=self.settings.sources,
                intakes=intakes,
                spool=self.spool,
                settings=self.settings.collector,
                metrics=self.metrics,
            ),
            access_log=None,
            handler_cancellation=False,
        )
        await self.runner.setup()
        context = tls_context(self.settings.collector)
        site = Site(
            self.runner,
            "127.0.0.1",
            0,
            context=(lambda: context) if context else None,
            refused=lambda reason: self.metrics.tls_refused.labels(reason).inc(),
        )
        await site.start()
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.runner.addresses[0][1]}"
        self.inputs = Inputs(self.settings, intakes, self.spool, self.metrics, self.clock)
        await self.inputs.open()
        return self

    def port(self, source: str) -> int:
        return int(self.inputs.where[source].rpartition(":")[2])

    async def stop(self) -> None:
        await self.inputs.close()
        await self.runner.cleanup()
        await self.spool.close()

    def events(self, source: str | None = None) -> list[Event]:
        out: list[Event] = []
        after = -1
        while batch := self.spool.read(after):
            out += [event for _, event in batch if source in (None, event.source)]
            after = batch[-1][0]
        return out

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"sentinel_{name}_total", labels) or 0

    async def until(self, count: int) -> None:
        """Wait until so many events are durable."""
        await until(lambda: self.spool.last_offset + 1 >= count)


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.05)


def paths_of(events: list[Event]) -> list[str]:
    return [event.text("url.path") for event in events]


def line_paths(count: int) -> list[str]:
    return [f"/line/{number}" for number in range(count)]


def free_port() -> int:
    """Return a port on which nobody listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def needs(program: str | Path) -> str:
    """Return where a real sender is; skip, loudly, where it is not."""
    found = shutil.which(str(program))
    if found is None:
        pytest.skip(f"{program} is not on this machine: run {INSTALL}")
    return found


class Program:
    """A real program in the foreground; ended by its own process id."""

    def __init__(self, *argv: str | Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            [str(part) for part in argv],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> str:
        """Stop it; return what it said."""
        self.process.terminate()
        try:
            said, _ = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            said, _ = self.process.communicate()
        return said.decode(errors="replace")


def certificates(folder: Path, *names: str) -> dict[str, tuple[Path, Path]]:
    """Make a CA (``ca``) and certificates for 127.0.0.1 under it."""
    made: dict[str, tuple[Path, Path]] = {}
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("ca.example.org")
    authority = _build(ca_name, ca_name, ca_key.public_key(), ca_key, is_ca=True)
    made["ca"] = _written(folder, "ca", authority, ca_key)
    for name in names:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _build(
            _name(f"{name}.example.org"), ca_name, key.public_key(), ca_key, is_ca=False
        )
        made[name] = _written(folder, name, certificate, key)
    return made


def client_context(ca: Path, *, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    if version is not None:
        context.maximum_version = version
    return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _build(subject: x509.Name, issuer: x509.Name, public: Any, key: Any, *, is_ca: bool) -> Any:
    now = datetime.now(UTC)
    common = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName(common),
                    x509.DNSName("localhost"),
                    x509.IPAddress(ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )


def _written(folder: Path, name: str, certificate: Any, key: Any) -> tuple[Path, Path]:
    pem, secret = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret
