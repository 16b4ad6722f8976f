"""Any question to any events: the embedded store answers as the reference does.

And a Sigma rule's question is never narrower than the rule.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import Phase, given, settings

from sentinel.content import content_dir
from sentinel.detect.hunt.sigma import wider_than
from sentinel.detect.rules.folding import folded
from sentinel.detect.rules.load import load_rules
from sentinel.detect.rules.model import RuleSet
from sentinel.domain.event import Event, LogSource
from sentinel.domain.hunt import (
    All,
    Any_,
    Condition,
    Exists,
    Groups,
    Hunt,
    In,
    Not,
    Op,
    Test,
)
from sentinel.domain.hunt_match import holds
from sentinel.store.events_embedded import EmbeddedEventStore
from sentinel.store.events_memory import MemoryEventStore
from sentinel.store.seal import AesGcmSealer

UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)  # an example writes files: it is slow
SEALER = AesGcmSealer(bytes(range(32)))
FIRST = datetime(2026, 1, 2, 22, tzinfo=UTC)
NAMES = ("user.name", "url.path", "n", "event.id", "sentinel.ref", "sentinel.logsource.product")

texts = st.text(alphabet="aAbİſéß*?\\%_é1.-/ \x00\U0001f600", max_size=4)
scalars = st.one_of(
    texts, st.integers(-3, 3), st.booleans(), st.none(), st.sampled_from([0.5, 1.0, -0.0, 1e300]),
    st.integers(-(1 << 63), (1 << 63) - 1), st.sampled_from(["192.0.2.7", "2001:db8::7", "f" * 32]),
)  # fmt: skip
values = st.one_of(scalars, st.lists(scalars, max_size=3))


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    found = []
    for number in range(draw(st.integers(0, 25))):
        names = draw(st.sets(st.sampled_from([*NAMES, "x"]), max_size=5))
        found.append(
            Event(
                id=draw(st.sampled_from([f"{number:032x}", f"id-{number}"])),
                time=FIRST + timedelta(seconds=draw(st.integers(0, 12)) * 1000),
                source=draw(st.sampled_from(["crm", ""])),
                ref=draw(st.sampled_from(["", f"crm#{number % 3}"])),
                logsource=draw(st.sampled_from([LogSource(), LogSource(product="nginx")])),
                fields={name: draw(values) for name in names},
                sealed=draw(st.binary(max_size=3)),
            )
        )
    return found


fields = st.sampled_from([*NAMES, "x", "absent"])
asked = st.one_of(
    texts, st.sampled_from(["true", "1", "192.0.2.0/24", "2001:db8::/32", "[", "f" * 32])
)
tests = st.one_of(
    st.builds(
        Test,
        field=fields,
        op=st.sampled_from([Op.IS, Op.CONTAINS, Op.PREFIX, Op.SUFFIX, Op.LIKE, Op.CIDR]),
        value=asked,
        ignore_case=st.booleans(),
    ),
    st.builds(
        Test,
        field=fields,
        op=st.sampled_from([Op.LT, Op.LTE, Op.GT, Op.GTE]),
        value=st.one_of(st.integers(-3, 3), st.floats(-3, 3), st.just(1 << 64)),
    ),
    st.builds(In, field=fields, values=st.lists(asked, max_size=20).map(tuple)),
    st.builds(Exists, field=fields),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Any_, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
instants = st.none() | st.integers(-1, 14).map(lambda n: FIRST + timedelta(seconds=n * 1000))


@settings(
    max_examples=int(os.environ.get("SENTINEL_HUNT_EXAMPLES", "25")), deadline=None, phases=UNSHRUNK
)
@given(data=st.data(), given_events=events())
def test_the_embedded_store_answers_as_the_reference(
    data: st.DataObject, given_events: list[Event]
) -> None:
    memory = MemoryEventStore()
    with TemporaryDirectory() as name:
        store = EmbeddedEventStore(Path(name), SEALER, compact_at=0)
        cut = data.draw(st.integers(0, len(given_events)))
        for both in (memory, store):
            both.append(given_events[:cut], last_offset=cut)
        store.compact()
        for both in (memory, store):
            both.append(given_events[cut:], last_offset=cut + 1 + len(given_events))
        by = st.lists(fields | st.sampled_from(["@hour", "@day"]), max_size=3).map(tuple)
        for _ in range(8):
            hunt = Hunt(
                where=data.draw(conditions),
                since=data.draw(instants),
                until=data.draw(instants),
                newest_first=data.draw(st.booleans()),
                limit=data.draw(st.integers(1, 30)),
            )
            page = memory.hunt(hunt)
            assert store.hunt(hunt) == page
            if page:
                assert store.hunt(hunt.beyond(page[-1])) == memory.hunt(hunt.beyond(page[-1]))
            groups = Groups(
                by=data.draw(by),
                distinct=data.draw(st.sampled_from(["", "", *NAMES])),
                top=data.draw(st.integers(1, 30)),
                order=data.draw(st.sampled_from(["most", "fewest", "key"])),
            )
            assert store.aggregate(hunt, groups) == memory.aggregate(hunt, groups)
        assert [store.get(one.id) for one in given_events] == [
            memory.get(one.id) for one in given_events
        ]
        store.close()


@pytest.fixture(scope="module")
def pack() -> RuleSet:
    return load_rules(content_dir("rules"))


def test_only_two_letters_beyond_ascii_fold_into_it() -> None:
    """The two that fragments of a rule's text leave out (`detect.hunt.sigma`)."""
    letters = {folded(chr(code)) for code in range(128, 0x110000) if folded(chr(code)).isascii()}
    assert letters == {"k", "s"}


def test_no_event_that_a_rule_matches_is_outside_its_question(pack: RuleSet) -> None:
    """Every positive example that stands beside a shipped rule, and variations of it."""
    seen = 0
    for rule in pack.rules:
        where = wider_than(rule)
        path = rule.origin.path.with_suffix("").with_suffix(".test.yml")
        if not path.is_file():
            continue
        for fields in _examples(path):
            for changed in _variations(fields):
                if rule.match(changed):
                    seen += 1
                    event = Event(
                        id="0" * 32, time=FIRST, source="x", ref="", logsource=rule.logsource,
                        fields=changed,
                    )  # fmt: skip
                    assert holds(where, event), (rule.info.slug, changed)
    assert seen > 100


def _examples(path: Path) -> list[dict[str, Any]]:
    found = msgspec.yaml.decode(path.read_bytes())
    return list(found.get("match") or [])


def _variations(fields: dict[str, Any]) -> list[dict[str, Any]]:
    def each(change: Any) -> dict[str, Any]:
        return {
            name: change(value) if isinstance(value, str) else value
            for name, value in fields.items()
        }

    kelvin = str.maketrans({"k": "\u212a", "s": "\u017f"})
    return [
        fields,
        each(str.upper),
        each(lambda text: text.translate(kelvin)),
        {name: [value] for name, value in fields.items()},
        {name: [[value]] for name, value in fields.items()},
        {name: str(value) for name, value in fields.items()},
    ]
