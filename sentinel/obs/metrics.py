"""Counters that Prometheus scrapes. One registry per service, so that tests do not share state."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Everything that is counted. Labels name sources, rules and channels, never a person."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = self._counter("events_accepted", "Events made durable.", "source")
        self.unparsed = self._counter("lines_unparsed", "Lines kept as unparsed.", "source")
        self.dropped = self._counter(
            "fields_dropped", "Fields not in a profile's allow-list.", "source"
        )
        self.refused = self._counter("requests_refused", "Requests refused.", "status")
        self.input_faults = self._counter(
            "input_faults", "Frames, files, records and senders that were bad.", "source", "fault"
        )
        self.tls_refused = self._counter("tls_refused", "TLS handshakes refused.", "reason")
        self.datagrams_lost = self._counter(
            "datagrams_lost", "Datagrams that the kernel dropped.", "source"
        )
        self.connections = self._gauge("connections", "Open syslog connections.", "source")
        self.tail_behind = self._gauge("tail_behind_bytes", "Bytes not yet read.", "source")
        self.import_rows = self._counter(
            "import_rows", "Rows of fact imports, sent and skipped.", "name", "outcome"
        )
        self.import_failing = self._gauge(
            "import_failing", "Whether the last look of a fact import failed.", "name"
        )
        self.findings = self._counter("findings", "Findings.", "rule")
        self.alerts = self._counter("alerts", "Alerts opened.", "level")
        self.rule_errors = self._counter("rule_errors", "Rules that raised.", "rule")
        self.faults = self._counter("detect_faults", "Faults of detection.", "fault")
        self.set_aside = self._counter("set_aside", "What could not be handed over.", "kind")
        self.messages = self._counter("messages", "Messages by outcome.", "channel", "outcome")
        self.spool_bytes = Gauge(
            "sentinel_spool_bytes", "Size of the spool.", registry=self.registry
        )
        self.dead_letters = Gauge(
            "sentinel_dead_letters",
            "Dead letters that wait.",
            ["source"],
            registry=self.registry,
        )
        self.blind_windows = Gauge(
            "sentinel_blind_windows_open", "Blind windows that go on.", registry=self.registry
        )
        self.detect_lag = Gauge(
            "sentinel_detect_lag_events", "Events not yet judged.", registry=self.registry
        )
        self.batch_seconds = Histogram(
            "sentinel_detect_batch_seconds", "Time to judge a batch.", registry=self.registry
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"sentinel_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"sentinel_{name}", text, labels, registry=self.registry)

    def refused_with(self, status: str) -> float:
        """Return how many requests were refused with ``status`` so far."""
        return float(
            self.registry.get_sample_value("sentinel_requests_refused_total", {"status": status})
            or 0.0
        )

    def by_source_and_fault(self, dropped: str) -> dict[tuple[str, str], float]:
        """Return the inputs' faults so far; datagrams that the kernel dropped as ``dropped``."""
        found: dict[tuple[str, str], float] = {}
        for counter in (self.input_faults, self.datagrams_lost):
            for sample in (one for family in counter.collect() for one in family.samples):
                if sample.name.endswith("_total"):
                    fault = sample.labels.get("fault", dropped)
                    found[sample.labels["source"], fault] = sample.value
        return found

    def exposition(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self.registry)
