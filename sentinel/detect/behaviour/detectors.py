"""Single detectors of PyOD, and the Markov chain alone, on the very features of the mixture.

They are what the mixture is compared with (`sentinel behaviour eval --compare`); none of them
judges anybody in the service. Each runs with PyOD's defaults.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sentinel.detect.behaviour.features import FEATURES
from sentinel.detect.behaviour.mixture import Tail
from sentinel.detect.behaviour.population import Population, View, comparable
from sentinel.detect.behaviour.requests import REQUEST_FEATURES
from sentinel.detect.behaviour.sessions import Step

if TYPE_CHECKING:
    from sentinel.detect.behaviour.mixture import Matrix

SINGLES = ("KNN", "LOF", "ECOD", "COPOD", "HBOS", "IForest", "LODA")
_SEEDED = frozenset({"IForest"})
_LEAST = 1e-3  # each has a unit of its own
# A page that the chain never met costs as much as the rarest of ten thousand steps.
_SESSION_WEIGHTS = {"surprise": 1.0, "unseen": 9.2}
_REQUEST_WEIGHTS = {"value_shape": 1.0, "path_shape": 1.0}


class Single:
    """One detector in both views: of sessions, and of requests."""

    def __init__(self, name: str, population: Population, seed: int) -> None:
        """Fit. ``name``: one of `SINGLES`, else the chains alone."""
        self._population = population
        if name in SINGLES:
            self._sessions = _pyod(name, population.of_sessions, seed)
            self._requests = _pyod(name, population.of_requests, seed)
        else:
            self._sessions = _Chain(population.of_sessions, _SESSION_WEIGHTS)
            self._requests = _Chain(population.of_requests, _REQUEST_WEIGHTS)

    def sessions(self, raw: Matrix) -> Matrix:
        """Return the nats of sessions. ``raw``: sessions x FEATURES."""
        return self._sessions.nats(self._population.of_sessions.scale.apply(comparable(raw)))

    def requests(self, steps: Sequence[Step]) -> Matrix:
        """Return the nats of requests."""
        values = self._population.request_values(steps)
        return self._requests.nats(self._population.of_requests.scale.apply(values))


class _Fitted:
    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self._tail = Tail(detector.decision_scores_, _LEAST)

    def nats(self, scaled: Matrix) -> Matrix:
        """Return nats of scaled rows."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._tail.nats(self._detector.decision_function(scaled))


class _Chain(_Fitted):
    """What a chain says alone: likelihood of the path or the text, in nats a step."""

    def __init__(self, view: View, weights: dict[str, float]) -> None:
        import numpy as np

        names = FEATURES if "surprise" in weights else REQUEST_FEATURES
        self._weights = np.array([weights.get(name, 0.0) for name in names]) * view.scale.spread
        self._tail = Tail(view.matrix @ self._weights, _LEAST)

    def nats(self, scaled: Matrix) -> Matrix:
        """Return nats of scaled rows."""
        return self._tail.nats(scaled @ self._weights)


def _pyod(name: str, view: View, seed: int) -> _Fitted:
    import numpy as np

    detector = getattr(import_module(f"pyod.models.{name.lower()}"), name)
    np.random.seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = detector(**({"random_state": seed} if name in _SEEDED else {}))
        fitted.fit(view.matrix)
    return _Fitted(fitted)
