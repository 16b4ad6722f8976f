"""``sentinel doctor``: is this set-up ready to be relied upon? Every "no" has a next step."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sentinel import __version__, config
from sentinel.app.parts import (
    CASES,
    load_notifiers,
    load_rules_or_raise,
    make_intakes,
    open_cases,
    open_sealer,
)
from sentinel.cli.doctor_events import events_here
from sentinel.cli.doctor_inputs import examine_inputs
from sentinel.cli.output import json, line
from sentinel.clock import SystemClock
from sentinel.config import Settings
from sentinel.errors import Exit, SentinelError
from sentinel.store.keys.master import open_master_key
from sentinel.web.serve import tls_context

LOW_DISK_BYTES = 1024**3

EXTRAS = {
    "behaviour": ("pyod", "the navigation model (anomalous sessions)"),
    "speed": ("hyperscan", "rules searched for in one pass: thousands of them cost little more"),
    "elastic": ("elasticsearch", "events on Elasticsearch (store.events)"),
    "otlp": ("opentelemetry.proto", "OpenTelemetry logs in protobuf (in JSON they need nothing)"),
    "demo": ("aiosmtpd", "the mail server that `sentinel demo` delivers to"),
}


class Check(msgspec.Struct, frozen=True):
    """One question: ``ok`` is True, False (not ready) or None (worth knowing)."""

    name: str
    ok: bool | None
    detail: str
    hint: str = ""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say what is ready and what is not; exit 1 when something that is needed is missing."""
    settings = config.load(context.obj)
    checks = list(examine(settings))
    if as_json:
        json({"version": __version__, "ready": _ready(checks), "checks": checks})
    else:
        marks = {True: "ok  ", False: "NO  ", None: "note"}
        for check in checks:
            line(f"{marks[check.ok]}  {check.name}: {check.detail}")
            if check.hint and check.ok is not True:
                line(f"      -> {check.hint}")
        line("ready" if _ready(checks) else "not ready")
    if not _ready(checks):
        raise typer.Exit(int(Exit.FINDINGS))


def _ready(checks: list[Check]) -> bool:
    return all(check.ok is not False for check in checks)


def examine(settings: Settings) -> Iterator[Check]:
    """Yield every check on ``settings``."""
    yield _attempt("master key", lambda: _key(settings))
    yield _attempt("data directory", lambda: _data(settings))
    yield _attempt("case store", lambda: _cases(settings))
    yield _attempt("event store", lambda: events_here(settings))
    yield _attempt("rules", lambda: _rules(settings))
    yield _attempt("formats of the sources", lambda: _intakes(settings))
    yield _attempt("channels", lambda: _channels(settings))
    yield _attempt("listeners", lambda: _listeners(settings))
    yield from _organisation(settings)
    yield from _sources(settings)
    yield _mail(settings)
    yield from _extras()
    yield _model(settings)
    yield _staff(settings)


def _staff(settings: Settings) -> Check:
    """Whether accesses of staff may be judged: informed and assessed first."""
    staff = settings.scope.staff
    if staff.live:
        detail = f"live: staff informed on {staff.informed_on}, impact assessed on {staff.dpia_on}"
        return Check("staff monitoring (R-10 to R-14)", True, detail)
    off = "switched off" if staff.monitoring is False else f"missing: {', '.join(staff.missing)}"
    return Check(
        "staff monitoring (R-10 to R-14)",
        None,
        f"OFF, accesses of staff are not judged; {off}",
        "give the note of `sentinel scope note` to staff, then fill in [scope.staff]",
    )


def _attempt(name: str, question: Callable[[], str]) -> Check:
    try:
        return Check(name, True, question())
    except SentinelError as error:
        reason = error.detail or error.message
        return Check(name, False, f"{error.where}: {reason}".removeprefix(": "), error.hint)
    except OSError as error:
        return Check(name, False, f"{error.filename}: {error.strerror}")


def _rules(settings: Settings) -> str:
    clock = SystemClock()
    found = load_rules_or_raise(settings, clock)
    over = len(found.expired(clock.now()))
    return f"{len(found.ruleset.items)} rules load" + (f", {over} exceptions are over" * (over > 0))


def _key(settings: Settings) -> str:
    return f"present, {open_master_key(settings.keys).id}"


def _data(settings: Settings) -> str:
    path = settings.data_dir
    if not path.exists():
        raise SentinelError("there is none yet", where=str(path), hint="sentinel init")
    probe = path / ".doctor"
    probe.write_bytes(b"")
    probe.unlink()
    free = shutil.disk_usage(path).free
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SentinelError("others may read it", where=str(path), hint=f"chmod 700 {path}")
    if free < LOW_DISK_BYTES:
        raise SentinelError(f"only {free // 1024**2} MiB free", where=str(path))
    return f"{path} writable, {free // 1024**3} GiB free"


def _cases(settings: Settings) -> str:
    sealer = open_sealer(settings)
    if settings.store.cases.url is None and not (settings.data_dir / CASES).exists():
        raise SentinelError("there is none yet", hint="sentinel account add NAME --role dpo")
    cases = open_cases(settings, sealer, SystemClock())
    try:
        with cases.begin() as tx:
            accounts = tx.accounts.all()
    finally:
        cases.close()
    if cases.schema is not None and cases.schema.missing:
        raise SentinelError(
            f"schema {cases.schema.current}, the newest is {cases.schema.newest}",
            hint="sentinel migrate",
        )
    if not accounts:
        raise SentinelError("nobody can sign in", hint="sentinel account add NAME --role dpo")
    return f"{len(accounts)} account(s)"


def _intakes(settings: Settings) -> str:
    """Put together what reads each source: a wrong format or profile fails here, not at `run`."""
    intakes = make_intakes(settings, open_sealer(settings), SystemClock())
    return f"{len(intakes)} can be read"


def _channels(settings: Settings) -> str:
    registry, _ = load_notifiers(settings, SystemClock())
    off = "; ".join(f"{name} is off: {why}" for name, why in sorted(registry.off.items()))
    return f"{len(registry.channels)} on" + (f"; {off}" if off else "")


def _listeners(settings: Settings) -> str:
    places = []
    for listener in (settings.collector, settings.console):
        tls = "TLS 1.3" if tls_context(listener) else "plain"
        places.append(f"{listener.host}:{listener.port} {tls}")
    return ", ".join(places)


def _organisation(settings: Settings) -> Iterator[Check]:
    organisation = settings.organisation
    hint = "set it in [organisation] of sentinel.toml"
    yield Check("controller", bool(organisation.name), organisation.name or "no name", hint)
    dpo = organisation.dpo
    missing = [part for part in ("name", "email", "phone") if not getattr(dpo, part)]
    detail = f"missing: {', '.join(missing)}" if missing else "name, e-mail and telephone are set"
    yield Check(
        "DPO (R-64)", not missing, detail, "set it in [organisation.dpo]; letters name them"
    )
    if organisation.ecs_provider == "unknown":
        yield Check(
            "Regulation 611/2013",
            None,
            "not said whether the organisation provides electronic communications",
            'set organisation.ecs_provider to "yes" or "no"',
        )


def _sources(settings: Settings) -> Iterator[Check]:
    for found in examine_inputs(settings):
        yield Check(found.name, found.ok, found.detail, found.hint)


def _mail(settings: Settings) -> Check:
    smtp = settings.smtp
    if not smtp.host:
        return Check("mail", None, "off: alerts reach nobody by e-mail", "set [smtp] host, sender")
    if not settings.notify.email_to:
        return Check("mail", False, "nobody to write to", "set notify.email_to")
    try:
        socket.create_connection((smtp.host, smtp.port), timeout=3).close()
    except OSError as error:
        return Check("mail", False, f"{smtp.host}:{smtp.port} does not answer: {error}")
    return Check("mail", True, f"{smtp.host}:{smtp.port} answers")


def _extras() -> Iterator[Check]:
    for extra, (module, brings) in EXTRAS.items():
        found = importlib.util.find_spec(module) is not None
        yield Check(
            f"extra {extra}",
            True if found else None,
            f"{'installed' if found else 'absent'}: {brings}",
            f"pip install 'sentinel-rgpd[{extra}]'",
        )


def _model(settings: Settings) -> Check:
    manifest: Path = settings.model_path / "manifest.json"
    if manifest.exists():
        return Check("navigation model", True, str(settings.model_path))
    return Check(
        "navigation model",
        None,
        "not trained: unusual sessions are not looked for",
        "sentinel behaviour train PATH...",
    )
