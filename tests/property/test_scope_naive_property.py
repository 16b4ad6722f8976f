"""The compiled scope engine gives the verdicts of the naive reading, whatever the facts."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from naive_scope import naive_verdict

from sentinel.content import content_dir
from sentinel.detect.scope.engine import ScopeEngine
from sentinel.detect.scope.explain import Access
from sentinel.detect.scope.facts import FactIndex
from sentinel.detect.scope.load import load_scope
from sentinel.detect.scope.model import Role, ScopeModel, Template, Words
from sentinel.domain.scope import Fact

START = datetime(2026, 1, 5, tzinfo=UTC)
WORDS = Words(en="w", fr="w")
WEAK = ("opened_by_actor", "opened_after", "recorded_late", "ended", "break_glass")
instants = st.integers(0, 72).map(lambda hour: START + timedelta(hours=hour))
spans = st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=6)])
names = {
    "subject": st.sampled_from(["", "C1", "C2"]),
    "actor": st.sampled_from(["", "ana", "bob"]),
    "team": st.sampled_from(["", "a", "b"]),
}


def _fact(**fields: object) -> Fact:
    start, end = fields["valid_from"], fields["valid_to"]
    if start and end and end < start:  # type: ignore[operator]
        fields |= {"valid_from": end, "valid_to": start}
    return Fact(**fields)  # type: ignore[arg-type]


facts = st.builds(
    _fact,
    kind=st.sampled_from(["ticket", "oncall"]),
    id=st.sampled_from(["1", "2", "3"]),
    **names,
    category=st.sampled_from(["", "identity", "contact"]),
    opened_by=st.sampled_from(["", "ana"]),
    valid_from=st.none() | instants,
    valid_to=st.none() | instants,
    recorded_at=st.none() | instants,
    retracted=st.sampled_from([False, False, False, True]),
)


def _template(**fields: object) -> Template:
    weak = set(fields["weak"])  # type: ignore[call-overload]
    weak |= {"opened_after"} if fields["opened_after_within"] else set()
    weak |= {"ended"} if fields["ended_within"] else set()
    if fields["subject"] == "any" and fields["agent"] == "any":
        fields["agent"] = "actor"
    if fields["fact"] is None:
        fields["acts"] = ("batch.run",)
    order = tuple(code for code in WEAK if code in weak)
    return Template(**{**fields, "weak": order, "title": WORDS})


templates = st.builds(
    _template,
    id=st.just("t"),
    roles=st.sampled_from([("support",), ("*",), ("sre", "support")]),
    categories=st.sampled_from([("*",), ("identity",), ("identity", "contact")]),
    acts=st.sampled_from([("*",), ("*.read",)]),
    fact=st.sampled_from(["ticket", "oncall", None]),
    subject=st.sampled_from(["same", "any"]),
    agent=st.sampled_from(["actor", "team", "actor_or_team", "any"]),
    about=st.sampled_from([(), ("same",), ("contact",)]),
    weak=st.lists(st.sampled_from(WEAK), max_size=4),
    opened_after_within=spans,
    ended_within=spans,
)
models = st.lists(templates, max_size=5).map(
    lambda made: ScopeModel(
        roles={
            "support": Role(title=WORDS, categories=("identity", "contact"), acts=("*.read",)),
            "sre": Role(title=WORDS, categories=("*",), acts=("*",)),
        },
        templates=tuple(
            template.model_copy(update={"id": f"t{number}"}) for number, template in enumerate(made)
        ),
    )
)
accesses = st.builds(
    Access,
    actor=names["actor"],
    team=names["team"],
    roles=st.sampled_from([frozenset({"support"}), frozenset({"sre"}), frozenset({"other"})]),
    action=st.sampled_from(["customer.read", "batch.run"]),
    categories=st.sampled_from([("identity",), ("contact",), ("contact", "identity"), ()]),
    subjects=st.sampled_from([("C1",), ("C2",), ("C1", "C2"), ()]),
    instant=instants,
)


@given(models, st.lists(facts, max_size=40), st.lists(accesses, max_size=8), st.none() | instants)
@settings(max_examples=300, deadline=None)
def test_the_engine_says_what_the_naive_reading_says(
    model: ScopeModel, known: list[Fact], asked: list[Access], known_at: datetime | None
) -> None:
    engine = ScopeEngine(model, FactIndex(known))
    for access in asked:
        judged = engine.explain(access, known_at=known_at)
        said = (judged.verdict.value, judged.templates, judged.weak)
        assert said == naive_verdict(model, known, access, known_at)


@given(st.lists(st.tuples(instants, st.integers(0, 72)), min_size=49, max_size=90), accesses)
@example(
    [(START, 0)] * 50,
    Access(
        actor="ana",
        team="a",
        roles=frozenset({"support"}),
        action="customer.read",
        categories=("identity",),
        subjects=("C1",),
        instant=START,
    ),
)
@settings(max_examples=200, deadline=None)
def test_a_person_with_many_facts_is_judged_alike(
    spans: list[tuple[datetime, int]], access: Access
) -> None:
    """Beyond a few dozen facts the index bisects."""
    model = load_scope(content_dir("rules") / "scopes")
    known = [
        Fact(
            kind="ticket",
            id=str(number),
            subject="C1",
            actor=("ana", "bob", "cy")[number % 3],
            valid_from=start,
            valid_to=None if hours == 0 else start + timedelta(hours=hours),
            recorded_at=start,
        )
        for number, (start, hours) in enumerate(spans)
    ]
    judged = ScopeEngine(model, FactIndex(known)).explain(access)
    said = (judged.verdict.value, judged.templates, judged.weak)
    assert said == naive_verdict(model, known, access)
