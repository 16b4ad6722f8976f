"""Each part of the service, made from the settings. Nothing here runs; it only puts together."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from sentinel.app import elastic_events
from sentinel.clock import Clock, SystemClock
from sentinel.collect.http import collector_app
from sentinel.collect.inputs.manager import Inputs
from sentinel.collect.intake import Intake
from sentinel.collect.profile import Profile, load_profiles
from sentinel.collect.pseudonymise import PersonPseudonymiser
from sentinel.collect.spool import Spool
from sentinel.config import Settings
from sentinel.content import content_dir
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.behaviour.monitor import Behaviour
from sentinel.detect.behaviour.scorer import Scorer
from sentinel.detect.behaviour.sessions import Limits
from sentinel.detect.behaviour.watches import Watches
from sentinel.detect.detector import Detector
from sentinel.detect.engine import RuleEngine
from sentinel.detect.reload import InForce, RuleWatch, Swap, rules_in_force
from sentinel.detect.rules.model import RuleSet
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.detect.scope.unmonitored import Unmonitored
from sentinel.domain.scope import Fact
from sentinel.errors import StorageError
from sentinel.notify.messages import MessageRenderer
from sentinel.notify.outbox import OutboxWorker, RunInStore
from sentinel.notify.registry import Registry, build_registry
from sentinel.notify.routes import Router, load_router
from sentinel.obs import log
from sentinel.obs.metrics import Metrics
from sentinel.store.case_store import SqlCaseStore
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.keys import ring
from sentinel.store.keys.master import open_master_key
from sentinel.store.keys.persons import FILE as PERSONS
from sentinel.store.keys.persons import PersonKeys
from sentinel.store.keys.uses import tell_at_end
from sentinel.store.ports import CaseTx, EventStore, Sealer
from sentinel.store.seal import AesGcmSealer, derive_key
from sentinel.store.segments import SEGMENT_GLOB

CASES = "cases.sqlite"


def open_sealer(settings: Settings) -> AesGcmSealer:
    """Return what seals, under the master key or the roots that it wraps. Raises ConfigError.

    What it does is counted, and told to the journal: see `sentinel.store.keys.uses`.
    """
    sealer = ring.open_sealer(settings.data_dir, open_master_key(settings.keys))
    tell_at_end(sealer, sealer.uses, settings.data_dir, operator())
    return sealer


def stable_key(settings: Settings, purpose: str) -> bytes:
    """Return 32 bytes for ``purpose`` that stay the same when the master key is rotated."""
    return derive_key(
        ring.open_roots(settings.data_dir, open_master_key(settings.keys))[0], purpose
    )


def operator() -> str:
    """Return who types: the account of the machine, and the one behind sudo where it says so.

    It is what the machine says, not a signed-in person: these commands need the data directory.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid-{os.getuid()}"
    behind = os.environ.get("SUDO_USER", "")
    typed = f"{behind}-as-{name}" if behind and behind != name else name
    return f"command-line:{typed[:64]}"


def open_cases(settings: Settings, sealer: Sealer, clock: Clock) -> SqlCaseStore:
    """Open the case store: the one that is set, else SQLite in the data directory."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return SqlCaseStore.open(cases_target(settings), sealer, clock)


def cases_target(settings: Settings) -> str | Path:
    """Return where the cases lie: a database URL or a file."""
    url = settings.store.cases.url
    return url.get_secret_value() if url is not None else settings.data_dir / CASES


def open_events(settings: Settings, sealer: Sealer) -> EventStore:
    """Open the event store that is set; one process at a time."""
    if settings.store.events.kind == "elasticsearch":
        return elastic_events.open_relayed(settings, sealer)
    told = log.get("events")
    return EmbeddedEventStore(
        settings.data_dir / "events",
        sealer,
        on_trouble=lambda reason: told.error("compaction waits", reason=reason),
    )


def read_events(settings: Settings, sealer: Sealer) -> EventStore:
    """Open what the event store holds now, to read; also while the service runs."""
    if settings.store.events.kind == "elasticsearch":
        return elastic_events.open_to_read(settings, sealer)
    return EmbeddedEventStore(settings.data_dir / "events", sealer, read_only=True)


def trouble_of(events: EventStore) -> str:
    """Return why the event store cannot be searched now; empty where it can."""
    return str(getattr(events, "trouble", ""))


def open_spool(settings: Settings, sealer: Sealer) -> Spool:
    """Open the spool in the data directory; one process at a time."""
    return Spool.open(
        settings.data_dir / "spool", sealer, max_bytes=settings.collector.spool_max_bytes
    )


def require_whole(spool: Spool, events: EventStore, committed: int) -> None:
    """Raise StorageError where spool or events end before what was taken from them.

    New events would get offsets that count as stored already, and be passed over in silence.
    """
    stored = events.stored_offset()
    if stored < committed:
        raise StorageError(
            f"it ends at offset {stored}, and {committed} was judged",
            where="events",
            hint="it was removed or restored alone: restore spool, events and cases together",
        )
    known = max(stored, committed)
    if spool.last_offset < known:
        raise StorageError(
            f"it ends at offset {spool.last_offset}, and {known} was stored from it",
            where="spool",
            hint="it was removed or restored alone: restore spool, events and cases together",
        )


@contextmanager
def reading(settings: Settings) -> Iterator[CaseTx]:
    """Open the case store for one short look, also while the service runs."""
    cases = open_cases(settings, open_sealer(settings), SystemClock())
    try:
        with cases.begin() as tx:
            yield tx
    finally:
        cases.close()


def load_rules_or_raise(settings: Settings, clock: Clock) -> InForce:
    """Return the rules in force. Raises the first ContentError: a service runs on clean rules."""
    return rules_in_force(settings.rules_path, clock.now(), cache=rule_cache(settings))


def rule_cache(settings: Settings) -> Path | None:
    """Return where the service keeps parsed rules; None before there is a data directory."""
    return settings.data_dir / "rules.cache" if settings.data_dir.is_dir() else None


def make_rule_watch(settings: Settings, first: InForce, swap: Swap, clock: Clock) -> RuleWatch:
    """Return what takes over rules that change while the service runs."""
    return RuleWatch(
        settings.rules_path,
        first,
        make_engine=lambda rules: make_engine(settings, rules),
        swap=swap,
        clock=clock,
        cache=rule_cache(settings),
    )


def content_of(settings: Settings, name: str, rules: Path | None = None) -> Path:
    """Return the folder ``name`` (``scopes``, ``sources``) of the rules in force.

    A folder of rules need not have one of its own: then the shipped one serves.
    """
    own = (rules or settings.rules_path) / name
    return own if own.is_dir() else content_dir("rules") / name


def load_sources(settings: Settings, rules: Path | None = None) -> dict[str, Profile]:
    """Return the source profiles in force, by id."""
    return load_profiles(content_of(settings, "sources", rules))


def make_detector(
    settings: Settings,
    rules: RuleSet,
    facts: Iterable[Fact],
    behaviour: Watches | None = None,
    *,
    staff: bool = True,
    pseudonym: Callable[[str, str], str] | None = None,
) -> Detector:
    """Put detection together: scope, rules and, in the service, behaviour.

    ``staff``: whether accesses of staff are judged (see `StaffSettings.live`). ``pseudonym``: what
    events call a service identity that the scope model names, given its kind and name.
    """
    scope = make_scope(settings, facts, staff=staff, pseudonym=pseudonym)
    return Detector(scope=scope, rules=make_engine(settings, rules), behaviour=behaviour)


def make_scope(
    settings: Settings,
    facts: Iterable[Fact],
    *,
    staff: bool = True,
    pseudonym: Callable[[str, str], str] | None = None,
) -> ScopeEngine:
    """Return what judges accesses of staff; see `make_detector`."""
    model = load_scope(content_of(settings, "scopes"))
    if pseudonym is not None:
        services = {pseudonym("usr", name): one for name, one in model.services.items()}
        model = model.model_copy(update={"services": services})
    judge = ScopeEngine if staff else Unmonitored
    return judge(model, FactIndex(facts))


def make_engine(settings: Settings, rules: RuleSet) -> RuleEngine:
    """Return what runs a set of rules."""
    return RuleEngine(
        rules,
        lateness=timedelta(minutes=settings.detect.lateness_minutes),
        over_budget=load_model_rule(content_dir("rules"), "event_over_budget"),
    )


def make_behaviour(settings: Settings) -> Behaviour | None:
    """Return the navigation monitor, or None where it is off or no model was trained."""
    if not settings.behaviour.enabled or not (settings.model_path / "manifest.json").exists():
        return None
    return behaviour_watch(settings)


def behaviour_watch(settings: Settings) -> Behaviour:
    """Return the navigation monitor; whether there is a model shows when it starts."""
    return Behaviour(
        Scorer(settings.model_path),
        load_model_rule(content_of(settings, "models").parent),
        limits=Limits(idle=timedelta(minutes=settings.behaviour.session_idle_minutes)),
        lateness=timedelta(minutes=settings.detect.lateness_minutes),
        findings_a_day=settings.behaviour.findings_per_day,
    )


def make_intakes(settings: Settings, sealer: Sealer, clock: Clock) -> dict[str, Intake]:
    """Return for each declared source what reads its lines. Raises ConfigError, ContentError."""
    profiles = load_sources(settings)
    pseudonymiser = make_pseudonymiser(settings, sealer)
    return {
        source.name: Intake(
            source,
            profiles,
            pseudonymiser=pseudonymiser,
            sealer=sealer,
            clock=clock,
            max_line_bytes=settings.collector.max_line_bytes,
        )
        for source in settings.sources
    }


def make_pseudonymiser(settings: Settings, sealer: Sealer | None = None) -> PersonPseudonymiser:
    """Return what turns identifiers into pseudonyms, by the map of persons."""
    keys = open_persons(settings, sealer or open_sealer(settings))
    keys.at(SystemClock().now())
    return PersonPseudonymiser(keys)


def open_persons(settings: Settings, sealer: Sealer, *, seed: bytes = b"") -> PersonKeys:
    """Open the map of persons, or make it. ``seed``: only where nobody is real, as in the demo.

    Where data is older than the map, its pseudonyms stay in force.
    """
    former = b""
    if not (settings.data_dir / PERSONS).exists() and any(
        (settings.data_dir / "spool").glob(SEGMENT_GLOB)
    ):
        former = stable_key(settings, "pseudonyms")
    return PersonKeys(
        settings.data_dir,
        sealer,
        seed=seed,
        former=former,
        token_days=settings.keys.token_days,
        kept_days=settings.keys.tokens_kept_days,
    )


def make_collector(
    settings: Settings,
    intakes: Mapping[str, Intake],
    spool: Spool,
    metrics: Metrics,
) -> web.Application:
    """Return the HTTP collector."""
    return collector_app(
        sources=settings.sources,
        intakes=intakes,
        spool=spool,
        settings=settings.collector,
        metrics=metrics,
    )


def make_inputs(
    settings: Settings,
    intakes: Mapping[str, Intake],
    spool: Spool,
    metrics: Metrics,
    clock: Clock,
) -> Inputs:
    """Return the inputs besides the HTTP collector: syslog, files, exceptions from TLS 1.3."""
    return Inputs(settings, intakes, spool, metrics, clock)


def load_notifiers(settings: Settings, clock: Clock) -> tuple[Registry, Router]:
    """Return the channels and the routes to them. Raises ContentError, ConfigError."""
    registry = build_registry(settings, clock)
    routes = settings.notifiers_path / "routes.yml"
    return registry, load_router(routes, known=registry.ids, live=registry.channels)


def make_outbox(
    settings: Settings,
    registry: Registry,
    in_store: RunInStore,
    clock: Clock,
    count: Callable[[str, str], None],
) -> OutboxWorker:
    """Return the worker that carries messages to the channels."""
    renderer = MessageRenderer(
        settings.notifiers_path / "messages",
        languages=registry.languages,
        default_language=settings.language,
        public_url=settings.console.public_url,
        zone=settings.timezone,
    )
    return OutboxWorker(in_store, registry.channels, renderer, clock, count=count)
