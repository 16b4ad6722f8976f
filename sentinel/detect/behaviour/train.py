"""Learn what navigation the population has, and from how far on a session is a finding.

Every session is described by counts that have not seen it (cross-fitting), and scored against the
others without itself (leave one out), so that the threshold holds for sessions still to come. The
threshold follows a budget of findings a day: beyond the sessions at hand, the tail of the scores
is continued as an exponential (peaks over threshold). The highest scores of the window do not
move it: what is odd among the learnt sessions may be an attack.
"""

from __future__ import annotations

import platform
import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from importlib.metadata import version
from math import log, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sentinel.clock import Clock, SystemClock
from sentinel.detect.behaviour.features import FEATURES, features, tokens_of
from sentinel.detect.behaviour.manifest import (
    FORMAT,
    MARKOV,
    MATRIX,
    REQUESTS,
    DataDigest,
    FeatureStats,
    Manifest,
    write_model,
)
from sentinel.detect.behaviour.markov import Markov
from sentinel.detect.behaviour.mixture import DETECTOR, PARAMETERS, TAIL, tail_of
from sentinel.detect.behaviour.model import matrix_bytes, require_extra
from sentinel.detect.behaviour.population import (
    Look,
    Population,
    comparable,
    look,
    request_scale,
    request_view,
    session_scale,
    session_view,
)
from sentinel.detect.behaviour.requests import Requests
from sentinel.detect.behaviour.sessions import Limits, Session, Sessions, Step
from sentinel.domain.event import Event
from sentinel.errors import ContentError

if TYPE_CHECKING:
    from sentinel.detect.behaviour.mixture import Matrix

BUDGET = 0.01
"""Normal sessions a day that may be findings: one in a hundred days, if the population stays."""
FEWEST_SESSIONS = 60
MOST_REQUESTS = 5_000
"""Requests that the model keeps as numbers; a larger window is drawn from."""
MOST_SESSIONS = 20_000
_FOLDS = 5


class Learnt(msgspec.Struct, frozen=True):
    """A population, the features of its sessions, and what each scores without itself (nats)."""

    population: Population
    raw: Matrix

    @property
    def scores(self) -> Matrix:
        """Nats of the sessions that were learnt, leave one out."""
        return self.population.of_sessions.mixture.scores


def train(
    events: Iterable[Event],
    directory: Path,
    *,
    seed: int = 0,
    budget: float = BUDGET,
    idle: timedelta = timedelta(minutes=30),
    clock: Clock | None = None,
) -> Manifest:
    """Learn from normal web accesses and write the model into ``directory``; return its manifest.

    ``events`` may come in any order. ``budget``: accepted findings a day. Takes a few seconds for
    some thousand sessions. Raises ContentError (too few sessions), MissingExtra.
    """
    require_extra()
    if budget <= 0:
        raise ContentError("a budget of findings is above zero", where="budget")
    import numpy as np

    sessions = Sessions(Limits(idle=idle, most_open=10_000_000))
    digest = DataDigest()
    sessions.add(_digested(events, digest))
    found = sorted(sessions.flush(), key=lambda item: (item.visits[0].time, item.key))
    if len(found) < FEWEST_SESSIONS:
        raise ContentError(
            f"{len(found)} sessions, and {FEWEST_SESSIONS} are needed",
            where="training events",
            hint="give a longer window of web access logs",
        )
    a_day = len(found) / _days(found)
    learnt = learn([session.steps for session in found], seed)
    manifest = Manifest(
        format=FORMAT,
        created_at=(clock or SystemClock()).now(),
        window_from=min(session.visits[0].time for session in found),
        window_to=max(session.visits[-1].time for session in found),
        sessions=len(found),
        requests=sum(len(session.visits) for session in found),
        sessions_per_day=a_day,
        budget=budget,
        threshold=threshold(learnt.scores, budget / a_day),
        seed=seed,
        idle_seconds=idle.total_seconds(),
        detector=DETECTOR,
        parameters=PARAMETERS,
        features=tuple(
            FeatureStats(name, *(float(value) for value in np.nanpercentile(column, [1, 50, 99])))
            for name, column in zip(FEATURES, _somebody(learnt.raw).T, strict=True)
        ),
        libraries={"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "pyod", "scikit-learn")},
        files={},
        data_digest=digest.hex,
    )
    files = {
        MATRIX: matrix_bytes(learnt.population.of_requests, learnt.population.of_sessions),
        MARKOV: learnt.population.chain.to_json(),
        REQUESTS: learnt.population.requests.to_json(),
    }
    return write_model(directory, manifest, files)


def learn(steps: Sequence[Sequence[Step]], seed: int) -> Learnt:
    """Describe a population of sessions."""
    import numpy as np

    if len(steps) > MOST_SESSIONS:
        chosen = random.Random(seed).sample(range(len(steps)), MOST_SESSIONS)  # noqa: S311 - a draw
        steps = [steps[at] for at in sorted(chosen)]
    folds = _folds(len(steps), seed)
    looks, values = _request_values(steps, folds, seed)
    scale = request_scale(values)
    judged = request_view(scale, scale.apply(values))
    oddities = dict(zip(looks, judged.mixture.scores.tolist(), strict=True))
    raw = np.zeros((len(steps), len(FEATURES)))
    for fold, others in _parts(steps, folds):
        chain, requests = _chain(others), Requests.learnt(others)
        missing = {look(step): step for at in fold for step in steps[at]}
        fresh = {key: step for key, step in missing.items() if key not in oddities}
        if fresh:
            rows = np.array([requests.features(step) for step in fresh.values()])
            oddities.update(zip(fresh, judged.score(rows).tolist(), strict=True))
        for at in fold:
            raw[at] = features(steps[at], chain, [oddities[look(step)] for step in steps[at]])
    session_scaled = session_scale(comparable(raw))
    of_sessions = session_view(session_scaled, session_scaled.apply(comparable(raw)))
    population = Population(_chain(steps), Requests.learnt(steps), judged, of_sessions)
    return Learnt(population, raw)


def threshold(scores: Matrix, rate: float) -> float:
    """Return the score that at most a share ``rate`` of normal sessions is expected to exceed.

    Above the tail's beginning the scores are taken for exponential. The slope is the maximum
    likelihood estimate with the highest scores censored, at the upper end of its 95 % confidence
    interval: the fewer the sessions, the more careful the threshold.
    """
    import numpy as np

    if rate >= TAIL:
        return float(np.quantile(scores, max(1 - rate, 0.0)))
    begin, slope, seen = tail_of(scores)
    if not seen:
        return begin
    careful = slope * (1 + 1.645 / sqrt(seen))
    return begin + careful * log(TAIL / rate)


def _digested(events: Iterable[Event], digest: DataDigest) -> Iterable[Event]:
    for event in events:
        digest.of(event.id)
        yield event


def _request_values(
    steps: Sequence[Sequence[Step]], folds: Sequence[Sequence[int]], seed: int
) -> tuple[list[Look], Matrix]:
    """Describe a draw of requests, each by the counts of the folds that it is not in.

    Drawn from the traffic, not from its distinct addresses: what everybody asks for is ordinary.
    """
    import numpy as np

    looks: list[Look] = []
    rows: list[list[float]] = []
    for fold, others in _parts(steps, folds):
        traffic = [step for at in fold for step in steps[at]]
        if len(traffic) > MOST_REQUESTS // _FOLDS:
            traffic = random.Random(seed).sample(traffic, MOST_REQUESTS // _FOLDS)  # noqa: S311
        requests = Requests.learnt(others)
        looks += map(look, traffic)
        rows += map(requests.features, traffic)
    return looks, np.array(rows, dtype=np.float64)


def _parts(
    steps: Sequence[Sequence[Step]], folds: Sequence[Sequence[int]]
) -> Iterable[tuple[Sequence[int], list[Sequence[Step]]]]:
    """Yield each fold with the sessions of the others."""
    for fold in folds:
        held_out = set(fold)
        yield fold, [item for at, item in enumerate(steps) if at not in held_out]


def _folds(count: int, seed: int) -> list[list[int]]:
    order = list(range(count))
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    return [order[start::_FOLDS] for start in range(_FOLDS)]


def _chain(sessions: Iterable[Sequence[Step]]) -> Markov:
    chain = Markov()
    chain.learn(tokens_of(steps) for steps in sessions)
    return chain


def _somebody(raw: Matrix) -> Matrix:
    """Return ``raw`` with 0 where nobody has a feature: a percentile of nothing is nothing."""
    import numpy as np

    empty = np.isnan(raw).all(axis=0)
    return np.where(empty, 0.0, raw)


def _days(sessions: Sequence[Session]) -> float:
    first = min(session.visits[0].time for session in sessions)
    last = max(session.visits[-1].time for session in sessions)
    return max((last - first) / timedelta(days=1), 1 / 24)
