"""Learn what navigation the population has, and from how far on a session is a finding.

Every session is described by a Markov chain that has not seen it (cross-fitting), and scored
against the others without itself (leave one out), so that the threshold holds for sessions still
to come. The
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

from sentinel.clock import Clock, SystemClock
from sentinel.detect.behaviour.features import FEATURES, features, scorable, tokens_of
from sentinel.detect.behaviour.manifest import (
    FORMAT,
    MARKOV,
    MATRIX,
    FeatureStats,
    Manifest,
    write_model,
)
from sentinel.detect.behaviour.markov import Markov
from sentinel.detect.behaviour.model import (
    DETECTOR,
    PARAMETERS,
    Scale,
    fitted,
    matrix_bytes,
    require_extra,
)
from sentinel.detect.behaviour.sessions import Limits, Session, Sessions, Step
from sentinel.domain.event import Event
from sentinel.errors import ContentError

if TYPE_CHECKING:
    from sentinel.detect.behaviour.model import Matrix

BUDGET = 0.01
"""Normal sessions a day that may be findings: one in a hundred days, if the population stays."""
FEWEST_SESSIONS = 60
_FOLDS = 5
_TAIL = 0.20  # share of the scores whose slope is measured
_CENSORED = 0.02  # share of highest scores of which only the number counts


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
    sessions.add(events)
    found = sorted(sessions.flush(), key=lambda item: (item.visits[0].time, item.key))
    learnt = [session for session in found if scorable(session.steps)]
    if len(learnt) < FEWEST_SESSIONS:
        raise ContentError(
            f"{len(learnt)} sessions with enough pages, and {FEWEST_SESSIONS} are needed",
            where="training events",
            hint="give a longer window of web access logs",
        )
    steps = [session.steps for session in learnt]
    folds = _folds(len(steps), seed)
    raw = _raw_features(steps, folds)
    scale = Scale.of(raw)
    matrix = scale.apply(raw)
    days = _days(learnt)
    chain = _chain(steps)
    manifest = Manifest(
        format=FORMAT,
        created_at=(clock or SystemClock()).now(),
        window_from=min(session.visits[0].time for session in learnt),
        window_to=max(session.visits[-1].time for session in learnt),
        sessions=len(learnt),
        too_short=len(found) - len(learnt),
        sessions_per_day=len(learnt) / days,
        budget=budget,
        threshold=_threshold(fitted(matrix).decision_scores_, budget / (len(learnt) / days)),
        seed=seed,
        idle_seconds=idle.total_seconds(),
        detector=DETECTOR,
        parameters=PARAMETERS,
        features=tuple(
            FeatureStats(name, *(float(value) for value in np.percentile(column, [1, 50, 99])))
            for name, column in zip(FEATURES, raw.T, strict=True)
        ),
        libraries={"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "pyod", "scikit-learn")},
        files={},
    )
    files = {MATRIX: matrix_bytes(scale, matrix), MARKOV: chain.to_json()}
    return write_model(directory, manifest, files)


def _folds(count: int, seed: int) -> list[list[int]]:
    order = list(range(count))
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    return [order[start::_FOLDS] for start in range(_FOLDS)]


def _chain(sessions: Iterable[Sequence[Step]]) -> Markov:
    chain = Markov()
    chain.learn(tokens_of(steps) for steps in sessions)
    return chain


def _raw_features(steps: Sequence[Sequence[Step]], folds: Sequence[Sequence[int]]) -> Matrix:
    """Describe each session by the chain of the other folds."""
    import numpy as np

    raw = np.zeros((len(steps), len(FEATURES)))
    for fold in folds:
        held_out = set(fold)
        chain = _chain(steps[at] for at in range(len(steps)) if at not in held_out)
        for at in fold:
            raw[at] = features(steps[at], chain)
    return raw


def _threshold(scores: Matrix, rate: float) -> float:
    """Return the score that at most a share ``rate`` of normal sessions is expected to exceed.

    Above the tail's beginning the scores are taken for exponential. The slope is the maximum
    likelihood estimate with the highest scores censored, at the upper end of its 95 % confidence
    interval: the fewer the sessions, the more careful the threshold.
    """
    import numpy as np

    if rate >= _TAIL:
        return float(np.quantile(scores, max(1 - rate, 0.0)))
    begin = float(np.quantile(scores, 1 - _TAIL))
    excesses = np.sort(scores[scores > begin]) - begin
    censored = int(len(scores) * _CENSORED)
    seen = excesses[: len(excesses) - censored]
    slope = (seen.sum() + censored * seen[-1]) / len(seen)
    careful = slope * (1 + 1.645 / sqrt(len(seen)))
    return begin + float(careful) * log(_TAIL / rate)


def _days(sessions: Sequence[Session]) -> float:
    first = min(session.visits[0].time for session in sessions)
    last = max(session.visits[-1].time for session in sessions)
    return max((last - first) / timedelta(days=1), 1 / 24)
