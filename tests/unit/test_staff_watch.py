"""Staff: baselines of roles, bursts, firsts, two hands in one account; and what is not kept."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from sentinel.content import content_dir
from sentinel.detect.behaviour.findings import load_model_rule
from sentinel.detect.behaviour.manifest import MANIFEST
from sentinel.detect.behaviour.staff_acts import Act, act_of
from sentinel.detect.behaviour.staff_features import STAFF_FEATURES, switches
from sentinel.detect.behaviour.staff_findings import STAFF_SLUG
from sentinel.detect.behaviour.staff_model import ROLES, StaffModel
from sentinel.detect.behaviour.staff_relations import Account, Relations
from sentinel.detect.behaviour.staff_train import train_staff
from sentinel.detect.behaviour.staff_watch import StaffWatch
from sentinel.detect.behaviour.staff_windows import BURST, DAY, Windows
from sentinel.detect.behaviour.watches import WithStaff
from sentinel.domain.event import Event, LogSource, Value
from sentinel.domain.finding import Finding
from sentinel.domain.terms import TERMS
from sentinel.errors import ContentError, StorageError
from sentinel.store.seal import AesGcmSealer

START = datetime(2026, 1, 5, tzinfo=UTC)
TODAY = START + timedelta(days=40)
CRM = LogSource(category="audit", product="application", service="crm")
SEALER = AesGcmSealer(b"k" * 32)
LATENESS = timedelta(minutes=10)
TEAM = [f"usr_s{number}" for number in range(8)]
PAIR = [f"usr_d{number}" for number in range(4)]


def event(actor: str, at: datetime, customer: str, **extra: Value) -> Event:
    fields: dict[str, Value] = {
        "sentinel.actor.kind": "staff",
        "user.name": actor,
        "user.roles": ["support" if actor in TEAM else "sre"],
        "event.action": "customer.read",
        "event.outcome": "success",
        "sentinel.subject": [customer],
        "sentinel.data_category": "identity",
        "source.ip": f"ip_home_{actor}",
        "user_agent.original": "Mozilla/5.0",
    }
    name = f"{actor}-{at.timestamp()}-{customer}"
    return Event(
        id=name, time=at, source="crm", ref=f"crm#{name}", logsource=CRM, fields=fields | extra
    )


def work(day: datetime, seed: int) -> list[Event]:
    """An ordinary day: a handful of customers an hour, two kinds of acts."""
    random, found = Random(seed), []
    for actor in TEAM + PAIR:
        for hour in range(8, 17):
            for _ in range(random.randint(1, 8)):
                at = day + timedelta(hours=hour, minutes=random.uniform(0, 59))
                customer = f"sub_{random.randint(1, 500)}"
                found.append(event(actor, at, customer))
                if random.random() < 0.3:
                    action = {"event.action": "customer.edit"}
                    found.append(event(actor, at + timedelta(seconds=9), customer, **action))
    return sorted(found, key=lambda one: (one.time, one.id))


def acts(events: Sequence[Event]) -> list[Act]:
    return [act for one in events if (act := act_of(one)) is not None]


HISTORY = [one for day in range(30) for one in work(START + timedelta(days=day), day)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("staff")
    train_staff(acts(HISTORY), path, SEALER, timezone="Europe/Paris")
    return path


def watch(folder: Path, **options: int) -> StaffWatch:
    rule = load_model_rule(content_dir("rules"), STAFF_SLUG)
    return StaffWatch(StaffModel.load(folder, SEALER), rule, lateness=LATENESS, **options)


def told(folder: Path, events: Sequence[Event], **options: int) -> list[Finding]:
    one = watch(folder, **options)
    return [*one.process(events), *one.flush()]


def burst(actor: str = TEAM[0], count: int = 97) -> list[Event]:
    begin = TODAY + timedelta(hours=10)
    return [event(actor, begin + timedelta(seconds=10 * n), f"sub_b{n}") for n in range(count)]


def test_ordinary_days_raise_nothing_and_a_burst_says_why_in_numbers(folder: Path) -> None:
    ordinary = [one for day in range(3) for one in work(TODAY + timedelta(days=day), 900 + day)]
    assert told(folder, ordinary) == []
    (found,) = told(folder, ordinary + burst())
    assert found.actor == TEAM[0]
    assert found.event_count >= 97
    english = [reason.text("en") for reason in found.reasons]
    french = [reason.text("fr") for reason in found.reasons]
    assert len(found.reasons) <= 4
    persons = next(text for text in english if text.startswith("distinct customers: "))
    assert " in 20 minutes; the 99th percentile of the role support (8 accounts) is " in persons
    assert int(persons.split()[2]) >= 97
    assert int(persons.rsplit(" ", 1)[1]) <= 10
    assert any("le 99e centile du rôle support (8 comptes) est" in text for text in french)


def test_an_account_is_told_of_once_a_day_and_the_budget_counts_what_it_cuts(folder: Path) -> None:
    both = burst() + [
        msgspec.structs.replace(one, id=f"again-{one.id}", time=one.time + timedelta(hours=3))
        for one in burst()
    ]
    assert len(told(folder, both)) == 1
    several = [one for actor in TEAM[:4] for one in burst(actor)]
    one = watch(folder, findings_a_day=2)
    found = [*one.process(several), *one.flush()]
    assert len(found) == 2
    assert sum(one.health.cut_findings.values()) >= 2


def test_the_first_export_names_how_many_peers_do_it(folder: Path) -> None:
    begin = TODAY + timedelta(hours=10)
    exports = [
        event(TEAM[1], begin + timedelta(minutes=n), f"sub_{n}", **{"event.action": "data.export"})
        for n in range(12)
    ]
    (found,) = told(folder, exports)
    texts = [reason.text("en") for reason in found.reasons]
    assert any(
        text.startswith("first time for this account since 2026-01-05: data.export identity; ")
        and text.endswith("of the 8 accounts of the role support, 0 do it")
        for text in texts
    )


def test_two_hands_in_one_account_are_seen(folder: Path) -> None:
    begin = TODAY + timedelta(hours=10)
    mixed = [
        event(
            TEAM[2],
            begin + timedelta(minutes=n),
            f"sub_{n}",
            **({"source.ip": "ip_elsewhere", "user_agent.original": "curl/8"} if n % 2 else {}),
        )
        for n in range(8)
    ]
    (found,) = told(folder, mixed)
    assert any("just left" in reason.text("en") for reason in found.reasons)
    assert switches(acts(mixed)) == 6
    assert switches(acts(mixed)[:2]) == 0  # going home is no switch


def test_habits_tell_accounts_apart() -> None:
    accounts = {f"u{n}": Account({f"own{n}": 300, "shared": 500}) for n in range(5)}
    habits = Relations(accounts)
    assert habits.otherness("u0", ["own0", "shared"] * 10) < 0
    assert habits.otherness("u0", ["own3", "shared"] * 10) > 0.5
    assert habits.otherness("stranger", ["own3"] * 10) == 0


def shuffled(events: Sequence[Event], seed: int) -> list[Event]:
    random = Random(seed)
    arrivals = [
        (one.time + 0.999 * random.random() * LATENESS, random.random(), one)
        for one in events
        for _ in range(1 + (random.random() < 0.1))
    ]
    return [one for *_, one in sorted(arrivals, key=lambda entry: entry[:2])]


def in_parts(events: Sequence[Event], seed: int) -> list[Sequence[Event]]:
    random, at, found = Random(seed), 0, []
    while at < len(events):
        size = random.randint(1, 120)
        found.append(events[at : at + size])
        at += size
    return found


def test_order_repetition_and_death_change_no_byte(folder: Path) -> None:
    stream = sorted(
        work(TODAY, 77) + [one for actor in TEAM[:6] for one in burst(actor, 60)],
        key=lambda one: one.time,
    )
    truth = msgspec.json.encode(told(folder, stream, findings_a_day=3))
    assert truth != b"[]"
    for seed in range(10):
        random = Random(seed)
        parts = in_parts(shuffled(stream, seed), seed)
        dies = random.randrange(len(parts))
        one = watch(folder, findings_a_day=3)
        found: dict[str, Finding] = {}
        for at, part in enumerate(parts):
            if at == dies:
                one = watch(folder, findings_a_day=3)
                one.rewind(TODAY - timedelta(hours=1))
                for past in parts[:at]:
                    found |= {item.id: item for item in one.process(past)}
                one.rewind(None)
            found |= {item.id: item for item in one.process(part)}
        found |= {item.id: item for item in one.flush()}
        assert msgspec.json.encode(list(found.values())) == truth


def test_what_was_told_before_a_restart_is_not_told_in_part(folder: Path) -> None:
    one = watch(folder)
    one.rewind(TODAY + timedelta(hours=10, minutes=5))
    rest = [item for item in burst() if item.time >= TODAY + timedelta(hours=10, minutes=5)]
    assert one.process(rest) == []
    assert one.advance(TODAY + timedelta(hours=12)) == []
    assert one.health.cut_by_restart == 1


async def test_detection_asks_both_watches_through_one(folder: Path) -> None:
    both = WithStaff(watch(folder))
    await both.start()
    await both.process(burst())
    assert both.take() == []
    (found,) = await both.advance(TODAY + timedelta(hours=12))
    assert found.rule.slug == STAFF_SLUG
    assert set(found.subjects) == {f"sub_b{number}" for number in range(97)}
    both.rewind(TODAY + timedelta(days=3))
    assert await both.flush() == []
    await both.stop()


class TestPrivacy:
    """Promise R-03, by construction."""

    def test_a_group_under_five_gets_no_baseline(self, folder: Path) -> None:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
        assert manifest["roles"] == {"support": 8}
        assert manifest["left_out"] == 1
        one = watch(folder)
        assert [*one.process(burst(PAIR[0], 400)), *one.flush()] == []
        assert one.health.without_baseline > 0
        with pytest.raises(ValueError, match="a group of 4"):
            Relations({name: Account() for name in PAIR})

    def test_only_small_groups_is_an_error_not_a_baseline(self, tmp_path: Path) -> None:
        few = [one for one in HISTORY if one.text("user.name") in PAIR]
        with pytest.raises(ContentError, match="no role has 5 accounts"):
            train_staff(acts(few), tmp_path, SEALER, timezone="UTC")
        assert list(tmp_path.iterdir()) == []

    def test_no_customer_and_no_network_is_in_the_baselines(self, folder: Path) -> None:
        sealed = (folder / ROLES).read_bytes()
        plain = SEALER.open(sealed, context="behaviour.staff")
        for secret in (b"sub_", b"ip_home", b"Mozilla"):
            assert secret not in plain
            assert secret not in (folder / MANIFEST).read_bytes()
        assert b"usr_s0" in plain
        assert b"usr_" not in sealed + (folder / MANIFEST).read_bytes()
        assert b"usr_d" not in plain

    def test_another_key_opens_nothing(self, folder: Path) -> None:
        with pytest.raises(StorageError):
            StaffModel.load(folder, AesGcmSealer(b"x" * 32))

    def test_nothing_is_left_when_the_day_is_over(self, folder: Path) -> None:
        one = watch(folder)
        one.process(work(TODAY, 5))
        assert one.health.open == len(TEAM + PAIR)
        one.advance(TODAY + DAY + LATENESS + timedelta(seconds=1))
        assert one.health.open == 0
        held = msgspec.json.encode([vars(one._windows), vars(one._budget)], enc_hook=str)
        for person in (b"usr_", b"sub_"):
            assert person not in held

    def test_the_site_s_log_and_customers_are_not_watched(self) -> None:
        mine = event(TEAM[0], TODAY, "sub_1")
        web = msgspec.structs.replace(mine, logsource=LogSource(category="webserver"))
        customer = mine.enriched({"sentinel.actor.kind": "customer"})
        assert act_of(mine) is not None
        assert act_of(web) is None
        assert act_of(customer) is None


def test_windows_lie_on_the_grid_and_the_day_goes_last() -> None:
    windows = Windows()
    end = TODAY + DAY - timedelta(minutes=1)
    windows.add(acts([event(TEAM[0], end, "sub_1"), event(TEAM[0], TODAY, "sub_2")]))
    assert [(one.start, one.span) for one in windows.flush()] == [
        (TODAY, BURST),
        (TODAY + DAY - BURST, BURST),
        (TODAY, DAY),
    ]
    assert len(windows) == 0


def test_late_acts_are_counted() -> None:
    windows = Windows()
    windows.close(TODAY + DAY + timedelta(hours=1))
    windows.add(acts([event(TEAM[0], TODAY, "sub_1")]))
    assert (windows.late, len(windows)) == (1, 0)


def test_every_feature_has_words() -> None:
    assert all(set(TERMS[name]) == {"en", "fr"} for name in STAFF_FEATURES)


def test_the_same_data_in_any_order_is_the_same_model(folder: Path, tmp_path: Path) -> None:
    other = [*acts(HISTORY), *acts(HISTORY[:500])]
    Random(1).shuffle(other)
    made = train_staff(other, tmp_path, SEALER, timezone="Europe/Paris")
    before = msgspec.json.decode((folder / MANIFEST).read_bytes())
    assert made.data_digest == before["data_digest"]
    opened = [
        SEALER.open((path / ROLES).read_bytes(), context="behaviour.staff")
        for path in (folder, tmp_path)
    ]
    assert opened[0] == opened[1]
    fewer = train_staff(acts(HISTORY[1:]), tmp_path, SEALER, timezone="Europe/Paris")
    assert fewer.data_digest != before["data_digest"]


def test_a_baseline_that_was_altered_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in (MANIFEST, ROLES):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / ROLES).write_bytes((tmp_path / ROLES).read_bytes() + b"x")
    with pytest.raises(ContentError, match="not the one that was trained"):
        StaffModel.load(tmp_path, SEALER)
