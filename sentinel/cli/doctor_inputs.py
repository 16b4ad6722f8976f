"""``sentinel doctor`` on inputs: whether each source can come in, and how long its TLS lasts."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509

from sentinel.config import Settings, SourceSettings

WARN = timedelta(days=21)


class Found(msgspec.Struct, frozen=True):
    """One answer: ``ok`` is True, False (not ready) or None (worth knowing)."""

    name: str
    ok: bool | None
    detail: str
    hint: str = ""


def examine_inputs(settings: Settings) -> Iterator[Found]:
    """Yield a check for each source, each certificate and each exception from TLS 1.3."""
    if not settings.sources:
        yield Found("sources", None, "none declared: nothing can be sent in", "add [[sources]]")
    for source in settings.sources:
        yield _source(source)
        if source.syslog is not None and source.syslog.tls_certificate is not None:
            yield _certificate(f"certificate of {source.name}", source.syslog.tls_certificate)
        if source.tls12 is not None:
            yield _exception(source)
    if settings.collector.tls_certificate is not None:
        yield _certificate("certificate of the collector", settings.collector.tls_certificate)


def _source(source: SourceSettings) -> Found:
    name = f"source {source.name}"
    if source.syslog is not None:
        syslog = source.syslog
        where = f"syslog over {syslog.transport} on {syslog.host}:{syslog.port}"
        clear = syslog.transport != "tls"
        return Found(name, None if clear else True, where + ", in clear" * clear)
    if source.tail is not None:
        return _files(name, source.tail.paths)
    has = source.token is not None or bool(source.client_certificates)
    return Found(
        name,
        has,
        ("token set" if source.token else "by client certificate")
        if has
        else "no token: its sender would be refused",
        "set token_file",
    )


def _files(name: str, patterns: list[Path]) -> Found:
    found = [path for one in patterns for path in glob.glob(str(one), recursive=True)]  # noqa: PTH207
    closed = [path for path in found if not os.access(path, os.R_OK)]
    if closed:
        return Found(name, False, f"{closed[0]} cannot be read", "join its group (adm on Debian)")
    if not found:
        return Found(name, None, "no such file yet; it may appear later")
    return Found(name, True, f"{len(found)} file(s) followed")


def _certificate(name: str, path: Path) -> Found:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return Found(name, False, f"{path} is no PEM certificate that can be read")
    end = certificate.not_valid_after_utc
    left = end - datetime.now(UTC)
    if left <= timedelta(0):
        return Found(name, False, f"ended on {end.date()}", "renew it")
    return Found(name, None if left < WARN else True, f"until {end.date()}", "renew it")


def _exception(source: SourceSettings) -> Found:
    assert source.tls12 is not None  # noqa: S101 - asked before
    until, owner = source.tls12.until, source.tls12.owner
    over = until < date.today()  # noqa: DTZ011 - a day is precise enough here
    detail = f"{'over since' if over else 'until'} {until}, owner {owner}"
    hint = "TLS 1.2 is refused now: take the exception out" if over else "move the sender to 1.3"
    return Found(f"TLS 1.2 exception of {source.name}", False if over else None, detail, hint)
