"""Facts converge: no order of arrival, and no repetition, changes an answer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sentinel.detect.scope.facts import FactIndex
from sentinel.domain.scope import Fact

START = datetime(2026, 1, 5, tzinfo=UTC)
instants = st.integers(0, 12).map(lambda hour: START + timedelta(hours=hour))
facts = st.builds(
    Fact,
    kind=st.sampled_from(["ticket", "oncall"]),
    id=st.sampled_from(["1", "2"]),
    subject=st.sampled_from(["", "C1"]),
    actor=st.sampled_from(["", "ana"]),
    team=st.sampled_from(["", "a", "b"]),
    valid_from=st.none() | instants,
    valid_to=st.none() | instants,
    recorded_at=st.none() | instants,
)


def answers(index: FactIndex, at: datetime, known_at: datetime | None) -> object:
    return [
        (
            index.relating(kind, "C1", at, known_at=known_at),
            list(index.about_agent(kind, "ana", "a", known_at=known_at)),
        )
        for kind in ("ticket", "oncall")
    ]


@given(st.lists(facts, max_size=12), st.randoms(), instants, st.none() | instants)
def test_any_order_and_any_repetition_give_the_same_answers(
    known: list[Fact], random: object, at: datetime, known_at: datetime | None
) -> None:
    again = [*known, *known[::2]]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert answers(FactIndex(again), at, known_at) == answers(FactIndex(known), at, known_at)


@given(st.lists(facts, max_size=12), instants, instants)
def test_nothing_explains_outside_its_validity_or_before_its_recording(
    known: list[Fact], at: datetime, known_at: datetime
) -> None:
    for fact in FactIndex(known).relating("ticket", "C1", at, known_at=known_at):
        assert fact.valid_from is None or fact.valid_from <= at
        assert fact.valid_to is None or at < fact.valid_to
        assert fact.recorded_at is None or fact.recorded_at <= known_at


@given(st.lists(facts, max_size=12), instants, instants)
def test_each_answer_is_the_newest_version_known(
    known: list[Fact], at: datetime, known_at: datetime
) -> None:
    """Against a naive reading of the whole list."""
    index = FactIndex(known)
    visible = [fact for fact in known if fact.recorded_at is None or fact.recorded_at <= known_at]
    floor = datetime.min.replace(tzinfo=UTC)
    for fact in index.relating("ticket", "C1", at, known_at=known_at):
        same = [
            other
            for other in visible
            if (other.kind, other.id, other.subject, other.actor)
            == (fact.kind, fact.id, fact.subject, fact.actor)
        ]
        newest = max(other.recorded_at or floor for other in same)
        assert (fact.recorded_at or floor) == newest
