"""Every input that the settings declare, besides the collector's own port: opened and closed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from aiohttp import web

from sentinel.clock import Clock
from sentinel.collect.batch import Spooler
from sentinel.collect.http import collector_app
from sentinel.collect.ingest import Ingest
from sentinel.collect.inputs.site import Site
from sentinel.collect.inputs.syslog_datagram import DatagramListener
from sentinel.collect.inputs.syslog_stream import StreamListener
from sentinel.collect.inputs.tail import Tail
from sentinel.collect.inputs.tls import exception_runs, server_context
from sentinel.collect.intake import Intake
from sentinel.config import Settings, SourceSettings
from sentinel.domain.event import Event, LogSource
from sentinel.errors import ConfigError, SentinelError
from sentinel.ids import digest_id
from sentinel.obs import log
from sentinel.obs.fault import describe
from sentinel.obs.metrics import Metrics

LOGSOURCE = LogSource(category="audit", product="sentinel", service="collector")


class ReadableSpool(Spooler, Protocol):
    """A spool that can be read too."""

    def read(self, after: int, *, limit: int = 4096) -> list[tuple[int, Event]]:
        """Return events with an offset above ``after``."""
        ...


class _Input(Protocol):
    async def open(self) -> str: ...

    async def close(self) -> None: ...


class Inputs:
    """The syslog listeners, the followed files, the ports of exceptions from TLS 1.3."""

    def __init__(
        self,
        settings: Settings,
        intakes: Mapping[str, Intake],
        spool: ReadableSpool,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._intakes = intakes
        self._spool = spool
        self._metrics = metrics
        self._clock = clock
        self._open: list[_Input] = []
        self._daily: asyncio.Task[None] | None = None
        self._log = log.get("inputs")
        self.where: dict[str, str] = {}
        """Where each source comes in, by its name: an address, or the paths that are followed."""

    async def open(self) -> None:
        """Open every input. Raises ConfigError, CannotListen, StorageError; then none is open."""
        ingest = Ingest(self._intakes, self._spool, self._metrics)
        try:
            for source in self._settings.sources:
                one = self._input(source, ingest)
                if one is not None:
                    self.where[source.name] = await one.open()
                    self._open.append(one)
                    self._log.info("input open", source=source.name, kind=source.kind)
        except BaseException:
            await self.close()
            raise
        if any(source.tls12 for source in self._settings.sources):
            self._daily = asyncio.create_task(self._tell_daily(), name="TLS exceptions")

    async def close(self) -> None:
        """Stop reading; what was read is made durable first."""
        if self._daily is not None:
            self._daily.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._daily
        await asyncio.gather(*(one.close() for one in self._open))
        self._open.clear()

    def _input(self, source: SourceSettings, ingest: Ingest) -> _Input | None:
        longest = self._settings.collector.max_line_bytes
        if source.syslog is not None:
            kind = DatagramListener if source.syslog.transport == "udp" else StreamListener
            return kind(source, ingest, clock=self._clock, longest=longest)
        if source.tail is not None:
            state = self._settings.data_dir / "tail" / f"{source.name}.json"
            return Tail(source, ingest, state=state, read=self._spool.read, longest=longest)
        if source.tls12 is not None:
            return _OldTls(self._settings, source, self._intakes, self._spool, self._metrics,
                           self._clock)  # fmt: skip
        return None

    async def _tell_daily(self) -> None:
        """Store an event a day for each exception from TLS 1.3: a rule makes a finding of it."""
        while True:
            now = self._clock.now()
            events = [exception_event(s, now) for s in self._settings.sources if s.tls12]
            try:
                await self._spool.append(events)
            except Exception as error:  # nobody waits for this task
                reason = error.message if isinstance(error, SentinelError) else describe(error)
                self._log.error("TLS exceptions not told", reason=reason)
                await asyncio.sleep(60)
                continue
            tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
            await asyncio.sleep(max(60.0, (tomorrow - now).total_seconds()))


def exception_event(source: SourceSettings, now: datetime) -> Event:
    """Return what says that a source may speak TLS 1.2, or might until lately; one id a day."""
    assert source.tls12 is not None  # noqa: S101 - asked before
    runs = exception_runs(source, now.date())
    return Event(
        id=digest_id("tls12", source.name, now.date().isoformat()),
        time=now,
        source=source.name,
        ref="",
        logsource=LOGSOURCE,
        fields={
            "event.dataset": "sentinel.collector",
            "event.action": "tls12.exception" if runs else "tls12.exception_expired",
            "event.category": ["configuration"],
            "event.outcome": "success",
            "tls.version": "1.2",
            "sentinel.exception.owner": source.tls12.owner,
            "sentinel.exception.until": source.tls12.until.isoformat(),
        },
    )


class _OldTls:
    """The port on which one HTTP source may use TLS 1.2, while its exception lasts."""

    def __init__(
        self,
        settings: Settings,
        source: SourceSettings,
        intakes: Mapping[str, Intake],
        spool: Spooler,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        collector = settings.collector
        if collector.tls_certificate is None or collector.tls_key is None:
            raise ConfigError(
                f"source {source.name}: tls12 needs a collector with tls_certificate and tls_key"
            )
        self._certificate, self._key = collector.tls_certificate, collector.tls_key
        self._settings = settings
        self._source = source
        self._metrics = metrics
        self._clock = clock
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._runner = web.AppRunner(
            collector_app(
                sources=settings.sources,
                intakes=intakes,
                spool=spool,
                settings=collector,
                metrics=metrics,
                only=source.name,
            ),
            access_log=None,
            handler_cancellation=False,
        )

    async def open(self) -> str:
        assert self._source.tls12 is not None  # noqa: S101 - asked before
        self._context()
        await self._runner.setup()
        port = self._source.tls12.port
        try:
            await Site(
                self._runner,
                self._settings.collector.host,
                port,
                context=self._context,
                refused=lambda reason: self._metrics.tls_refused.labels(reason).inc(),
            ).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        return f"https://{self._settings.collector.host}:{port}"

    async def close(self) -> None:
        await self._runner.cleanup()

    def _context(self) -> ssl.SSLContext:
        tls12 = exception_runs(self._source, self._clock.now().date())
        if tls12 not in self._contexts:
            self._contexts[tls12] = server_context(
                self._certificate,
                self._key,
                client_ca=self._settings.collector.tls_client_ca,
                tls12=tls12,
            )
        return self._contexts[tls12]
