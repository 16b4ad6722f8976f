"""A session in sixteen numbers. None of them is who, where from, or at what hour.

Generic on purpose: pace, breadth, errors, likelihood of the path, order of the documents. The
names are those of `sentinel.domain.terms`, which writes them in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log2, nan
from statistics import fmean, median, pstdev

from sentinel.detect.behaviour.markov import Markov
from sentinel.detect.behaviour.paths import ID, depth, is_page, number, template, token
from sentinel.detect.behaviour.sessions import Step

FEATURES = (
    "rate",
    "interval_median",
    "interval_cv",
    "depth",
    "distinct_paths",
    "client_errors",
    "unseen",
    "entropy",
    "document_rate",
    "repetition",
    "bytes",
    "surprise",
    "consecutive_ids",
    "ordered_run",
    "oddest_request",
    "odd_requests",
)
LOGARITHMIC = {
    "rate": 1.0,
    "interval_median": 1.0,
    "interval_cv": 0.05,
    "document_rate": 1.0,
    "bytes": 100.0,
    "ordered_run": 1.0,
}
"""Judged as log(value + offset): twice as fast matters, one page a minute more does not."""
FEWEST_PAGES = 8
"""Below this many pages, a pace or an order says nothing: those features are absent (NaN)."""
ODD = 4.6
"""A request so rare (nats; one in a hundred) counts as odd."""
_NEEDS_PAGES = frozenset(
    {
        "rate",
        "interval_median",
        "interval_cv",
        "distinct_paths",
        "entropy",
        "document_rate",
        "repetition",
        "consecutive_ids",
        "ordered_run",
    }
)
_FEWEST_INTERVALS = 4
_HUMAN_CV = 1.0  # where there are too few intervals: as irregular as chance


def pages_of(steps: Sequence[Step]) -> list[Step]:
    """Return the requests that a person chose; all of them where there is none."""
    return [step for step in steps if is_page(step)] or list(steps)


def tokens_of(steps: Sequence[Step]) -> list[str]:
    """Return the pages of a session as the Markov model counts them."""
    return [token(step) for step in pages_of(steps)]


def features(steps: Sequence[Step], population: Markov, oddities: Sequence[float]) -> list[float]:
    """Return the values of `FEATURES`, in that order; NaN where a session is too short for one.

    ``steps``: one session, by time. ``oddities``: how odd each of its requests is, in nats.
    Minutes and seconds are of event time; a session shorter than a minute counts as one minute.
    """
    if not steps:
        raise ValueError("a session without requests has no features")
    pages = pages_of(steps)
    tokens = [token(step) for step in pages]
    minutes = max((pages[-1].at - pages[0].at) / 60, 1.0)
    gaps = [after.at - before.at for before, after in pairwise(pages)]
    documents = [step for step in pages if ID in template(step.path) and step.status < 300]  # noqa: PLR2004
    values = [
        len(pages) / minutes,
        median(gaps) if gaps else 0.0,
        _variation(gaps),
        fmean(depth(step.path) for step in pages),
        len({step.path for step in pages}) / len(pages),
        sum(1 for step in pages if 400 <= step.status < 500) / len(pages),  # noqa: PLR2004 - 4xx
        sum(1 for item in tokens if not population.knows(item)) / len(tokens),
        _entropy(tokens),
        len(documents) / minutes,
        _repetition(tokens),
        fmean(step.size for step in pages),
        population.surprise(tokens),
        *_order(pages),
        max(oddities),
        sum(1 for value in oddities if value >= ODD) / len(oddities),
    ]
    if len(pages) >= FEWEST_PAGES:
        return values
    named = zip(FEATURES, values, strict=True)
    return [nan if name in _NEEDS_PAGES else value for name, value in named]


def _variation(gaps: Sequence[float]) -> float:
    """Return the coefficient of variation: 0 = a metronome, about 1 = chance, more = bursts."""
    if len(gaps) < _FEWEST_INTERVALS:
        return _HUMAN_CV
    mean = fmean(gaps)
    return pstdev(gaps) / mean if mean else 0.0


def _entropy(tokens: Sequence[str]) -> float:
    counts = Counter(tokens)
    return -sum(n / len(tokens) * log2(n / len(tokens)) for n in counts.values())


def _repetition(tokens: Sequence[str]) -> float:
    steps = Counter(pairwise(tokens))
    return max(steps.values()) / (len(tokens) - 1) if steps else 0.0


def _order(pages: Sequence[Step]) -> tuple[float, float]:
    """Return the share of steps between neighbouring numbers, and the longest ordered run.

    Only a step from one page to another of the same template counts; a run keeps its direction.
    """
    neighbours, longest, run, direction = 0, 0, 0, 0
    for before, after in pairwise(pages):
        step = _distance(before.path, after.path)
        neighbours += abs(step) == 1
        sign = (step > 0) - (step < 0)
        run = run + 1 if sign == direction else 1
        run = run if sign else 0
        direction = sign
        longest = max(longest, run)
    return neighbours / max(len(pages) - 1, 1), float(longest)


def _distance(before: str, after: str) -> int:
    if template(before) != template(after):
        return 0
    first, second = number(before), number(after)
    return 0 if first is None or second is None else second - first
