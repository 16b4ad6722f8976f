"""How well the model tells attacks from ordinary navigation, on logs that somebody labelled.

The model learns from the training logs alone; labels are read for the counting only. A line's
score is that of its session plus its own, in nats, so that an odd request of an ordinary client
ranks above that client's other requests. A session counts as an attack where one of its lines is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from sentinel.detect.behaviour.budget import DailyBudget
from sentinel.detect.behaviour.detectors import ALL, Single
from sentinel.detect.behaviour.labelled import Dataset
from sentinel.detect.behaviour.population import comparable
from sentinel.detect.behaviour.sessions import Limits, Session, Sessions, Step
from sentinel.detect.behaviour.train import BUDGET, FEWEST_SESSIONS, Learnt, learn, threshold
from sentinel.domain.event import Event
from sentinel.errors import ContentError

if TYPE_CHECKING:
    from sentinel.detect.behaviour.mixture import Matrix

MIXTURE = "mixture"
_DAY = timedelta(days=1)
_ALL = 10_000_000
_CUTS = (
    (timedelta(hours=24), Limits().most_visits),
    (timedelta(hours=1), Limits().most_visits),
    (timedelta(minutes=5), Limits().most_visits),
    (timedelta(minutes=5), 20),
    (timedelta(minutes=5), 1),
)

Read = Callable[[Any], Iterable[Event]]


class Quality(msgspec.Struct, frozen=True):
    """How one detector ranks. None: there is no attack, or nothing else, to tell apart.

    ``recall_at_1_percent``: share of attacks above the score that 1 % of the others exceed.
    """

    positives: int
    negatives: int
    roc_auc: float | None
    pr_auc: float | None
    recall_at_1_percent: float | None


class AtBudget(msgspec.Struct, frozen=True):
    """What the service would have told. None: nothing to divide by.

    ``threshold``: nats, from the training logs alone. ``cut``: findings beyond a day's budget.
    """

    threshold: float
    cut: int
    findings: int
    false_findings: int
    findings_a_day: float
    precision: float | None
    recall: float | None
    recall_of_lines: float | None


class Kind(msgspec.Struct, frozen=True):
    """One kind of attack: its lines ranked against all lines without a label."""

    lines: int
    sessions: int
    roc_auc: float | None
    pr_auc: float | None
    found_lines: int
    found_sessions: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. ``detectors``: quality by lines and by sessions, by name of detector.

    ``window_minutes`` and ``most_lines``: where sessions were cut.
    """

    seed: int
    budget: int
    window_minutes: float
    most_lines: int
    train_sessions: int
    train_lines: int
    test_sessions: int
    test_lines: int
    test_days: float
    roc_auc: float | None
    pr_auc: float | None
    precision: float | None
    recall: float | None
    lines: Quality
    sessions: Quality
    at_budget: AtBudget
    by_label: dict[str, Kind]
    detectors: dict[str, dict[str, Quality]]


class Evaluation:
    """Sessions of both parts, learnt once, judged by as many detectors as wanted."""

    def __init__(
        self, dataset: Dataset, read: Read, *, seed: int = 0, window: timedelta | None = None
    ) -> None:
        """Read and learn. ``window``: sessions are cut at this length.

        Where it is None: at 24 hours as in the service, shorter where the training logs come from
        too few clients. Raises ContentError where they hold too few lines whatever the cut.
        """
        import numpy as np

        self.seed = seed
        self.limits, self._train = _cut(list(read(dataset.train)), window, str(dataset.train))
        self.test = _sessions(read(dataset.test), self.limits)
        if not self.test:
            raise ContentError("there is no web access in it", where=str(dataset.test))
        self._steps = [session.steps for session in self.test]
        self.kinds = [[dataset.kinds(visit.ref) for visit in one.visits] for one in self.test]
        self.is_attack = np.array([any(map(bool, kinds)) for kinds in self.kinds])
        self.lines = np.array([bool(kind) for kinds in self.kinds for kind in kinds])
        self.learnt: Learnt = learn([session.steps for session in self._train], seed)
        self._raw = self.learnt.population.raw(self._steps)

    def judge(self, name: str) -> tuple[Matrix, Matrix]:
        """Return the nats of each test session, and of each test line, by one detector."""
        population = self.learnt.population
        if name == MIXTURE:
            sessions = population.of_sessions.score(comparable(self._raw))
            requests = population.oddities(self._flat)
        else:
            learnt = [session.steps for session in self._train]
            single = Single(name, population, learnt, self.seed)
            sessions = single.sessions(self._steps, self._raw)
            requests = single.requests(self._flat)
        return sessions, self._of_lines(sessions) + requests

    def report(self, budget: int, *, compare: bool = False) -> Report:
        """Return the answer. ``budget``: findings told a day at most."""
        judged = {MIXTURE: self.judge(MIXTURE)}
        if compare:
            judged |= {name: self.judge(name) for name in ALL}
        table = {
            name: {
                "lines": quality(self.lines, by_line),
                "sessions": quality(self.is_attack, by_session),
            }
            for name, (by_session, by_line) in judged.items()
        }
        by_session, by_line = judged[MIXTURE]
        at_budget, found = self._at_budget(by_session, budget)
        lines = table[MIXTURE]["lines"]
        return Report(
            seed=self.seed,
            budget=budget,
            window_minutes=self.limits.longest / timedelta(minutes=1),
            most_lines=self.limits.most_visits,
            train_sessions=len(self._train),
            train_lines=sum(len(session.visits) for session in self._train),
            test_sessions=len(self.test),
            test_lines=len(self.lines),
            test_days=_days(self.test),
            roc_auc=lines.roc_auc,
            pr_auc=lines.pr_auc,
            precision=at_budget.precision,
            recall=at_budget.recall,
            lines=lines,
            sessions=table[MIXTURE]["sessions"],
            at_budget=at_budget,
            by_label=self._by_kind(by_line, found),
            detectors=table if compare else {},
        )

    @property
    def _flat(self) -> list[Step]:
        return [step for steps in self._steps for step in steps]

    def _of_lines(self, of_sessions: Any) -> Any:
        import numpy as np

        return np.repeat(of_sessions, [len(steps) for steps in self._steps])

    def _at_budget(self, scores: Matrix, budget: int) -> tuple[AtBudget, Matrix]:
        import numpy as np

        a_day = len(self._train) / _days(self._train)
        limit = threshold(self.learnt.scores, BUDGET / a_day)
        daily, found = DailyBudget(budget), np.zeros(len(scores), dtype=bool)
        ends = [session.visits[-1].time for session in self.test]
        for at in sorted(range(len(ends)), key=lambda at: (ends[at], self.test[at].key)):
            found[at] = scores[at] > limit and daily.admit(ends[at])
        findings, right = int(found.sum()), int((found & self.is_attack).sum())
        attacks = int(self.is_attack.sum())
        lines = self._of_lines(found)
        return (
            AtBudget(
                threshold=limit,
                cut=daily.cut.total(),
                findings=findings,
                false_findings=findings - right,
                findings_a_day=findings / _days(self.test),
                precision=right / findings if findings else None,
                recall=right / attacks if attacks else None,
                recall_of_lines=_share(lines[self.lines]),
            ),
            lines,
        )

    def _by_kind(self, scores: Matrix, found: Matrix) -> dict[str, Kind]:
        import numpy as np

        flat = [kind for kinds in self.kinds for kind in kinds]
        answer = {}
        for name in sorted({name for kinds in flat for name in kinds}):
            mine = np.array([name in kinds for kinds in flat])
            apart = mine | ~self.lines
            whole = [any(name in kinds for kinds in session) for session in self.kinds]
            hit = np.add.reduceat(found & mine, self._starts()) > 0
            measured = quality(mine[apart], scores[apart])
            answer[name] = Kind(
                lines=int(mine.sum()),
                sessions=sum(whole),
                roc_auc=measured.roc_auc,
                pr_auc=measured.pr_auc,
                found_lines=int((found & mine).sum()),
                found_sessions=int(hit.sum()),
            )
        return answer

    def _starts(self) -> list[int]:
        starts, at = [], 0
        for steps in self._steps:
            starts.append(at)
            at += len(steps)
        return starts


def quality(is_attack: Matrix, scores: Matrix) -> Quality:
    """Measure a ranking. Shapes: n booleans, n scores."""
    import numpy as np
    from sklearn.metrics import average_precision_score, roc_auc_score

    positives = int(is_attack.sum())
    negatives = len(is_attack) - positives
    if not positives or not negatives:
        return Quality(positives, negatives, None, None, None)
    limit = float(np.quantile(scores[~is_attack.astype(bool)], 0.99))
    return Quality(
        positives,
        negatives,
        round(float(roc_auc_score(is_attack, scores)), 4),
        round(float(average_precision_score(is_attack, scores)), 4),
        _share(scores[is_attack.astype(bool)] > limit),
    )


def _share(hits: Matrix) -> float | None:
    return round(float(hits.mean()), 4) if len(hits) else None


def _cut(events: list[Event], window: timedelta | None, where: str) -> tuple[Limits, list[Session]]:
    """Return the first way of cutting that leaves enough sessions to learn from."""
    cuts = [(window, Limits().most_visits)] if window else _CUTS
    for longest, most in cuts:
        limits = Limits(longest=longest, most_visits=most, most_open=_ALL, most_kept=_ALL)
        sessions = _sessions(events, limits)
        if len(sessions) >= FEWEST_SESSIONS:
            return limits, sessions
    raise ContentError(
        f"{len(sessions)} sessions, and {FEWEST_SESSIONS} are needed",
        where=where,
        hint="give more web access lines of ordinary days",
    )


def _sessions(events: Iterable[Event], limits: Limits) -> list[Session]:
    sessions = Sessions(limits)
    sessions.add(events)
    return sorted(sessions.flush(), key=lambda item: (item.visits[0].time, item.key))


def _days(sessions: Sequence[Session]) -> float:
    first = min(session.visits[0].time for session in sessions)
    last = max(session.visits[-1].time for session in sessions)
    return max((last - first) / _DAY, 1 / 24)
