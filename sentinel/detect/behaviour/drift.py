"""Has the population moved away from what the model learnt? Feature by feature, in one figure.

The figure is the population stability index: the sum over bins of (new share - old share) *
ln(new share / old share). By convention below 0.1 nothing happened, above 0.25 the population is
another one. What chance alone reaches in one case of a thousand, between samples of these sizes, is
taken off first, and values are told apart by two spreads (of the model's scale) only: finer is no
news. Beside it stand the share of sessions above the threshold against the share that was accepted,
and the share of pages that nobody knew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from sentinel.detect.behaviour.features import FEATURES
from sentinel.detect.behaviour.model import Model
from sentinel.detect.behaviour.population import comparable
from sentinel.detect.behaviour.sessions import Limits, Sessions
from sentinel.domain.event import Event
from sentinel.errors import ContentError

if TYPE_CHECKING:
    from sentinel.detect.behaviour.mixture import Matrix

FEWEST = 60  # sessions below which nothing is said
SLIGHT, LARGE = 0.1, 0.25
MANY = 10.0  # times the accepted share above the threshold
SHOWN_ONLY = frozenset({"oddest_request", "odd_requests"})
"""The learnt sessions were judged without themselves, new ones are not: small sites differ here."""
_BINS = 10
_COARSE = 2.0  # spreads
_CHANCE = 27.9  # 99.9th percentile of chi-squared with nine degrees of freedom
_MOST = 20_000
_BATCH = 500

Word = Literal["stable", "moved", "another"]


class FeatureDrift(msgspec.Struct, frozen=True):
    """One feature: its index beyond chance, and its median then and now."""

    name: str
    index: float
    then: float | None
    now: float | None
    word: Word


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """Then and now. ``word``: of the worst feature (`SHOWN_ONLY` apart).

    ``retrain``: whether the model should learn again.
    ``above``: share of sessions above the threshold; ``accepted``: the share that was planned.
    """

    model_created_at: datetime
    learnt_to: datetime
    sessions: int
    above: float
    accepted: float
    unseen_pages: float
    features: tuple[FeatureDrift, ...]
    word: Word
    retrain: bool


def drift_of(events: Iterable[Event], directory: Path) -> DriftReport:
    """Compare recent sessions with the model in ``directory``.

    Raises ContentError where there are too few sessions, and what `Model.load` raises.
    """
    import numpy as np

    model = Model.load(directory)
    sessions = Sessions(Limits(most_open=10_000_000))
    sessions.add(events)
    found = sorted(sessions.flush(), key=lambda one: (one.visits[0].time, one.key))[-_MOST:]
    if len(found) < FEWEST:
        raise ContentError(f"{len(found)} sessions, and {FEWEST} are needed", where="recent events")
    steps = [session.steps for session in found]
    raw = np.concatenate(
        [model.population.raw(steps[at : at + _BATCH]) for at in range(0, len(steps), _BATCH)]
    )
    view = model.population.of_sessions
    scores = view.score(comparable(raw))
    learnt, recent = view.matrix, view.scale.apply(comparable(raw))
    features = tuple(
        _feature(name, learnt[:, at], recent[:, at], model.manifest.features[at].median, raw[:, at])
        for at, name in enumerate(FEATURES)
    )
    manifest = model.manifest
    above = float((scores > manifest.threshold).mean())
    accepted = manifest.budget / manifest.sessions_per_day
    word = _word(max(one.index for one in features if one.name not in SHOWN_ONLY))
    return DriftReport(
        model_created_at=manifest.created_at,
        learnt_to=manifest.window_to,
        sessions=len(found),
        above=round(above, 5),
        accepted=round(accepted, 7),
        unseen_pages=round(float(raw[:, FEATURES.index("unseen")].mean()), 4),
        features=tuple(sorted(features, key=lambda one: (-one.index, one.name))),
        word=word,
        retrain=word == "another" or above > max(MANY * accepted, 1 / len(found)),
    )


def _feature(name: str, then: Matrix, now: Matrix, median: float, raw: Matrix) -> FeatureDrift:
    import numpy as np

    present = raw[~np.isnan(raw)]
    chance = _CHANCE * (1 / len(then) + 1 / len(now))
    coarse = stability_index(np.round(then / _COARSE), np.round(now / _COARSE))
    index = round(max(coarse - chance, 0.0), 4)
    value = round(float(np.median(present)), 4) if len(present) else None
    return FeatureDrift(name, index, round(median, 4), value, _word(index))


def stability_index(then: Matrix, now: Matrix) -> float:
    """Return the population stability index of two samples; bins of equal content of the first."""
    import numpy as np

    edges = np.unique(np.quantile(then, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = []
    for sample in (then, now):
        counts = np.bincount(np.searchsorted(edges, sample, side="left"), minlength=len(edges) + 1)
        shares.append((counts + 0.5) / (len(sample) + 0.5 * len(counts)))
    old, new = shares
    return float(((new - old) * np.log(new / old)).sum())


def _word(index: float) -> Word:
    if index < SLIGHT:
        return "stable"
    return "moved" if index < LARGE else "another"
