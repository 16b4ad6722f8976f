"""A population in two views: its requests one by one, and the sessions that they make.

Each request is judged by its features alone; the oddest request and the share of odd ones are
features of the session, beside its pace, breadth and path. Both views are a `Mixture`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from sentinel.detect.behaviour.features import FEATURES, LOGARITHMIC, features
from sentinel.detect.behaviour.markov import Markov
from sentinel.detect.behaviour.mixture import Mixture, Scale
from sentinel.detect.behaviour.requests import REQUEST_FEATURES, Requests
from sentinel.detect.behaviour.sessions import Step

if TYPE_CHECKING:
    from sentinel.detect.behaviour.mixture import Matrix

_MOST_KNOWN = 100_000  # requests whose oddity is remembered
# A spread below this is not news, however steady the population: shares, ratios, bits, nats.
_LEAST_SPREAD = {
    "depth": 0.3,
    "distinct_paths": 0.1,
    "client_errors": 0.1,
    "unseen": 0.1,
    "repetition": 0.1,
    "consecutive_ids": 0.05,
    "oddest_request": 1.0,
    "odd_requests": 0.05,
}
_LEAST_SPREAD_ELSE = 0.25

Look = tuple[str, str, str, int]  # what a request's oddity depends on


class View(msgspec.Struct, frozen=True):
    """A population seen as sessions, or as requests. ``matrix``: its scaled rows."""

    scale: Scale
    matrix: Matrix
    mixture: Mixture

    def score(self, values: Matrix) -> Matrix:
        """Return nats for rows of comparable values."""
        return self.mixture.score(self.scale.apply(values))


class Population:
    """What judges requests and sessions; not safe for two threads."""

    def __init__(
        self, chain: Markov, requests: Requests, of_requests: View, of_sessions: View
    ) -> None:
        self.chain = chain
        self.requests = requests
        self.of_requests = of_requests
        self.of_sessions = of_sessions
        self._known: dict[Look, float] = {}

    def raw(self, sessions: Sequence[Sequence[Step]]) -> Matrix:
        """Return the features of sessions, NaN where one is absent. Shape: sessions x FEATURES."""
        import numpy as np

        self.oddities([step for steps in sessions for step in steps])
        rows = [
            features(steps, self.chain, [self._known[look(step)] for step in steps])
            for steps in sessions
        ]
        return np.array(rows, dtype=np.float64)

    def oddities(self, steps: Sequence[Step]) -> Matrix:
        """Return how odd each request is, in nats."""
        import numpy as np

        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        fresh = {look(step): step for step in steps if look(step) not in self._known}
        if fresh:
            nats = self.of_requests.score(self.request_values(list(fresh.values())))
            self._known.update(zip(fresh, map(float, nats), strict=True))
        return np.array([self._known[look(step)] for step in steps], dtype=np.float64)

    def request_values(self, steps: Sequence[Step]) -> Matrix:
        """Return the features of requests. Shape: requests x REQUEST_FEATURES."""
        import numpy as np

        return np.array([self.requests.features(step) for step in steps], dtype=np.float64)


def look(step: Step) -> Look:
    """Return what the oddity of a request depends on."""
    return (step.method, step.path, step.query, step.status)


def session_view(scale: Scale, matrix: Matrix) -> View:
    """Return the view of sessions: too little of a feature is as odd as too much."""
    return View(scale, matrix, Mixture(matrix, both_ways=True))


def request_view(scale: Scale, matrix: Matrix) -> View:
    """Return the view of requests: their features grow with oddity."""
    return View(scale, matrix, Mixture(matrix, both_ways=False))


def session_scale(values: Matrix) -> Scale:
    """Learn the scale of comparable features of sessions."""
    import numpy as np

    least = [_LEAST_SPREAD.get(name, _LEAST_SPREAD_ELSE) for name in FEATURES]
    return Scale.of(values, np.array(least))


def request_scale(values: Matrix) -> Scale:
    """Learn the scale of features of requests."""
    import numpy as np

    return Scale.of(values, np.full(len(REQUEST_FEATURES), _LEAST_SPREAD_ELSE))


def comparable(raw: Matrix) -> Matrix:
    """Return features of sessions with the logarithm taken where twice as much matters."""
    import numpy as np

    values: Matrix = raw.copy()
    for at, name in enumerate(FEATURES):
        if name in LOGARITHMIC:
            values[:, at] = np.log(np.maximum(raw[:, at], 0.0) + LOGARITHMIC[name])
    return values
